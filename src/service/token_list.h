/*
 * token_list.h
 *		The order of the tokens of a sparse embedding.
 */
#ifndef INFERENCE_SERVICE_TOKEN_LIST_H
#define INFERENCE_SERVICE_TOKEN_LIST_H

#include "base/types.h"

/* Heaviest first, equal ones by their bytes. */
extern void inf_tokens_sort(InferenceEmbedding *embedding);

/* Sorts them; returns a token that occurs twice, or NULL. */
extern const char *inf_tokens_sort_distinct(InferenceEmbedding *embedding);

#endif							/* INFERENCE_SERVICE_TOKEN_LIST_H */
