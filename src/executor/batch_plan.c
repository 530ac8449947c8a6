/*
 * batch_plan.c
 *		Finds calls over rows in a plan, and has them made in batches.
 *
 * A call over the rows of a query would be a request for each row, one after
 * the other.  So in the finished paths of a query we look for the node whose
 * target computes the call.  That node is made to compute the call's arguments
 * instead, and a node of ours above it computes the old target: it reads rows
 * ahead, and embeds their texts together (batch_scan.c).
 *
 * The planner loads this module no later than it simplifies the first call,
 * through the support function of the calls; the hook is asked after that.
 *
 * Left alone are calls that might not be made at all (CASE, COALESCE, AND), and
 * calls over rows that volatile functions make, which must not be evaluated
 * ahead.
 */
#include "postgres.h"

#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planner.h"
#include "optimizer/tlist.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/guc.h"
#include "executor/batch_explain.h"
#include "executor/batch_plan.h"
#include "executor/batch_scan.h"
#include "executor/batch_values.h"
#include "executor/constant_call.h"

static create_upper_paths_hook_type next_hook = NULL;

/* What is known, on the way down, of whoever reads the rows. */
typedef struct Reader
{
	PlannerInfo *root;
	int			first_rows;		/* that will be read for certain; 0: all */
	List	  **batched;		/* calls that were, so far */
} Reader;

static Path *batch_path(Reader reader, Path *path);
static Plan *plan_batch_path(PlannerInfo *root, RelOptInfo *rel,
							 CustomPath *path, List *tlist, List *clauses,
							 List *custom_plans);

static const CustomPathMethods batch_path_methods = {
	.CustomName = "Inference Batch",
	.PlanCustomPath = plan_batch_path
};

/*
 * ----------
 * Calls
 * ----------
 */

bool
inf_batch_is_call(Oid function, BatchCallKind *kind)
{
	static const struct
	{
		const char *symbol;
		BatchCallKind kind;
	}			symbols[] = {
		{"inference_embed", BATCH_CALL_EMBED},
		{"inference_sparse", BATCH_CALL_SPARSE},
		{"inference_infer", BATCH_CALL_INFER},
		{"inference_infer_with_task", BATCH_CALL_INFER_TASK}
	};
	HeapTuple	tuple;
	Form_pg_proc proc;
	char	   *symbol;
	bool		found = false;

	/* Few functions have one, so this is cheap for all others. */
	if (!OidIsValid(get_func_support(function)))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	if (proc->prolang == ClanguageId)
	{
		bool		isnull;
		Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc,
											 &isnull);

		symbol = TextDatumGetCString(source);
		for (int i = 0; i < lengthof(symbols) && !found; i++)
		{
			found = strcmp(symbol, symbols[i].symbol) == 0;
			*kind = symbols[i].kind;
		}
	}
	ReleaseSysCache(tuple);
	return found;
}

typedef struct CallSearch
{
	bool		in_scan;		/* what is looked at is computed by a scan */
	List	   *calls;			/* different ones found */
} CallSearch;

/*
 * Finds calls that are made for each row whatever it holds: not below a node
 * that may leave out an argument.
 */
static bool
find_calls(Node *node, CallSearch *search)
{
	BatchCallKind kind;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			if (inf_batch_is_call(((FuncExpr *) node)->funcid, &kind))
			{
				if (!contain_volatile_functions(node) &&
					inf_call_varies(((FuncExpr *) node)->args))
					search->calls = list_append_unique(search->calls, node);
				return false;
			}
			break;
		case T_PlaceHolderVar:
			/* above a scan it may come from below */
			if (!search->in_scan)
				return false;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ConvertRowtypeExpr:
		case T_CoerceToDomain:
		case T_CollateExpr:
		case T_FieldSelect:
		case T_SubscriptingRef:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_TargetEntry:
		case T_List:
			break;
		case T_ArrayCoerceExpr:
			/* its other expression is over the elements */
			return find_calls((Node *) ((ArrayCoerceExpr *) node)->arg, search);
		default:
			return false;
	}
	return expression_tree_walker(node, find_calls, search);
}

static bool
is_scan(const Path *path)
{
	return path->parent->reloptkind == RELOPT_BASEREL ||
		path->parent->reloptkind == RELOPT_OTHER_MEMBER_REL;
}

/* The calls that a node has in an expression, and can be batched. */
static List *
calls_in(const Path *path, Node *expression)
{
	CallSearch	search = {is_scan(path), NIL};

	(void) find_calls(expression, &search);
	return search.calls;
}

/* Takes the calls out of an expression, for what is left of it. */
static Node *
without_calls(Node *node, void *calls)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, FuncExpr) && list_member((List *) calls, node))
		return (Node *) makeNullConst(((FuncExpr *) node)->funcresulttype, -1,
									  InvalidOid);
	return expression_tree_mutator(node, without_calls, calls);
}

