/*
 * batch_plan.h
 *		Finds calls over rows in a plan, and has them made in batches.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_PLAN_H
#define INFERENCE_EXECUTOR_BATCH_PLAN_H

#include "postgres.h"

#include "executor/batch_scan.h"

/* Whether a function is one whose calls are batched, and which. */
extern bool inf_batch_is_call(Oid function, BatchCallKind *kind);

/* Hooks into the planner. */
extern void inf_batch_plan_init(void);

#endif							/* INFERENCE_EXECUTOR_BATCH_PLAN_H */
