/*
 * batch_explain.h
 *		Says in EXPLAIN which calls over rows are not batched.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_EXPLAIN_H
#define INFERENCE_EXECUTOR_BATCH_EXPLAIN_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/* Hooks into EXPLAIN. */
extern void inf_batch_explain_init(void);

/*
 * For the planner: a query has been planned, and these of its calls are
 * batched.  Remembered while EXPLAIN plans, else nothing.
 */
extern void inf_batch_note_calls(PlannerInfo *root, List *batched);

#endif							/* INFERENCE_EXECUTOR_BATCH_EXPLAIN_H */
