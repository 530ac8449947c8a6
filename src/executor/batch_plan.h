/*
 * batch_plan.h
 *		Finds calls over rows in a plan, and has them made in batches.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_PLAN_H
#define INFERENCE_EXECUTOR_BATCH_PLAN_H

#include "postgres.h"

/* Hooks into the planner. */
extern void inf_batch_plan_init(void);

#endif							/* INFERENCE_EXECUTOR_BATCH_PLAN_H */
