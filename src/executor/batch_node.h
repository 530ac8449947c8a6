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

/* Gives such a path conditions, which it checks with the answers of its calls. */
extern void inf_batch_set_quals(Path *path, List *quals);

/* Whether this is such a path, and has conditions. */
extern bool inf_batch_has_quals(const Path *path);

/*
 * The calls that such a path with conditions makes for each of its rows: what is
 * computed in its place, or in a projection of it, has their answers.
 */
extern List *inf_batch_calls_given(const Path *path);

/* When calls are made that a node has in these expressions; NULL: always. */
extern List *inf_batch_conditions(const BatchInputs *inputs, List *expressions,
								  List *calls);

#endif							/* INFERENCE_EXECUTOR_BATCH_NODE_H */
