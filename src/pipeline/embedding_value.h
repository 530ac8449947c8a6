/*
 * embedding_value.h
 *		Embeddings as SQL values.
 */
#ifndef INFERENCE_PIPELINE_EMBEDDING_VALUE_H
#define INFERENCE_PIPELINE_EMBEDDING_VALUE_H

#include "utils/array.h"
#include "utils/jsonb.h"

#include "base/types.h"

/* real[] of a dense embedding. */
extern ArrayType *inf_value_real_array(const InferenceEmbedding *embedding);

/* {"token": weight, ...} of a sparse embedding. */
extern Jsonb *inf_value_token_map(const InferenceEmbedding *embedding);

/* [number, ...] of a dense embedding. */
extern Jsonb *inf_value_json_array(const InferenceEmbedding *embedding);

#endif							/* INFERENCE_PIPELINE_EMBEDDING_VALUE_H */
