/*
 * batch_demand.h
 *		How many rows whoever runs a plan asks it for.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_DEMAND_H
#define INFERENCE_EXECUTOR_BATCH_DEMAND_H

#include "postgres.h"

#include "nodes/execnodes.h"

/* Whether it wants a row or two, and then no more. */
extern bool inf_demand_is_small(const EState *estate);

/* Hooks into the executor. */
extern void inf_demand_init(void);

#endif							/* INFERENCE_EXECUTOR_BATCH_DEMAND_H */
