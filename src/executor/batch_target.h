/*
 * batch_target.h
 *		What the node that makes calls computes, and the one below it.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_TARGET_H
#define INFERENCE_EXECUTOR_BATCH_TARGET_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/*
 * Adds the arguments of a call that a node makes to what a node below computes,
 * or what the condition and they are made from.
 */
extern void inf_batch_add_arguments(PathTarget *target, const Path *path,
									FuncExpr *call, Expr *condition);

/*
 * What the node below path must compute, so that target can be computed from
 * it and the answers of the calls.
 */
extern PathTarget *inf_batch_make_child_target(PlannerInfo *root,
											   const Path *path,
											   PathTarget *target, List *calls);

/*
 * Whether the rest of an expression could not be computed above a node that
 * groups: a column in it may be part of a grouping expression.
 */
extern bool inf_batch_mixes_groups(PlannerInfo *root, const Path *path);

/* Whether something identifies rows of different tables, as UPDATE needs it. */
extern bool inf_batch_has_row_identity(Node *node, void *context);

/* A target of the parent in terms of a child's columns. */
extern PathTarget *inf_batch_translate_target(PlannerInfo *root,
											  PathTarget *target,
											  RelOptInfo *child,
											  RelOptInfo *parent);

#endif							/* INFERENCE_EXECUTOR_BATCH_TARGET_H */
