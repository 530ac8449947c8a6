/*
 * infer_list.h
 *		Embeds a list of texts that may be long, in memory that is not.
 */
#ifndef INFERENCE_PIPELINE_INFER_LIST_H
#define INFERENCE_PIPELINE_INFER_LIST_H

#include "base/types.h"

/* Texts of a list that are embedded together at first. */
#define INF_LIST_PIECE_TEXTS 4096

typedef struct InferenceList
{
	int			ntexts;

	/* Makes the next text an input; false: it has no embedding. */
	bool		(*read) (void *state, int index, InferenceInput *input);

	/* Takes the embedding of the next text; NULL: it has none. */
	void		(*put) (void *state, int index, const InferenceEmbedding *embedding);

	void	   *state;			/* of both */
} InferenceList;

/*
 * Reads texts, in order, and hands their embeddings on, in order.  Equal texts
 * are sent once, as far as they are near each other or work_mem remembers them.
 * Throws if any text could not be embedded.
 */
extern void inf_infer_list(const InferenceModel *model, Jsonb *overrides,
						   const InferenceList *list);

#endif							/* INFERENCE_PIPELINE_INFER_LIST_H */
