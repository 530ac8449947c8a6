/*
 * batch_plan.h
 *		Finds calls over rows in a plan, and has them made in batches.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_PLAN_H
#define INFERENCE_EXECUTOR_BATCH_PLAN_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/*
 * Whether whoever reads all that a query gives may stop before the end: the
 * holder of a cursor, EXISTS, a join, a LIMIT further out.
 */
extern bool inf_batch_may_stop(PlannerInfo *root);

/* Whether a query reads all rows before it gives the first, other than by path. */
extern bool inf_batch_takes_all(const Query *query);

/* Whether a query is read to its end, however few rows the plan is asked for. */
extern bool inf_batch_is_read_in_full(const PlannerInfo *root);

/* Hooks into the planner. */
extern void inf_batch_plan_init(void);

#endif							/* INFERENCE_EXECUTOR_BATCH_PLAN_H */
