/*
 * batch_position.h
 *		Where a cursor stands, for WHERE CURRENT OF.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_POSITION_H
#define INFERENCE_EXECUTOR_BATCH_POSITION_H

#include "postgres.h"

#include "nodes/execnodes.h"

/* The scan of a table that gives the rows of a plan one by one, or NULL. */
extern ScanState *inf_position_find_scan(PlanState *plan);

/* The row that it has given last. */
extern ItemPointerData inf_position_of(ScanState *scan);

#endif							/* INFERENCE_EXECUTOR_BATCH_POSITION_H */
