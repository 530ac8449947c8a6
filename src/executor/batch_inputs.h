/*
 * batch_inputs.h
 *		What a plan node computes its expressions from.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_INPUTS_H
#define INFERENCE_EXECUTOR_BATCH_INPUTS_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/*
 * The planner looks for each expression of a node, from the top down, among
 * those that the nodes below give, and has the node compute only what is left
 * above these.  What stands above them can be computed in this node; what is
 * part of them need not be possible there.
 */
typedef struct BatchInputs
{
	PlannerInfo *root;
	List	   *exprs;			/* that come from below */
	bool		is_scan;		/* any column of its relation can be had */
	bool		aggregates;		/* it computes aggregates or window functions */
	bool		grouping_sets;	/* it nulls columns for grouping sets */
} BatchInputs;

/* Finds them; false: this is not a node that computes expressions by rows. */
extern bool inf_batch_find_inputs(PlannerInfo *root, const Path *path,
								  BatchInputs *inputs);

/* Whether an expression is one of those that come from below. */
extern bool inf_batch_comes_from_below(const BatchInputs *inputs, Node *node);

/* Whether a node with these inputs can compute all of some expressions. */
extern bool inf_batch_can_compute(const BatchInputs *inputs, List *exprs);

#endif							/* INFERENCE_EXECUTOR_BATCH_INPUTS_H */
