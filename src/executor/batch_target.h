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

/* Whether a row can have all columns of a target: the parts of calls add some. */
extern bool inf_batch_has_room(const PathTarget *target);

/* Whether something identifies rows of different tables, as UPDATE needs it. */
extern bool inf_batch_has_row_identity(Node *node, void *context);

/*
 * Row identity columns of several tables (ROWID_VAR) belong to no relation, which
 * is an error in a plan except in the children of an Append.  These tell whether
 * they can be replaced by columns of the target relation, and replace them: a
 * mutator, whose context is a PlannerInfo.
 */
extern bool inf_batch_can_name_rows(PlannerInfo *root, Node *node);
extern Node *inf_batch_name_rows(Node *node, void *context);

/* A target of the parent in terms of a child's columns. */
extern PathTarget *inf_batch_translate_target(PlannerInfo *root,
											  PathTarget *target,
											  RelOptInfo *child,
											  RelOptInfo *parent);

#endif							/* INFERENCE_EXECUTOR_BATCH_TARGET_H */
