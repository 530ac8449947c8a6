/*
 * test_tensor_names.c
 *		Each role under each name that checkpoints use for it.
 */
#include "engine/tensor_names.h"

#include "check.h"

static EngineError error;

/* A file with only that tensor. */
static const Tensor *
find(const char *name, ModelFamily family, TensorRole role, int layer)
{
	static Tensor tensor;
	const Safetensors source = {.tensors = &tensor, .ntensors = 1};

	tensor.name = name;
	error.code = ENGINE_OK;
	return inf_tensor_find_role(&source, family, role, layer, &error);
}

static void
test_bert(void)
{
	CHECK(find("embeddings.word_embeddings.weight", MODEL_BERT, TENSOR_WORDS, 0));
	CHECK(find("bert.embeddings.word_embeddings.weight", MODEL_BERT, TENSOR_WORDS, 0));
	CHECK(find("bert.embeddings.position_embeddings.weight", MODEL_BERT, TENSOR_POSITIONS, 0));
	CHECK(find("embeddings.token_type_embeddings.weight", MODEL_BERT, TENSOR_TYPES, 0));
	CHECK(find("embeddings.LayerNorm.weight", MODEL_BERT, TENSOR_EMBEDDING_GAMMA, 0));
	CHECK(find("bert.embeddings.LayerNorm.gamma", MODEL_BERT, TENSOR_EMBEDDING_GAMMA, 0));
	CHECK(find("bert.embeddings.LayerNorm.beta", MODEL_BERT, TENSOR_EMBEDDING_BETA, 0));
	CHECK(find("encoder.layer.0.attention.self.query.weight", MODEL_BERT, TENSOR_QUERY_WEIGHT, 0));
	CHECK(find("bert.encoder.layer.255.attention.self.value.bias", MODEL_BERT, TENSOR_VALUE_BIAS, 255));
	CHECK(find("encoder.layer.7.attention.output.LayerNorm.gamma", MODEL_BERT, TENSOR_CONTEXT_GAMMA, 7));
	CHECK(find("encoder.layer.7.intermediate.dense.bias", MODEL_BERT, TENSOR_UP_BIAS, 7));
	CHECK(find("encoder.layer.7.output.dense.weight", MODEL_BERT, TENSOR_DOWN_WEIGHT, 7));
	CHECK(find("bert.encoder.layer.10.output.LayerNorm.beta", MODEL_BERT, TENSOR_DOWN_BETA, 10));
	CHECK(find("cls.predictions.transform.dense.weight", MODEL_BERT, TENSOR_TRANSFORM_WEIGHT, 0));
	CHECK(find("cls.predictions.decoder.weight", MODEL_BERT, TENSOR_DECODER_WEIGHT, 0));
	CHECK(find("bert.embeddings.word_embeddings.weight", MODEL_BERT, TENSOR_DECODER_WEIGHT, 0));
	CHECK(find("cls.predictions.bias", MODEL_BERT, TENSOR_DECODER_BIAS, 0));
	CHECK(find("cls.predictions.decoder.bias", MODEL_BERT, TENSOR_DECODER_BIAS, 0));
	CHECK_INT(error.code, ENGINE_OK);
}

static void
test_distilbert(void)
{
	CHECK(find("embeddings.word_embeddings.weight", MODEL_DISTILBERT, TENSOR_WORDS, 0));
	CHECK(find("distilbert.transformer.layer.5.attention.q_lin.weight", MODEL_DISTILBERT, TENSOR_QUERY_WEIGHT, 5));
	CHECK(find("transformer.layer.0.attention.out_lin.bias", MODEL_DISTILBERT, TENSOR_CONTEXT_BIAS, 0));
	CHECK(find("distilbert.transformer.layer.1.sa_layer_norm.weight", MODEL_DISTILBERT, TENSOR_CONTEXT_GAMMA, 1));
	CHECK(find("distilbert.transformer.layer.1.ffn.lin2.weight", MODEL_DISTILBERT, TENSOR_DOWN_WEIGHT, 1));
	CHECK(find("distilbert.transformer.layer.1.output_layer_norm.bias", MODEL_DISTILBERT, TENSOR_DOWN_BETA, 1));
	CHECK(find("vocab_transform.weight", MODEL_DISTILBERT, TENSOR_TRANSFORM_WEIGHT, 0));
	CHECK(find("vocab_projector.weight", MODEL_DISTILBERT, TENSOR_DECODER_WEIGHT, 0));
	CHECK(find("distilbert.embeddings.word_embeddings.weight", MODEL_DISTILBERT, TENSOR_DECODER_WEIGHT, 0));
	CHECK(find("vocab_projector.bias", MODEL_DISTILBERT, TENSOR_DECODER_BIAS, 0));
}

static void
test_missing(void)
{
	/* Another layer, another family, a part of a name. */
	CHECK(!find("encoder.layer.1.output.dense.weight", MODEL_BERT, TENSOR_DOWN_WEIGHT, 11));
	CHECK_INT(error.code, ENGINE_BAD_FILE);
	CHECK_STR(error.message, "the model has no tensor \"encoder.layer.11.output.dense.weight\", which a BERT model has to have");
	CHECK(!find("distilbert.embeddings.word_embeddings.weight", MODEL_BERT, TENSOR_WORDS, 0));
	CHECK(!find("embeddings.word_embeddings", MODEL_BERT, TENSOR_WORDS, 0));
	CHECK(!find("", MODEL_DISTILBERT, TENSOR_DECODER_WEIGHT, 0));
	CHECK_STR(error.message, "the model has no tensor \"vocab_projector.weight\", which a DistilBERT model has to have");

	/* The first name is the one to ask for. */
	CHECK(!find("x", MODEL_BERT, TENSOR_DOWN_GAMMA, 2));
	CHECK_STR(error.message, "the model has no tensor \"encoder.layer.2.output.LayerNorm.weight\", which a BERT model has to have");
}

/* The head's own table of words counts more than the encoder's. */
static void
test_order(void)
{
	Tensor		tensors[] = {
		{.name = "bert.embeddings.word_embeddings.weight"},
		{.name = "cls.predictions.decoder.weight"}
	};
	const Safetensors source = {.tensors = tensors, .ntensors = 2};

	CHECK(inf_tensor_find_role(&source, MODEL_BERT, TENSOR_DECODER_WEIGHT, 0, &error) == &tensors[1]);
	CHECK(inf_tensor_find_role(&source, MODEL_BERT, TENSOR_WORDS, 0, &error) == &tensors[0]);
}

int
main(void)
{
	test_bert();
	test_distilbert();
	test_missing();
	test_order();
	return check_done();
}
