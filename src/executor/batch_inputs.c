/*
 * batch_inputs.c
 *		What a plan node computes its expressions from.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"

#include "base/compat.h"
#include "executor/batch_inputs.h"
#include "executor/batch_node.h"

/* The only path below one that computes expressions, or NULL. */
static const Path *
only_subpath(const Path *path)
{
	switch (nodeTag(path))
	{
		case T_ProjectionPath:
			return ((const ProjectionPath *) path)->subpath;
		case T_AggPath:
			return ((const AggPath *) path)->subpath;
		case T_GroupPath:
			return ((const GroupPath *) path)->subpath;
		case T_GroupingSetsPath:
			return ((const GroupingSetsPath *) path)->subpath;
		case T_WindowAggPath:
			return ((const WindowAggPath *) path)->subpath;
		case T_ProjectSetPath:
			return ((const ProjectSetPath *) path)->subpath;
		case T_GatherPath:
			return ((const GatherPath *) path)->subpath;
		case T_GatherMergePath:
			return ((const GatherMergePath *) path)->subpath;
		default:
			return NULL;
	}
}

/* A query without a table, or what min() and max() find in an index. */
static bool
is_single_row(const Path *path)
{
	return IsA(path, GroupResultPath) || IsA(path, MinMaxAggPath) ||
		(IsA(path, Path) && path->pathtype == T_Result);
}

static bool
is_scan(const Path *path)
{
	switch (nodeTag(path))
	{
		case T_Path:
		case T_IndexPath:
		case T_BitmapHeapPath:
		case T_TidPath:
		case T_TidRangePath:
		case T_SubqueryScanPath:
		case T_ForeignPath:
			return path->parent->reloptkind == RELOPT_BASEREL ||
				path->parent->reloptkind == RELOPT_OTHER_MEMBER_REL;
		default:
			return false;
	}
}

static bool
has_pseudoconstant(const List *conditions)
{
	ListCell   *lc;

	foreach(lc, conditions)
		if (lfirst_node(RestrictInfo, lc)->pseudoconstant)
			return true;
	return false;
}

/*
 * Whether a condition that is the same for all rows is checked in front of a
 * scan or join: by a node above it, which computes what the path is to give, but
 * from what the path was to give before.
 */
static bool
is_gated(PlannerInfo *root, const Path *path)
{
	if (!root->hasPseudoConstantQuals)
		return false;
	if (path->param_info && has_pseudoconstant(path->param_info->ppi_clauses))
		return true;
	if (IsA(path, NestPath) || IsA(path, MergePath) || IsA(path, HashPath))
		return has_pseudoconstant(((const JoinPath *) path)->joinrestrictinfo);
	return has_pseudoconstant(path->parent->baserestrictinfo);
}

bool
inf_batch_find_inputs(PlannerInfo *root, const Path *path, BatchInputs *inputs)
{
	const Path *subpath = only_subpath(path);

	memset(inputs, 0, sizeof(*inputs));
	inputs->root = root;
	if (is_single_row(subpath ? subpath : path) ||
		(subpath == NULL && is_gated(root, path)))
		return false;

	/* A scan computes the expressions of a projection above it by itself. */
	if (is_scan(IsA(path, ProjectionPath) ? subpath : path) &&
		!is_gated(root, IsA(path, ProjectionPath) ? subpath : path))
		inputs->is_scan = true;
	else if (subpath)
	{
		inputs->exprs = subpath->pathtarget->exprs;
		if (IsA(path, ProjectionPath))
			inputs->exprs = list_concat_copy(inputs->exprs,
											 inf_batch_calls_given(subpath));
		inputs->aggregates = IsA(path, AggPath) ||
			IsA(path, GroupingSetsPath) || IsA(path, WindowAggPath);
		inputs->grouping_sets = IsA(path, GroupingSetsPath);
	}
	else if (IsA(path, NestPath) || IsA(path, MergePath) || IsA(path, HashPath))
		inputs->exprs = list_concat_copy(((const JoinPath *) path)->outerjoinpath->pathtarget->exprs,
										 ((const JoinPath *) path)->innerjoinpath->pathtarget->exprs);
	else
		return false;
	return true;
}

/* A column is the same whatever outer joins and grouping did to it. */
static bool
is_same_column(const Node *a, const Node *b)
{
	if (nodeTag(a) != nodeTag(b))
		return false;
	if (IsA(a, Var))
		return ((const Var *) a)->varno == ((const Var *) b)->varno &&
			((const Var *) a)->varattno == ((const Var *) b)->varattno;
	return IsA(a, PlaceHolderVar) &&
		((const PlaceHolderVar *) a)->phid == ((const PlaceHolderVar *) b)->phid;
}

bool
inf_batch_comes_from_below(const BatchInputs *inputs, Node *node)
{
	ListCell   *lc;

	if (inputs->exprs == NIL || IsA(node, Const) || IsA(node, Param) ||
		IsA(node, List))
		return false;
	if (IsA(node, Var) || IsA(node, PlaceHolderVar))
	{
		foreach(lc, inputs->exprs)
			if (is_same_column(node, lfirst(lc)))
				return true;
		return false;
	}
	if (inputs->grouping_sets)
		node = inf_below_grouping_sets(inputs->root, node);
	return list_member(inputs->exprs, node);
}

static bool
lacks_input(Node *node, void *context)
{
	const BatchInputs *inputs = context;

	if (node == NULL || inf_batch_comes_from_below(inputs, node))
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			return !inputs->is_scan;
		case T_Aggref:
		case T_GroupingFunc:
		case T_WindowFunc:
			return !inputs->aggregates;
		default:
			return expression_tree_walker(node, lacks_input, context);
	}
}

bool
inf_batch_can_compute(const BatchInputs *inputs, List *exprs)
{
	return !lacks_input((Node *) exprs, (void *) inputs);
}
