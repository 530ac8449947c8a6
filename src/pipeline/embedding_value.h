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

/*
 * The answer of Elasticsearch's API:
 * {"text_embedding": [{"embedding": [...]}, ...]} or
 * {"sparse_embedding": [{"is_truncated": false, "embedding": {...}}, ...]}.
 */
extern Jsonb *inf_value_answer(InferenceTask task,
							   const InferenceEmbedding *embeddings, int n);

#endif							/* INFERENCE_PIPELINE_EMBEDDING_VALUE_H */
