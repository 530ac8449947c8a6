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

/*
 * What identifies rows of different tables has no relation, which is an error
 * in a plan where it is not the child of an Append that is asked for it.  As the
 * columns of the target relation that it is: whether that can be done, and the
 * mutator that does it, whose context is a PlannerInfo.
 */
extern bool inf_batch_can_name_rows(PlannerInfo *root, Node *node);
extern Node *inf_batch_name_rows(Node *node, void *context);

/* A target of the parent in terms of a child's columns. */
extern PathTarget *inf_batch_translate_target(PlannerInfo *root,
											  PathTarget *target,
											  RelOptInfo *child,
											  RelOptInfo *parent);

#endif							/* INFERENCE_EXECUTOR_BATCH_TARGET_H */
