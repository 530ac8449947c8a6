/*
 * batch_node.c
 *		The path and the plan of the node that makes calls in batches.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/pathnode.h"

#include "base/compat.h"
#include "executor/batch_node.h"
#include "executor/batch_target.h"
#include "executor/call_search.h"

static Plan *plan_batch_path(PlannerInfo *root, RelOptInfo *rel,
							 CustomPath *path, List *tlist, List *clauses,
							 List *custom_plans);

static const CustomPathMethods batch_path_methods = {
	.CustomName = "Inference Batch",
	.PlanCustomPath = plan_batch_path
};

List *
inf_batch_conditions(const BatchInputs *inputs, List *expressions, List *calls)
{
	List	   *conditions = NIL;
	ListCell   *lc;

	foreach(lc, calls)
		conditions = lappend(conditions,
							 inf_batch_condition(inputs, (Node *) expressions,
												 lfirst(lc)));
	return conditions;
}

/*
 * A relation whose conditions are checked below our node.  The planner would
 * check those that are the same for all rows above it as well, by a node that
 * does not know what ours has named otherwise: see inf_batch_name_rows().
 */
static RelOptInfo *
without_conditions(const RelOptInfo *rel)
{
	RelOptInfo *copy = makeNode(RelOptInfo);

	*copy = *rel;
	copy->baserestrictinfo = NIL;
	return copy;
}

Path *
inf_batch_make_path(Reader reader, Path *path, PathTarget *child_target,
					PathTarget *target, List *calls, List *conditions)
{
	CustomPath *batch = makeNode(CustomPath);
	Path	   *below = IsA(path, ProjectionPath) ?
		((ProjectionPath *) path)->subpath : path;
	Path	   *child;

	child = (Path *) create_projection_path(reader.root, path->parent, below,
											child_target);
	batch->path.pathtype = T_CustomScan;
	batch->path.parent = without_conditions(path->parent);
	batch->path.pathtarget = target;
	batch->path.param_info = path->param_info;
	batch->path.rows = path->rows;
	batch->path.startup_cost = path->startup_cost;
	batch->path.total_cost = path->total_cost;
	inf_copy_disabled_nodes(&batch->path, path);
	batch->path.pathkeys = path->pathkeys;
	batch->custom_paths = list_make1(child);
	batch->custom_private = list_make4(calls, conditions, NIL,
									   list_make3_int(reader.first_rows,
													  reader.most_rows,
													  reader.reads_all));
	batch->methods = &batch_path_methods;
	*reader.batched = list_concat_unique(*reader.batched, calls);
	return (Path *) batch;
}

void
inf_batch_set_quals(Path *path, List *quals)
{
	CustomPath *batch = castNode(CustomPath, path);

	lthird(batch->custom_private) = quals;

	/* What is above may have it compute something else from its answers. */
	batch->flags |= CUSTOMPATH_SUPPORT_PROJECTION;
}

bool
inf_batch_has_quals(const Path *path)
{
	return IsA(path, CustomPath) &&
		((const CustomPath *) path)->methods == &batch_path_methods &&
		lthird(((const CustomPath *) path)->custom_private) != NIL;
}

List *
inf_batch_calls_given(const Path *path)
{
	const CustomPath *batch = (const CustomPath *) path;
	List	   *calls = NIL;
	ListCell   *call;
	ListCell   *condition;

	if (!inf_batch_has_quals(path))
		return NIL;
	forboth(call, linitial(batch->custom_private),
			condition, lsecond(batch->custom_private))
		if (lfirst(condition) == NULL)
			calls = lappend(calls, lfirst(call));
	return calls;
}

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

static List *
name_rows(PlannerInfo *root, List *exprs)
{
	return (List *) inf_batch_name_rows((Node *) exprs, root);
}

static Plan *
plan_batch_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *path,
				List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	List	   *calls = linitial(path->custom_private);
	List	   *conditions = lsecond(path->custom_private);
	List	   *kinds = NIL;
	List	   *functions = NIL;
	ListCell   *lc;
	ListCell   *condition;

	forboth(lc, calls, condition, conditions)
	{
		FuncExpr   *call = lfirst_node(FuncExpr, lc);
		BatchCallKind kind = BATCH_CALL_EMBED;

		(void) inf_batch_is_call(call->funcid, &kind);
		kinds = lappend_int(kinds, kind);
		functions = lappend_oid(functions, call->funcid);
		scan->custom_exprs = lappend(scan->custom_exprs, lfirst(condition) ?
									 copyObject(lfirst(condition)) :
									 makeBoolConst(true, false));
		scan->custom_exprs = list_concat(scan->custom_exprs,
										 copyObject(call->args));
	}
	scan->scan.plan.targetlist = name_rows(root, tlist);
	scan->scan.plan.qual = copyObject((List *) lthird(path->custom_private));
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = name_rows(root, make_scan_tlist(linitial(custom_plans), calls));
	scan->custom_exprs = name_rows(root, scan->custom_exprs);
	scan->custom_private = list_make3(kinds, functions,
									  lfourth(path->custom_private));
	scan->flags = path->flags;
	if (ExecSupportsBackwardScan(linitial(custom_plans)))
		scan->flags |= CUSTOMPATH_SUPPORT_BACKWARD_SCAN;
	scan->methods = &inf_batch_scan_methods;
	return &scan->scan.plan;
}
