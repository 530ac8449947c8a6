/*
 * batch_path.c
 *		Finds the node of a finished path that computes calls, and has one of
 *		ours make them.
 *
 * On the way down it is told how many rows will be read for certain: who may
 * stop early should have little sent ahead.
 */
#include "postgres.h"

#include <limits.h>

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
#include "executor/volatile_search.h"

static Path *batch_path(Reader reader, Path *path);

/* What the planner knows of a LIMIT may be a guess. */
static bool
is_exact_limit(const Query *query)
{
	return query->limitOption == LIMIT_OPTION_COUNT &&
		query->limitCount != NULL && IsA(query->limitCount, Const) &&
		(query->limitOffset == NULL || IsA(query->limitOffset, Const));
}

/* A LIMIT that is known reads as many rows, and an unknown one at least one. */
static Reader
behind_limit(Reader reader)
{
	double		ntuples = reader.root->limit_tuples;
	bool		is_known = ntuples >= 1 && ntuples < INT_MAX;

	if (reader.first_rows == 0)
		reader.first_rows = is_known ? (int) ntuples : 1;
	reader.most_rows = is_known && is_exact_limit(reader.root->parse) ?
		(int) ntuples : 0;
	return reader;
}

/* Who reads all that it can get, and does something else with it. */
static Reader
behind_node(Reader reader)
{
	reader.most_rows = 0;
	reader.feeds_table = false;
	return reader;
}

/* Who reads an unknown number of rows for one of its own. */
static Reader
behind_groups(Reader reader)
{
	reader = behind_node(reader);
	reader.first_rows = Min(reader.first_rows, 1);
	return reader;
}

/* Who reads all rows before it gives the first. */
static Reader
behind_sort(Reader reader)
{
	reader = behind_node(reader);
	reader.first_rows = 0;
	reader.reads_all = true;
	return reader;
}

/* Row identity columns can only stand below what writes: inf_batch_name_rows. */
static bool
may_identify_rows(Reader reader, const PathTarget *target)
{
	return !inf_batch_has_row_identity((Node *) target->exprs, NULL) ||
		(reader.feeds_table &&
		 inf_batch_can_name_rows(reader.root, (Node *) target->exprs));
}

Path *
inf_batch_below_projection(Path *path)
{
	return IsA(path, ProjectionPath) ? ((ProjectionPath *) path)->subpath : path;
}

/* A node that computes its target: ours above it, if there are calls in that. */
static Path *
batch_computing_path(Reader reader, Path *path)
{
	PathTarget *target = path->pathtarget;
	PathTarget *child_target;
	BatchInputs inputs;
	List	   *calls;
	List	   *conditions;

	*reader.batched = list_concat_unique(*reader.batched,
										 inf_batch_calls_given(inf_batch_below_projection(path)));
	if (!inf_batch_find_inputs(reader.root, path, &inputs))
		return path;
	calls = inf_batch_calls_in(&inputs, (Node *) target->exprs);
	if (calls == NIL || !may_identify_rows(reader, target))
		return path;
	conditions = inf_batch_conditions(&inputs, target->exprs, calls);
	child_target = inf_batch_make_child_target(&inputs, target, calls, conditions);
	if (child_target == NULL)
		return path;
	return inf_batch_make_path(reader, path, child_target, target, calls,
							   conditions);
}

/* The same, when what it reads may have calls too. */
static Path *
batch_upper_path(Reader reader, Path *path, Path **subpath,
				 Reader subpath_reader)
{
	*subpath = batch_path(subpath_reader, *subpath);
	if (inf_gives_volatile(reader.root, *subpath))
		return path;
	return batch_computing_path(reader, path);
}

/* The rows of INSERT ... VALUES, with a projection above them or without. */
static bool
is_insert_of_values(const PlannerInfo *root, Path *path)
{
	const Path *scan = inf_batch_below_projection(path);

	return root->parse->commandType == CMD_INSERT && IsA(scan, Path) &&
		scan->pathtype == T_ValuesScan;
}

