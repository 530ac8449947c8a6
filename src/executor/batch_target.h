/*
 * batch_target.h
 *		What the node that makes calls computes, and the one below it.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_TARGET_H
#define INFERENCE_EXECUTOR_BATCH_TARGET_H

#include "postgres.h"

#include "nodes/pathnodes.h"

#include "executor/batch_inputs.h"

/*
 * Adds to what a node below ours computes, from these inputs, what calls need:
 * their arguments, or what these and the condition of the call are made from.
 */
extern void inf_batch_add_arguments(PathTarget *target,
									const BatchInputs *inputs, List *calls,
									List *conditions);

/*
 * What the node below ours must compute, from these inputs, so that target can
 * be computed from it and the answers of the calls; NULL: that is not possible.
 */
extern PathTarget *inf_batch_make_child_target(const BatchInputs *inputs,
											   PathTarget *target, List *calls,
											   List *conditions);

/* Whether something identifies rows of different tables, as UPDATE needs it. */
extern bool inf_batch_has_row_identity(Node *node, void *context);

/* A target of the parent in terms of a child's columns. */
extern PathTarget *inf_batch_translate_target(PlannerInfo *root,
											  PathTarget *target,
											  RelOptInfo *child,
											  RelOptInfo *parent);

#endif							/* INFERENCE_EXECUTOR_BATCH_TARGET_H */
