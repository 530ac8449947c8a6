/*
 * volatile_search.h
 *		Finds what must not be evaluated ahead of its turn.
 */
#ifndef INFERENCE_EXECUTOR_VOLATILE_SEARCH_H
#define INFERENCE_EXECUTOR_VOLATILE_SEARCH_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/*
 * Whether an expression of a planned query depends on when it is evaluated:
 * volatile functions, also in its sub-selects, and the sub-selects of a
 * multiple assignment, which leave what they found for other columns.
 */
extern bool inf_is_volatile(PlannerInfo *root, Node *expression);

/*
 * Whether an expression reads what a volatile sub-select gives that is evaluated
 * once, when it is first read: the order among the others may tell.
 */
extern bool inf_reads_volatile(Node *expression, void *root);

/*
 * Whether the rows of a query depend on when they are made.  If not all of them
 * may be, it matters of sub-selects, too, which rows they lock.
 */
extern bool inf_has_volatile_rows(PlannerInfo *root, bool may_stop);

/*
 * Whether what a path gives depends on when it is asked for it, the conditions
 * of the query apart.
 */
extern bool inf_gives_volatile(PlannerInfo *root, const Path *path);

#endif							/* INFERENCE_EXECUTOR_VOLATILE_SEARCH_H */
