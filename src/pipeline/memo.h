/*
 * memo.h
 *		What a statement has embedded so far, so that a text that comes again
 *		in a later batch is not sent again.
 */
#ifndef INFERENCE_PIPELINE_MEMO_H
#define INFERENCE_PIPELINE_MEMO_H

#include "base/types.h"

typedef struct EmbeddingMemo EmbeddingMemo;

/*
 * A memo in the current memory context, for answers of one model with one set
 * of task settings.  It keeps some max_bytes at most.
 */
extern EmbeddingMemo *inf_memo_create(Size max_bytes);

/* A copy of what is known of a text; false: nothing. */
extern bool inf_memo_get(EmbeddingMemo *memo, const InferenceInput *input,
						 InferenceEmbedding *embedding);

extern void inf_memo_put(EmbeddingMemo *memo, const InferenceInput *input,
						 const InferenceEmbedding *embedding);

#endif							/* INFERENCE_PIPELINE_MEMO_H */
