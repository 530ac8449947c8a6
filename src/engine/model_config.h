/*
 * model_config.h
 *		What a Hugging Face model folder says of the network: config.json, and
 *		sentence-transformers' modules.json, 1_Pooling/config.json,
 *		sentence_bert_config.json.  Plain C.
 */
#ifndef INFERENCE_ENGINE_MODEL_CONFIG_H
#define INFERENCE_ENGINE_MODEL_CONFIG_H

#include "engine/engine_error.h"

typedef enum ModelFamily
{
	MODEL_BERT,
	MODEL_DISTILBERT
} ModelFamily;

typedef enum ModelHead
{
	MODEL_HEAD_SPARSE,			/* masked-language head: max over positions of
								 * log(1 + relu(logit)); SPLADE */
	MODEL_HEAD_MEAN,			/* mean of the last hidden states */
	MODEL_HEAD_CLS				/* the first one */
} ModelHead;

/* Limits of what we take, far over the models that exist. */
#define MODEL_MAX_LAYERS 256
#define MODEL_MAX_WIDTH 16384
#define MODEL_MAX_VOCABULARY 4000000
#define MODEL_MAX_POSITIONS 65536

typedef struct ModelConfig
{
	ModelFamily family;
	ModelHead	head;
	bool		normalize;		/* dense: to length 1 */

	/* Sparse: log(1 + log(1 + relu(logit))), as some of OpenSearch's models. */
	bool		takes_log_twice;

	/*
	 * Of token maps, leave out [CLS] and the like, as OpenSearch's models
	 * want (their folders hold idf.json).
	 */
	bool		drops_special_tokens;

	int			nlayers;
	int			width;			/* hidden_size; a multiple of nheads */
	int			nheads;
	int			inner_width;	/* intermediate_size */
	int			nvocabulary;
	int			npositions;		/* max_position_embeddings */
	int			ntypes;			/* type_vocab_size; 0: none (DistilBERT) */
	int			max_tokens;		/* of a text, [CLS] and [SEP] included: at
								 * most npositions, and what
								 * sentence_bert_config.json says */
	float		layer_norm_epsilon;
} ModelConfig;

/*
 * Reads folder.  A network of another kind (another family, activation or
 * position embedding; a decoder; pooling by max) is ENGINE_UNSUPPORTED with a
 * message that says what it is and what is supported.
 */
extern bool inf_model_config_read(ModelConfig *config, const char *folder,
								  EngineError *error);

#endif							/* INFERENCE_ENGINE_MODEL_CONFIG_H */
