/*
 * reply_check.h
 *		Whether the results of an answer fit together, and which text each is of.
 */
#ifndef INFERENCE_SERVICE_REPLY_CHECK_H
#define INFERENCE_SERVICE_REPLY_CHECK_H

#include "base/types.h"
#include "service/reply_fault.h"

/* In place of the index of a result. */
#define INF_REPLY_NO_INDEX (-1)
#define INF_REPLY_BAD_INDEX (-2)	/* there is one, but not such as to
									 * count from 0 */

/*
 * Where each of n results belongs: indexes are a permutation of 0 to n - 1, or
 * all the same or none, which keeps the order of the array.  False, with fault,
 * if they are neither: then nobody knows.
 */
extern bool inf_reply_find_places(const int64 *indexes, int n, int *places,
								  char *fault);

/*
 * Whether dense results are of one width.  If not, *odd is the first that differs
 * from the others: from wanted (0: not known) if any has that, else from most;
 * -1 if that cannot be told.
 */
extern bool inf_reply_check_widths(const InferenceEmbedding *results, int n,
								   int wanted, int *odd, char *fault);

#endif							/* INFERENCE_SERVICE_REPLY_CHECK_H */
