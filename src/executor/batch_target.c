/*
 * batch_target.c
 *		What a plan node computes: for the node that makes calls, and for the
 *		one below it, which computes their arguments.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"

#include "base/compat.h"
#include "executor/batch_target.h"
#include "executor/call_search.h"

static bool
is_fixed(Node *node)
{
	return IsA(node, Const) || IsA(node, Param);
}

/* The columns of an expression. */
static List *
columns_of(const Path *path, Node *expression)
{
	return pull_var_clause(expression,
						   PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_WINDOWFUNCS |
						   (inf_batch_is_scan(path) ? PVC_RECURSE_PLACEHOLDERS :
							PVC_INCLUDE_PLACEHOLDERS));
}

void
inf_batch_add_arguments(PathTarget *target, const Path *path, FuncExpr *call,
						Expr *condition)
{
	ListCell   *lc;

	/* They may fail for rows for which the call is not made. */
	if (condition)
	{
		add_new_columns_to_pathtarget(target, columns_of(path, (Node *) condition));
		add_new_columns_to_pathtarget(target, columns_of(path, (Node *) call->args));
		return;
	}
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
	List	   *calls = inf_batch_calls_in(path, expression);

	if (is_fixed(expression))
		return NIL;
	if (calls == NIL && !contain_volatile_functions(expression))
		return list_make1(expression);
	return columns_of(path, inf_batch_without_calls(expression, calls));
}

PathTarget *
inf_batch_make_child_target(PlannerInfo *root, const Path *path,
							PathTarget *target, List *calls)
{
	PathTarget *child = create_empty_pathtarget();
	ListCell   *lc;

	foreach(lc, target->exprs)
		add_new_columns_to_pathtarget(child, needs_of(path, lfirst(lc)));
	foreach(lc, calls)
		inf_batch_add_arguments(child, path, lfirst(lc),
								inf_batch_condition(path, (Node *) target->exprs,
													lfirst(lc)));
	return set_pathtarget_cost_width(root, child);
}

bool
inf_batch_mixes_groups(PlannerInfo *root, const Path *path)
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
	foreach(lc, inf_batch_calls_in(path, (Node *) path->pathtarget->exprs))
		if (inf_batch_condition(path, (Node *) path->pathtarget->exprs, lfirst(lc)))
			return true;
	return false;
}

bool
inf_batch_has_row_identity(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varno == ROWID_VAR)
		return true;
	return expression_tree_walker(node, inf_batch_has_row_identity, context);
}

PathTarget *
inf_batch_translate_target(PlannerInfo *root, PathTarget *target,
						   RelOptInfo *child, RelOptInfo *parent)
{
	PathTarget *translated = copy_pathtarget(target);

	translated->exprs = (List *) inf_translate_to_child(root, (Node *) target->exprs,
														child, parent);
	return set_pathtarget_cost_width(root, translated);
}
