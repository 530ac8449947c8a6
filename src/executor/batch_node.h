/*
 * batch_node.h
 *		The path and the plan of the node that makes calls in batches.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_NODE_H
#define INFERENCE_EXECUTOR_BATCH_NODE_H

#include "postgres.h"

#include "executor/batch_inputs.h"
#include "executor/batch_path.h"

/*
 * Our node over a path that computes child_target, and gives target, with the
 * calls, each of which is made under its condition.
 */
extern Path *inf_batch_make_path(Reader reader, Path *path,
								 PathTarget *child_target, PathTarget *target,
								 List *calls, List *conditions);

/* When calls are made that a node has in these expressions; NULL: always. */
extern List *inf_batch_conditions(const BatchInputs *inputs, List *expressions,
								  List *calls);

#endif							/* INFERENCE_EXECUTOR_BATCH_NODE_H */
