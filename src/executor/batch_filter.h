/*
 * batch_filter.h
 *		Calls in WHERE.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_FILTER_H
#define INFERENCE_EXECUTOR_BATCH_FILTER_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/* The calls in WHERE of a planned query that are batched. */
extern List *inf_filter_calls(PlannerInfo *root);

/* Hooks into the planner. */
extern void inf_filter_init(void);

#endif							/* INFERENCE_EXECUTOR_BATCH_FILTER_H */
