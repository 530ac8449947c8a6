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

/*
 * For a node that begins: its columns as EXPLAIN, ours or auto_explain's, can
 * write them.
 */
extern void inf_batch_name_windows(CustomScan *scan);

#endif							/* INFERENCE_EXECUTOR_BATCH_EXPLAIN_H */