/*
 * ----------
 * Targets
 * ----------
 */

static bool
is_fixed(Node *node)
{
	return IsA(node, Const) || IsA(node, Param);
}

/* The arguments of a call become columns of the node below. */
static void
add_arguments(PathTarget *target, FuncExpr *call)
{
	ListCell   *lc;

	foreach(lc, call->args)
		if (!is_fixed(lfirst(lc)))
			add_new_column_to_pathtarget(target, lfirst(lc));
}

/*
 * What must come from below for an expression to be computed above.  Without
 * calls and volatile functions, the expression itself.
 */
static List *
needs_of(const Path *path, Node *expression)
{
	List	   *calls = calls_in(path, expression);
	int			placeholders = is_scan(path) ? PVC_RECURSE_PLACEHOLDERS :
		PVC_INCLUDE_PLACEHOLDERS;

	if (is_fixed(expression))
		return NIL;
	if (calls == NIL && !contain_volatile_functions(expression))
		return list_make1(expression);
	return pull_var_clause(without_calls(expression, calls),
						   PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_WINDOWFUNCS |
						   placeholders);
}

/*
 * What the node below path must compute, so that target can be computed from
 * it.
 */
static PathTarget *
make_child_target(PlannerInfo *root, const Path *path, PathTarget *target,
				  List *calls)
{
	PathTarget *child = create_empty_pathtarget();
	ListCell   *lc;

	foreach(lc, target->exprs)
		add_new_columns_to_pathtarget(child, needs_of(path, lfirst(lc)));
	foreach(lc, calls)
		add_arguments(child, lfirst(lc));
	return set_pathtarget_cost_width(root, child);
}

/*
 * ----------
 * Paths
 * ----------
 */

/*
 * Whether whoever reads all that a query gives may stop before the end: the
 * holder of a cursor, EXISTS, a join, a LIMIT further out.
 */
static bool
may_stop(PlannerInfo *root)
{
	bool		has_limit = root->parse->limitCount != NULL;

	if (!has_limit && root->tuple_fraction > 0)
		return true;
	for (; root->parent_root != NULL; root = root->parent_root)
		if (root->parent_root->tuple_fraction > 0 ||
			root->parent_root->parse->limitCount != NULL ||
			bms_num_members(root->parent_root->all_baserels) > 1)
			return true;
	return false;
}

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

/*
 * Our node over a path that computes child_target, and gives target, with the
 * calls.
 */
static Path *
make_batch_path(Reader reader, Path *path, PathTarget *child_target,
				PathTarget *target, List *calls)
{
	CustomPath *batch = makeNode(CustomPath);
	Path	   *below = IsA(path, ProjectionPath) ?
		((ProjectionPath *) path)->subpath : path;
	Path	   *child;

	child = (Path *) create_projection_path(reader.root, path->parent, below,
											child_target);
	batch->path.pathtype = T_CustomScan;
	batch->path.parent = path->parent;
	batch->path.pathtarget = target;
	batch->path.param_info = path->param_info;
	batch->path.rows = path->rows;
	batch->path.startup_cost = path->startup_cost;
	batch->path.total_cost = path->total_cost;
	batch->path.pathkeys = path->pathkeys;
	batch->custom_paths = list_make1(child);
	batch->custom_private = list_make2(calls, makeInteger(reader.first_rows));
	batch->methods = &batch_path_methods;
	*reader.batched = list_concat_unique(*reader.batched, calls);
	return (Path *) batch;
}

/*
 * Whether the rest of an expression could not be computed above a node that
 * groups: a column in it may be part of a grouping expression.
 */
static bool
mixes_groups(PlannerInfo *root, const Path *path)
{
	ListCell   *lc;

	if (root->parse->groupClause == NIL && root->parse->groupingSets == NIL &&
		!root->parse->hasAggs && !root->parse->hasWindowFuncs)
		return false;
	foreach(lc, path->pathtarget->exprs)
	{
		List	   *needs = needs_of(path, lfirst(lc));

		if (needs != NIL && linitial(needs) != lfirst(lc))
			return true;
	}
	return false;
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
	List	   *calls = calls_in(path, (Node *) path->pathtarget->exprs);

	if (is_single_row(path))
		return path;
	if (calls == NIL || mixes_groups(reader.root, path))
		return path;
	return make_batch_path(reader, path,
						   make_child_target(reader.root, path, path->pathtarget, calls),
						   path->pathtarget, calls);
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
	calls = calls_in(path, (Node *) target->exprs);
	return make_batch_path(reader, path,
						   make_child_target(reader.root, path, target, calls),
						   target, calls);
}

/*
 * Calls in the arguments of aggregates become columns of what the aggregates
 * read.  Those of a FILTER might not be made.
 */
