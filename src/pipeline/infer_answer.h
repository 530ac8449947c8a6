/*
 * infer_answer.h
 *		The answer of inference_infer, as Elasticsearch's API has it:
 *
 *		{"text_embedding": [{"embedding": [...]}, ...]} or
 *		{"sparse_embedding": [{"embedding": {...}, "is_truncated": false}, ...]}
 */
#ifndef INFERENCE_PIPELINE_INFER_ANSWER_H
#define INFERENCE_PIPELINE_INFER_ANSWER_H

#include "base/types.h"

typedef struct InferenceAnswer InferenceAnswer;

/*
 * Throws 54000 if n embeddings of so many dimensions cannot fit into a value of
 * type jsonb, however short their numbers are.
 */
extern void inf_answer_check_size(int n, int ndimensions);

/* An answer of n embeddings, in the current memory context. */
extern InferenceAnswer *inf_answer_begin(InferenceTask task, int n);

/* Adds the next embedding.  Throws 54000 if the answer becomes too large. */
extern void inf_answer_add(InferenceAnswer *answer,
						   const InferenceEmbedding *embedding);

/* The value, when all have been added. */
extern Jsonb *inf_answer_end(InferenceAnswer *answer);

/* All of it at once. */
extern Jsonb *inf_answer_make(InferenceTask task,
							  const InferenceEmbedding *embeddings, int n);

#endif							/* INFERENCE_PIPELINE_INFER_ANSWER_H */
