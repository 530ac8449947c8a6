/*
 * batch.h
 *		From the texts of a statement to batches that a service takes, and back.
 */
#ifndef INFERENCE_PIPELINE_BATCH_H
#define INFERENCE_PIPELINE_BATCH_H

#include "utils/hsearch.h"

#include "base/types.h"

/*
 * A request's texts together stay below this, unless one alone is larger: it
 * keeps eight requests in flight well under what a backend may use.
 */
#define INF_MAX_BATCH_BYTES (4 * 1024 * 1024)

/* The key of a table of texts: begins its entries. */
typedef struct InferenceTextKey
{
	const char *text;
	int			length;
} InferenceTextKey;

/* A table of texts in the current memory context, which holds no copies of them. */
extern HTAB *inf_text_table_create(const char *name, long nexpected,
								   Size entry_size);

/* Different texts of a list, and where each of the list's texts is in them. */
typedef struct InferenceDistinct
{
	InferenceInput *inputs;		/* (ninputs), in order of first occurrence */
	int			ninputs;
	int		   *position;		/* (of each text of the list) */
} InferenceDistinct;

extern void inf_batch_distinct(const InferenceInput *inputs, int ninputs,
							   InferenceDistinct *distinct);

/*
 * How many of the inputs, from the first on, go into one request of so many
 * texts and, by a guess, tokens (0: no limit); at least one.
 */
extern int	inf_batch_fitting(const InferenceInput *inputs, int ninputs,
							  int max_inputs, int max_tokens);

/*
 * Cuts a text to max_tokens, three UTF-16 units each, as Elasticsearch does,
 * but never inside a character.
 */
extern void inf_batch_truncate(InferenceInput *input, int max_tokens);

#endif							/* INFERENCE_PIPELINE_BATCH_H */