static void
batch_aggregates(Reader reader, AggPath *path)
{
	List	   *aggregates = pull_var_clause((Node *) list_make2(path->path.pathtarget->exprs,
																 path->qual),
											 PVC_INCLUDE_AGGREGATES |
											 PVC_RECURSE_WINDOWFUNCS |
											 PVC_INCLUDE_PLACEHOLDERS);
	PathTarget *child_target = copy_pathtarget(path->subpath->pathtarget);
	PathTarget *target = copy_pathtarget(path->subpath->pathtarget);
	List	   *calls = NIL;
	ListCell   *lc;

	foreach(lc, aggregates)
	{
		Aggref	   *aggregate = lfirst(lc);

		if (IsA(aggregate, Aggref) && aggregate->aggfilter == NULL &&
			aggregate->aggsplit == AGGSPLIT_SIMPLE)
			calls = list_concat_unique(calls,
									   calls_in(&path->path, (Node *) aggregate->args));
	}
	calls = list_difference(calls, target->exprs);
	if (calls == NIL)
		return;
	add_new_columns_to_pathtarget(target, calls);
	foreach(lc, calls)
		add_arguments(child_target, lfirst(lc));
	reader = path->aggstrategy == AGG_SORTED ? behind_groups(reader) :
		behind_sort(reader);
	path->subpath = make_batch_path(reader, path->subpath,
									set_pathtarget_cost_width(reader.root, child_target),
									target, calls);
}

/*
 * A node whose columns come from below, but for what it adds to them: calls
 * that are part of what it groups by are made below.
 */
static Path *
batch_grouping(Reader reader, Path *path, Path **subpath)
{
	List	   *calls = calls_in(path, (Node *) path->pathtarget->exprs);
	List	   *from_below = calls_in(path, (Node *) (*subpath)->pathtarget->exprs);

	if (from_below == NIL)
		return batch_computing_path(reader, path);
	if (list_difference(calls, from_below) == NIL)
		*subpath = batch_path(behind_groups(reader), *subpath);
	return path;
}

static Path *
batch_projection(Reader reader, ProjectionPath *path)
{
	List	   *calls = calls_in(&path->path, (Node *) path->path.pathtarget->exprs);
	ListCell   *lc;

	if (is_single_row(path->subpath))
		return &path->path;
	foreach(lc, calls)
		if (!list_member(path->subpath->pathtarget->exprs, lfirst(lc)))
			return batch_computing_path(reader, &path->path);
	path->subpath = batch_path(reader, path->subpath);
	return &path->path;
}

static void
batch_subpaths(Reader reader, List *subpaths)
{
	ListCell   *lc;

	foreach(lc, subpaths)
		lfirst(lc) = batch_path(reader, lfirst(lc));
}

/* Whether something identifies rows of different tables, as UPDATE needs it. */
static bool
has_row_identity(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varno == ROWID_VAR)
		return true;
	return expression_tree_walker(node, has_row_identity, context);
}

/* A target of the parent in terms of a child's columns. */
static PathTarget *
translate_target(PlannerInfo *root, PathTarget *target, RelOptInfo *child,
				 RelOptInfo *parent)
{
	PathTarget *translated = copy_pathtarget(target);

	translated->exprs = (List *) inf_translate_to_child(root, (Node *) target->exprs,
														child, parent);
	return set_pathtarget_cost_width(root, translated);
}

/* Children that can be made to compute another target. */
static bool
are_scans(List *subpaths)
{
	ListCell   *lc;

	foreach(lc, subpaths)
	{
		Path	   *path = lfirst(lc);

		if (IsA(path, ProjectionPath))
			path = ((ProjectionPath *) path)->subpath;
		if (path->parent->reloptkind != RELOPT_OTHER_MEMBER_REL ||
			IsA(path, AppendPath) || IsA(path, MergeAppendPath))
			return false;
	}
	return true;
}

/*
 * Partitions, or the arms of a UNION ALL, whose rows go into batches together:
 * the children compute what the calls need, and one node above them the target.
 * NULL: not possible, as for UPDATE, which tells rows apart by their tables.
 */
static Path *
batch_above_append(Reader reader, AppendPath *path)
{
	PathTarget *target = path->path.pathtarget;
	List	   *calls = calls_in(&path->path, (Node *) target->exprs);
	AppendPath *append;
	PathTarget *child_target;
	ListCell   *lc;

	if (calls == NIL || path->path.parent->reloptkind != RELOPT_BASEREL ||
		path->path.parallel_aware || !are_scans(path->subpaths) ||
		has_row_identity((Node *) target->exprs, NULL))
		return NULL;
	child_target = make_child_target(reader.root, &path->path, target, calls);
	append = makeNode(AppendPath);
	*append = *path;
	append->path.pathtarget = child_target;
	append->subpaths = NIL;
	foreach(lc, path->subpaths)
	{
		Path	   *child = lfirst(lc);
		Path	   *below = IsA(child, ProjectionPath) ?
			((ProjectionPath *) child)->subpath : child;

		append->subpaths = lappend(append->subpaths,
								   create_projection_path(reader.root, child->parent, below,
														  translate_target(reader.root, child_target,
																		   child->parent,
																		   path->path.parent)));
	}
	return make_batch_path(reader, &append->path, child_target, target, calls);
}

