/*
 * batch_node.h
 *		The path and the plan of the node that makes calls in batches.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_NODE_H
#define INFERENCE_EXECUTOR_BATCH_NODE_H

#include "postgres.h"

#include "executor/batch_path.h"

/*
 * Our node over a path that computes child_target, and gives target, with the
 * calls.
 */
extern Path *inf_batch_make_path(Reader reader, Path *path,
								 PathTarget *child_target, PathTarget *target,
								 List *calls);

#endif							/* INFERENCE_EXECUTOR_BATCH_NODE_H */
