/*
 * batch_path.c
 *		Finds the node of a finished path that computes calls, and has one of
 *		ours make them.
 *
 * On the way down it is told how many rows will be read for certain: who may
 * stop early should have little sent ahead.
 */
#include "postgres.h"

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/tlist.h"

#include "base/compat.h"
#include "executor/batch_append.h"
#include "executor/batch_node.h"
#include "executor/batch_path.h"
#include "executor/batch_target.h"
#include "executor/batch_values.h"
#include "executor/call_search.h"

static Path *batch_path(Reader reader, Path *path);

/* A LIMIT that is known reads as many rows, and an unknown one at least one. */
static Reader
behind_limit(Reader reader)
{
	double		ntuples = reader.root->limit_tuples;
	int			limit = ntuples >= 1 && ntuples < INT_MAX ? (int) ntuples : 1;

	if (reader.first_rows == 0)
		reader.first_rows = limit;
	return reader;
}

/* Who reads an unknown number of rows for one of its own. */
static Reader
behind_groups(Reader reader)
{
	reader.first_rows = Min(reader.first_rows, 1);
	return reader;
}

/* Who reads all rows before it gives the first. */
static Reader
behind_sort(Reader reader)
{
	reader.first_rows = 0;
	return reader;
}

/* A query without a table. */
static bool
is_single_row(const Path *path)
{
	return IsA(path, GroupResultPath) ||
		(IsA(path, Path) && path->pathtype == T_Result);
}

/* A node that computes its target, unless the calls come from below. */
static Path *
batch_computing_path(Reader reader, Path *path)
{
	List	   *calls = inf_batch_calls_in(path, (Node *) path->pathtarget->exprs);

	if (is_single_row(path))
		return path;
	if (calls == NIL || inf_batch_mixes_groups(reader.root, path))
		return path;
	return inf_batch_make_path(reader, path,
							   inf_batch_make_child_target(reader.root, path,
														   path->pathtarget, calls),
							   path->pathtarget, calls,
							   inf_batch_conditions(path, path->pathtarget->exprs,
													calls));
}

/* The rows of INSERT ... VALUES, with a projection above them or without. */
static bool
is_insert_of_values(const PlannerInfo *root, const Path *path)
{
	if (IsA(path, ProjectionPath))
		path = ((const ProjectionPath *) path)->subpath;
	return root->parse->commandType == CMD_INSERT && IsA(path, Path) &&
		path->pathtype == T_ValuesScan;
}

static Path *
batch_insert_of_values(Reader reader, Path *path)
{
	PathTarget *target = inf_values_take_calls(reader.root, path->pathtarget,
											   IsA(path, ProjectionPath) ?
											   ((ProjectionPath *) path)->subpath : path);
	List	   *calls;

	if (target == NULL)
		return path;
	calls = inf_batch_calls_in(path, (Node *) target->exprs);
	return inf_batch_make_path(reader, path,
							   inf_batch_make_child_target(reader.root, path,
														   target, calls),
							   target, calls,
							   inf_batch_conditions(path, target->exprs, calls));
}

/* What an aggregate evaluates for a row: its arguments, if its FILTER is true. */
static Node *
evaluated_for_rows(const Aggref *aggregate)
{
	CaseExpr   *expr;
	CaseWhen   *when;

	if (aggregate->aggfilter == NULL)
		return (Node *) aggregate->args;
	expr = makeNode(CaseExpr);
	when = makeNode(CaseWhen);
	when->expr = aggregate->aggfilter;
	when->result = (Expr *) aggregate->args;
	expr->args = list_make1(when);
	return (Node *) expr;
}

/* What a node that aggregates evaluates for each row that it reads. */
static List *
evaluated_by(const AggPath *path)
{
	List	   *aggregates = pull_var_clause((Node *) list_make2(path->path.pathtarget->exprs,
																 path->qual),
											 PVC_INCLUDE_AGGREGATES |
											 PVC_RECURSE_WINDOWFUNCS |
											 PVC_INCLUDE_PLACEHOLDERS);
	List	   *evaluated = NIL;
	ListCell   *lc;

	foreach(lc, aggregates)
		if (IsA(lfirst(lc), Aggref) &&
			lfirst_node(Aggref, lc)->aggsplit == AGGSPLIT_SIMPLE)
			evaluated = lappend(evaluated, evaluated_for_rows(lfirst(lc)));
	return evaluated;
}

/*
 * Calls in the arguments of aggregates become columns of what the aggregates
 * read.
 */