static Path *
batch_insert_of_values(Reader reader, Path *path)
{
	Path	   *scan = inf_batch_below_projection(path);
	PathTarget *target = inf_values_take_calls(reader.root, path->pathtarget, scan);

	if (target == NULL)
		return path;
	return batch_computing_path(reader,
								(Path *) create_projection_path(reader.root, scan->parent,
																scan, target));
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
 * What a node that makes sets evaluates for each row that it reads: arguments of
 * the functions.  All else in its list it evaluates for each member of a set.
 */
static List *
evaluated_for_sets(const BatchInputs *inputs, const Path *path)
{
	List	   *evaluated = NIL;
	ListCell   *lc;

	foreach(lc, path->pathtarget->exprs)
	{
		Node	   *expression = lfirst(lc);

		if (IsA(expression, FuncExpr) && ((FuncExpr *) expression)->funcretset &&
			!inf_batch_comes_from_below(inputs, expression))
			evaluated = lappend(evaluated, ((FuncExpr *) expression)->args);
	}
	return evaluated;
}

/*
 * Calls in what a node with these inputs evaluates for each row that it reads
 * from path, which is a part of all that it computes, become columns of path.
 */
static Path *
add_calls(Reader reader, Path *path, const BatchInputs *inputs, List *evaluated,
		  List *computed)
{
	PathTarget *target = copy_pathtarget(path->pathtarget);
	PathTarget *child_target = copy_pathtarget(target);
	List	   *calls = inf_batch_calls_known_in(inputs, (Node *) evaluated,
													 (Node *) computed);
	List	   *conditions = inf_batch_conditions(inputs, evaluated, calls);

	inf_batch_add_arguments(child_target, inputs, calls, conditions);
	if (calls == NIL || !inf_batch_can_compute(inputs, child_target->exprs) ||
		inf_gives_volatile(reader.root, path))
		return path;
	add_new_columns_to_pathtarget(target, calls);
	if (!inf_batch_has_room(child_target) || !inf_batch_has_room(target))
		return path;
	return inf_batch_make_path(reader, path,
							   set_pathtarget_cost_width(reader.root, child_target),
							   target, calls, conditions);
}

static Path *
batch_aggregate_path(Reader reader, AggPath *path)
{
	Reader		subpath_reader = path->aggstrategy == AGG_SORTED ?
		behind_groups(reader) : behind_sort(reader);
	BatchInputs inputs;

	path->subpath = batch_path(subpath_reader, path->subpath);
	if (inf_batch_find_inputs(reader.root, &path->path, &inputs))
		path->subpath = add_calls(subpath_reader, path->subpath, &inputs,
								  evaluated_by(path),
								  list_make2(path->path.pathtarget->exprs, path->qual));
	return batch_upper_path(reader, &path->path, &path->subpath, subpath_reader);
}

static Path *
batch_set_path(Reader reader, ProjectSetPath *path)
{
	BatchInputs inputs;

	path->subpath = batch_path(behind_groups(reader), path->subpath);
	if (inf_batch_find_inputs(reader.root, &path->path, &inputs))
		path->subpath = add_calls(behind_groups(reader), path->subpath, &inputs,
								  evaluated_for_sets(&inputs, &path->path),
								  path->path.pathtarget->exprs);
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
 * What a table is filled or changed with.  The actions of a MERGE may have a
 * node of their own between (batch_merge.c).
 */
static Path *
batch_modified_rows(Reader reader, Path *path)
{
	reader.feeds_table = !inf_is_merge(reader.root->parse);
	if (is_insert_of_values(reader.root, path))
		return batch_insert_of_values(reader, path);
	return batch_path(reader, path);
}

/*
 * Goes down to the nodes that compute calls.  Nodes that hand on what comes
 * from below are kept, with another node below them.
 */
static Path *
batch_path(Reader reader, Path *path)
{
	Reader		inner = behind_node(reader);

	switch (nodeTag(path))
	{
		case T_ModifyTablePath:
			((ModifyTablePath *) path)->subpath =
				batch_modified_rows(inner, ((ModifyTablePath *) path)->subpath);
			return path;
		case T_LockRowsPath:
			((LockRowsPath *) path)->subpath =
				batch_path(inner, ((LockRowsPath *) path)->subpath);
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
				batch_path(inner, ((IncrementalSortPath *) path)->spath.subpath);
			return path;
		case T_InfUniquePath:
			((InfUniquePath *) path)->subpath =
				batch_path(inner, ((InfUniquePath *) path)->subpath);
			return path;
		case T_AppendPath:
			return inf_batch_append(inner, path, ((AppendPath *) path)->subpaths);
		case T_MergeAppendPath:
			return inf_batch_append(inner, path, ((MergeAppendPath *) path)->subpaths);
		case T_AggPath:
			return batch_aggregate_path(reader, (AggPath *) path);
		case T_GroupPath:
			return batch_upper_path(reader, path, &((GroupPath *) path)->subpath,
									behind_groups(reader));
		case T_GroupingSetsPath:
			return batch_upper_path(reader, path, &((GroupingSetsPath *) path)->subpath,
									behind_groups(reader));
		case T_WindowAggPath:
			return batch_upper_path(reader, path, &((WindowAggPath *) path)->subpath,
									behind_groups(reader));
		case T_ProjectionPath:
			inner.most_rows = reader.most_rows;
			return batch_upper_path(reader, path, &((ProjectionPath *) path)->subpath,
									inner);
		case T_ProjectSetPath:
			return batch_set_path(reader, (ProjectSetPath *) path);
		case T_RecursiveUnionPath:
		case T_SetOpPath:
			return path;
		default:
			return batch_computing_path(reader, path);
	}
}
