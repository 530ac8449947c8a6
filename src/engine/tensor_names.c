/*
 * tensor_names.c
 *		What the tensors of a network are called in a file.
 *
 * Names follow from the classes of Hugging Face's transformers: a model saved
 * with a head has its encoder's tensors below "bert." or "distilbert.", one
 * saved without has not.  Checkpoints converted from TensorFlow say gamma and
 * beta for the weight and bias of a normalisation.  A decoder that shares the
 * table of words is usually left out.
 */
#include "engine/tensor_names.h"

#include <stdio.h>

/* %d is the number of the layer.  Without prefix; more names behind "|". */
static const char *const bert_names[] = {
	[TENSOR_WORDS] = "embeddings.word_embeddings.weight",
	[TENSOR_POSITIONS] = "embeddings.position_embeddings.weight",
	[TENSOR_TYPES] = "embeddings.token_type_embeddings.weight",
	[TENSOR_EMBEDDING_GAMMA] = "embeddings.LayerNorm.weight|embeddings.LayerNorm.gamma",
	[TENSOR_EMBEDDING_BETA] = "embeddings.LayerNorm.bias|embeddings.LayerNorm.beta",
	[TENSOR_QUERY_WEIGHT] = "encoder.layer.%d.attention.self.query.weight",
	[TENSOR_QUERY_BIAS] = "encoder.layer.%d.attention.self.query.bias",
	[TENSOR_KEY_WEIGHT] = "encoder.layer.%d.attention.self.key.weight",
	[TENSOR_KEY_BIAS] = "encoder.layer.%d.attention.self.key.bias",
	[TENSOR_VALUE_WEIGHT] = "encoder.layer.%d.attention.self.value.weight",
	[TENSOR_VALUE_BIAS] = "encoder.layer.%d.attention.self.value.bias",
	[TENSOR_CONTEXT_WEIGHT] = "encoder.layer.%d.attention.output.dense.weight",
	[TENSOR_CONTEXT_BIAS] = "encoder.layer.%d.attention.output.dense.bias",
	[TENSOR_CONTEXT_GAMMA] = "encoder.layer.%d.attention.output.LayerNorm.weight|"
	"encoder.layer.%d.attention.output.LayerNorm.gamma",
	[TENSOR_CONTEXT_BETA] = "encoder.layer.%d.attention.output.LayerNorm.bias|"
	"encoder.layer.%d.attention.output.LayerNorm.beta",
	[TENSOR_UP_WEIGHT] = "encoder.layer.%d.intermediate.dense.weight",
	[TENSOR_UP_BIAS] = "encoder.layer.%d.intermediate.dense.bias",
	[TENSOR_DOWN_WEIGHT] = "encoder.layer.%d.output.dense.weight",
	[TENSOR_DOWN_BIAS] = "encoder.layer.%d.output.dense.bias",
	[TENSOR_DOWN_GAMMA] = "encoder.layer.%d.output.LayerNorm.weight|"
	"encoder.layer.%d.output.LayerNorm.gamma",
	[TENSOR_DOWN_BETA] = "encoder.layer.%d.output.LayerNorm.bias|"
	"encoder.layer.%d.output.LayerNorm.beta",
	[TENSOR_TRANSFORM_WEIGHT] = "cls.predictions.transform.dense.weight",
	[TENSOR_TRANSFORM_BIAS] = "cls.predictions.transform.dense.bias",
	[TENSOR_TRANSFORM_GAMMA] = "cls.predictions.transform.LayerNorm.weight|"
	"cls.predictions.transform.LayerNorm.gamma",
	[TENSOR_TRANSFORM_BETA] = "cls.predictions.transform.LayerNorm.bias|"
	"cls.predictions.transform.LayerNorm.beta",
	[TENSOR_DECODER_WEIGHT] = "cls.predictions.decoder.weight|"
	"embeddings.word_embeddings.weight",
	[TENSOR_DECODER_BIAS] = "cls.predictions.bias|cls.predictions.decoder.bias",
};

