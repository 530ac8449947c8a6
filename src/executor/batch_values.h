/*
 * batch_values.h
 *		Calls in the rows of INSERT ... VALUES.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_VALUES_H
#define INFERENCE_EXECUTOR_BATCH_VALUES_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/* Whether calls of a function stand in the rows of an INSERT of several. */
extern bool inf_values_hold_calls(const Query *query, Oid function);

/*
 * Takes calls out of the rows of a VALUES scan that feeds an INSERT: their
 * texts stay there, and the target that is returned, in place of the given one,
 * has the calls over them.  NULL: nothing was done.
 */
extern PathTarget *inf_values_take_calls(PlannerInfo *root, PathTarget *target,
										 const Path *scan);

/*
 * Calls without columns that stand beside such rows, as in RETURNING: where the
 * planner makes them once per statement, it has left those alone, too.
 */
extern void inf_values_make_others_once(PlannerInfo *root, Path *path);

#endif							/* INFERENCE_EXECUTOR_BATCH_VALUES_H */
