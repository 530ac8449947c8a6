/*
 * tensor_names.h
 *		What the tensors of a network are called in a file.  Plain C.
 */
#ifndef INFERENCE_ENGINE_TENSOR_NAMES_H
#define INFERENCE_ENGINE_TENSOR_NAMES_H

#include "engine/engine_error.h"
#include "engine/model_config.h"
#include "engine/safetensors.h"

/* Weights and biases of a layer follow each other; so do gammas and betas. */
typedef enum TensorRole
{
	TENSOR_WORDS,
	TENSOR_POSITIONS,
	TENSOR_TYPES,
	TENSOR_EMBEDDING_GAMMA,
	TENSOR_EMBEDDING_BETA,

	/* Of a layer */
	TENSOR_QUERY_WEIGHT,
	TENSOR_QUERY_BIAS,
	TENSOR_KEY_WEIGHT,
	TENSOR_KEY_BIAS,
	TENSOR_VALUE_WEIGHT,
	TENSOR_VALUE_BIAS,
	TENSOR_CONTEXT_WEIGHT,
	TENSOR_CONTEXT_BIAS,
	TENSOR_CONTEXT_GAMMA,
	TENSOR_CONTEXT_BETA,
	TENSOR_UP_WEIGHT,
	TENSOR_UP_BIAS,
	TENSOR_DOWN_WEIGHT,
	TENSOR_DOWN_BIAS,
	TENSOR_DOWN_GAMMA,
	TENSOR_DOWN_BETA,

	/* Of the masked-language head */
	TENSOR_TRANSFORM_WEIGHT,
	TENSOR_TRANSFORM_BIAS,
	TENSOR_TRANSFORM_GAMMA,
	TENSOR_TRANSFORM_BETA,
	TENSOR_DECODER_WEIGHT,
	TENSOR_DECODER_BIAS
} TensorRole;

/*
 * The tensor that plays the role, in the layer of that number where it is of
 * one; under each name that checkpoints of the family have used for it.  NULL,
 * with ENGINE_BAD_FILE, if there is none.
 */
extern const Tensor *inf_tensor_find_role(const Safetensors *source,
										  ModelFamily family, TensorRole role,
										  int layer, EngineError *error);

#endif							/* INFERENCE_ENGINE_TENSOR_NAMES_H */