static const char *const distilbert_names[] = {
	[TENSOR_WORDS] = "embeddings.word_embeddings.weight",
	[TENSOR_POSITIONS] = "embeddings.position_embeddings.weight",
	[TENSOR_EMBEDDING_GAMMA] = "embeddings.LayerNorm.weight",
	[TENSOR_EMBEDDING_BETA] = "embeddings.LayerNorm.bias",
	[TENSOR_QUERY_WEIGHT] = "transformer.layer.%d.attention.q_lin.weight",
	[TENSOR_QUERY_BIAS] = "transformer.layer.%d.attention.q_lin.bias",
	[TENSOR_KEY_WEIGHT] = "transformer.layer.%d.attention.k_lin.weight",
	[TENSOR_KEY_BIAS] = "transformer.layer.%d.attention.k_lin.bias",
	[TENSOR_VALUE_WEIGHT] = "transformer.layer.%d.attention.v_lin.weight",
	[TENSOR_VALUE_BIAS] = "transformer.layer.%d.attention.v_lin.bias",
	[TENSOR_CONTEXT_WEIGHT] = "transformer.layer.%d.attention.out_lin.weight",
	[TENSOR_CONTEXT_BIAS] = "transformer.layer.%d.attention.out_lin.bias",
	[TENSOR_CONTEXT_GAMMA] = "transformer.layer.%d.sa_layer_norm.weight",
	[TENSOR_CONTEXT_BETA] = "transformer.layer.%d.sa_layer_norm.bias",
	[TENSOR_UP_WEIGHT] = "transformer.layer.%d.ffn.lin1.weight",
	[TENSOR_UP_BIAS] = "transformer.layer.%d.ffn.lin1.bias",
	[TENSOR_DOWN_WEIGHT] = "transformer.layer.%d.ffn.lin2.weight",
	[TENSOR_DOWN_BIAS] = "transformer.layer.%d.ffn.lin2.bias",
	[TENSOR_DOWN_GAMMA] = "transformer.layer.%d.output_layer_norm.weight",
	[TENSOR_DOWN_BETA] = "transformer.layer.%d.output_layer_norm.bias",
	[TENSOR_TRANSFORM_WEIGHT] = "vocab_transform.weight",
	[TENSOR_TRANSFORM_BIAS] = "vocab_transform.bias",
	[TENSOR_TRANSFORM_GAMMA] = "vocab_layer_norm.weight",
	[TENSOR_TRANSFORM_BETA] = "vocab_layer_norm.bias",
	[TENSOR_DECODER_WEIGHT] = "vocab_projector.weight|"
	"embeddings.word_embeddings.weight",
	[TENSOR_DECODER_BIAS] = "vocab_projector.bias",
};

/* The name, up to a '|', behind the prefix; written to buffer. */
static void
write_name(char *buffer, size_t size, const char *prefix, const char *name, int layer)
{
	char	   *to = buffer + snprintf(buffer, size, "%s", prefix);
	const char *const end = buffer + size - 1;

	for (; *name && *name != '|' && to < end; name++)
		if (name[0] == '%' && name[1] == 'd')
		{
			to += snprintf(to, end - to + 1, "%d", layer);
			name++;
		}
		else
			*to++ = *name;
	*to = '\0';
}

const Tensor *
inf_tensor_find_role(const Safetensors *source, ModelFamily family,
					 TensorRole role, int layer, EngineError *error)
{
	const char *const prefixes[] = {"", family == MODEL_BERT ? "bert." : "distilbert."};
	const char *const names = (family == MODEL_BERT ? bert_names : distilbert_names)[role];
	const char *next = names;
	char		name[128];

	while (next)
	{
		for (int i = 0; i < 2; i++)
		{
			const Tensor *tensor;

			write_name(name, sizeof(name), prefixes[i], next, layer);
			tensor = inf_safetensors_find(source, name);
			if (tensor)
				return tensor;
		}
		for (; *next && *next != '|'; next++)
			;
		next = *next ? next + 1 : NULL;
	}
	write_name(name, sizeof(name), "", names, layer);
	(void) inf_engine_fail(error, ENGINE_BAD_FILE,
						   "the model has no tensor \"%s\", which a %s model has to have",
						   name, family == MODEL_BERT ? "BERT" : "DistilBERT");
	return NULL;
}
