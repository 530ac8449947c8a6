/*
 * batch_merge.h
 *		Calls in the actions of MERGE.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_MERGE_H
#define INFERENCE_EXECUTOR_BATCH_MERGE_H

#include "postgres.h"

#include "executor/batch_path.h"

/*
 * Before planning, when a call has been found in a MERGE: has the planner bring
 * along what decides which action a row comes to.
 */
extern void inf_merge_want_columns(PlannerInfo *root);

/*
 * After planning, for each MERGE: batches calls of the actions over the rows
 * that the join gives, if that may be, and takes away what was brought along.
 */
extern void inf_merge_batch(Reader reader, RelOptInfo *rel, bool may_batch);

#endif							/* INFERENCE_EXECUTOR_BATCH_MERGE_H */