static void
batch_aggregates(Reader reader, AggPath *path)
{
	PathTarget *child_target = copy_pathtarget(path->subpath->pathtarget);
	PathTarget *target = copy_pathtarget(path->subpath->pathtarget);
	List	   *evaluated = evaluated_by(path);
	List	   *calls = list_difference(inf_batch_calls_known_in(&path->path,
																 (Node *) evaluated),
										target->exprs);
	List	   *conditions = inf_batch_conditions(&path->path, evaluated, calls);
	ListCell   *lc;
	ListCell   *condition;

	if (calls == NIL)
		return;
	add_new_columns_to_pathtarget(target, calls);
	forboth(lc, calls, condition, conditions)
		inf_batch_add_arguments(child_target, &path->path, lfirst(lc), lfirst(condition));
	reader = path->aggstrategy == AGG_SORTED ? behind_groups(reader) :
		behind_sort(reader);
	path->subpath = inf_batch_make_path(reader, path->subpath,
										set_pathtarget_cost_width(reader.root,
																  child_target),
										target, calls, conditions);
}

/*
 * A node whose columns come from below, but for what it adds to them: calls
 * that are part of what it groups by are made below.
 */
static Path *
batch_grouping(Reader reader, Path *path, Path **subpath)
{
	List	   *calls = inf_batch_calls_in(path, (Node *) path->pathtarget->exprs);
	List	   *from_below = inf_batch_calls_in(path, (Node *) (*subpath)->pathtarget->exprs);

	if (from_below == NIL)
		return batch_computing_path(reader, path);
	if (list_difference(calls, from_below) == NIL)
		*subpath = batch_path(behind_groups(reader), *subpath);
	return path;
}

static Path *
batch_projection(Reader reader, ProjectionPath *path)
{
	List	   *calls = inf_batch_calls_in(&path->path, (Node *) path->path.pathtarget->exprs);
	ListCell   *lc;

	if (is_single_row(path->subpath))
		return &path->path;
	foreach(lc, calls)
		if (!list_member(path->subpath->pathtarget->exprs, lfirst(lc)))
			return batch_computing_path(reader, &path->path);
	path->subpath = batch_path(reader, path->subpath);
	return &path->path;
}

void
inf_batch_subpaths(Reader reader, List *subpaths)
{
	ListCell   *lc;

	foreach(lc, subpaths)
		lfirst(lc) = batch_path(reader, lfirst(lc));
}

/*
 * Goes down to the node that computes the target.  Nodes that hand on what
 * comes from below are kept, with another node below them.
 */
static Path *
batch_path(Reader reader, Path *path)
{
	if (is_insert_of_values(reader.root, path))
		return batch_insert_of_values(reader, path);
	switch (nodeTag(path))
	{
		case T_ModifyTablePath:
			((ModifyTablePath *) path)->subpath =
				batch_path(reader, ((ModifyTablePath *) path)->subpath);
			return path;
		case T_LockRowsPath:
			((LockRowsPath *) path)->subpath =
				batch_path(reader, ((LockRowsPath *) path)->subpath);
			return path;
		case T_LimitPath:
			((LimitPath *) path)->subpath =
				batch_path(behind_limit(reader), ((LimitPath *) path)->subpath);
			return path;
		case T_SortPath:
			((SortPath *) path)->subpath =
				batch_path(behind_sort(reader), ((SortPath *) path)->subpath);
			return path;
		case T_IncrementalSortPath:
			((IncrementalSortPath *) path)->spath.subpath =
				batch_path(reader, ((IncrementalSortPath *) path)->spath.subpath);
			return path;
		case T_InfUniquePath:
			((InfUniquePath *) path)->subpath =
				batch_path(reader, ((InfUniquePath *) path)->subpath);
			return path;
		case T_AppendPath:
			return inf_batch_append(reader, path, ((AppendPath *) path)->subpaths);
		case T_MergeAppendPath:
			return inf_batch_append(reader, path, ((MergeAppendPath *) path)->subpaths);
		case T_AggPath:
			batch_aggregates(reader, (AggPath *) path);
			return batch_grouping(reader, path, &((AggPath *) path)->subpath);
		case T_GroupPath:
			return batch_grouping(reader, path, &((GroupPath *) path)->subpath);
		case T_GroupingSetsPath:
			return batch_grouping(reader, path, &((GroupingSetsPath *) path)->subpath);
		case T_WindowAggPath:
			return batch_grouping(reader, path, &((WindowAggPath *) path)->subpath);
		case T_ProjectionPath:
			return batch_projection(reader, (ProjectionPath *) path);
		case T_CustomPath:
		case T_ProjectSetPath:
		case T_RecursiveUnionPath:
		case T_SetOpPath:
			return path;
		default:
			return batch_computing_path(reader, path);
	}
}
