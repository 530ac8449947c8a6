/*
 * embedding_cache.h
 *		Embeddings that this session has seen, up to inference.cache_size, the
 *		least recently used going first.
 */
#ifndef INFERENCE_PIPELINE_EMBEDDING_CACHE_H
#define INFERENCE_PIPELINE_EMBEDDING_CACHE_H

#include "base/types.h"

extern bool inf_embedding_cache_enabled(void);

/* Copies the embedding into the current memory context; false: not there. */
extern bool inf_embedding_cache_get(const InferenceModel *model,
									Jsonb *task_settings,
									const InferenceInput *input,
									InferenceEmbedding *embedding);

extern void inf_embedding_cache_put(const InferenceModel *model,
									Jsonb *task_settings,
									const InferenceInput *input,
									const InferenceEmbedding *embedding);

#endif							/* INFERENCE_PIPELINE_EMBEDDING_CACHE_H */