/* Each child computes the target by itself, in terms of its own columns. */
static Path *
batch_append(Reader reader, Path *path, List *subpaths)
{
	int			nbatched = list_length(*reader.batched);
	Path	   *above = IsA(path, AppendPath) ?
		batch_above_append(reader, (AppendPath *) path) : NULL;

	if (above != NULL)
		return above;

	batch_subpaths(reader, subpaths);
	if (list_length(*reader.batched) > nbatched)
		*reader.batched = list_concat_unique(*reader.batched,
											 calls_in(path, (Node *) path->pathtarget->exprs));
	return path;
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
		case T_UpperUniquePath:
			((UpperUniquePath *) path)->subpath =
				batch_path(reader, ((UpperUniquePath *) path)->subpath);
			return path;
		case T_AppendPath:
			return batch_append(reader, path, ((AppendPath *) path)->subpaths);
		case T_MergeAppendPath:
			return batch_append(reader, path, ((MergeAppendPath *) path)->subpaths);
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

/* Most queries have no call at all, also in the queries they are made of. */
static bool
has_calls(Node *node, void *context)
{
	BatchCallKind kind;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && inf_batch_is_call(((FuncExpr *) node)->funcid, &kind))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_calls, context, 0);
	return expression_tree_walker(node, has_calls, context);
}

/* Whether the rows themselves depend on when they are made. */
static bool
has_volatile_rows(const Query *query)
{
	Query		rows = *query;

	rows.targetList = NIL;
	rows.returningList = NIL;
	rows.onConflict = NULL;
	return contain_volatile_functions((Node *) &rows);
}

static void
batch_final_paths(PlannerInfo *root, UpperRelationKind stage,
				  RelOptInfo *input_rel, RelOptInfo *output_rel, void *extra)
{
	List	   *batched = NIL;
	Reader		reader = {root, 0, &batched};

	if (next_hook)
		next_hook(root, stage, input_rel, output_rel, extra);
	if (stage != UPPERREL_FINAL || !has_calls((Node *) root->parse, NULL))
		return;
	if (may_stop(root))
		reader.first_rows = 1;
	if (inf_guc_batching && !has_volatile_rows(root->parse))
		batch_subpaths(reader, output_rel->pathlist);
	inf_batch_note_calls(root, batched);
}

/*
 * ----------
 * Plans
 * ----------
 */

/* The columns of the child, then the calls. */
static List *
make_scan_tlist(const Plan *child, const List *calls)
{
	List	   *tlist = NIL;
	ListCell   *lc;

	foreach(lc, child->targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		tlist = lappend(tlist, makeTargetEntry(copyObject(entry->expr),
											   list_length(tlist) + 1, NULL, false));
	}
	foreach(lc, calls)
		tlist = lappend(tlist, makeTargetEntry(copyObject(lfirst(lc)),
											   list_length(tlist) + 1, NULL, false));
	return tlist;
}

static Plan *
plan_batch_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *path,
				List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	List	   *calls = linitial(path->custom_private);
	List	   *kinds = NIL;
	List	   *functions = NIL;
	ListCell   *lc;

	foreach(lc, calls)
	{
		FuncExpr   *call = lfirst_node(FuncExpr, lc);
		BatchCallKind kind = BATCH_CALL_EMBED;

		(void) inf_batch_is_call(call->funcid, &kind);
		kinds = lappend_int(kinds, kind);
		functions = lappend_oid(functions, call->funcid);
		scan->custom_exprs = list_concat(scan->custom_exprs,
										 copyObject(call->args));
	}
	scan->scan.plan.targetlist = tlist;
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = make_scan_tlist(linitial(custom_plans), calls);
	scan->custom_private = list_make3(kinds, functions,
									  list_make1_int(intVal(lsecond(path->custom_private))));
	if (ExecSupportsBackwardScan(linitial(custom_plans)))
		scan->flags = CUSTOMPATH_SUPPORT_BACKWARD_SCAN;
	scan->methods = &inf_batch_scan_methods;
	return &scan->scan.plan;
}

void
inf_batch_plan_init(void)
{
	next_hook = create_upper_paths_hook;
	create_upper_paths_hook = batch_final_paths;
	RegisterCustomScanMethods(&inf_batch_scan_methods);
}
