/*
 * batch_target.c
 *		What a plan node computes: for the node that makes calls, and for the
 *		one below it, which computes their arguments.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"

#include "base/compat.h"
#include "executor/batch_target.h"
#include "executor/volatile_search.h"

static bool
is_fixed(Node *node)
{
	return IsA(node, Const) || IsA(node, Param);
}

typedef struct NeedSearch
{
	const BatchInputs *inputs;
	List	   *calls;
	List	   *needs;
} NeedSearch;

static bool
holds_call(Node *node, void *context)
{
	const NeedSearch *search = context;

	if (node == NULL || inf_batch_comes_from_below(search->inputs, node))
		return false;
	return list_member(search->calls, node) ||
		expression_tree_walker(node, holds_call, context);
}

/* What an expression is made of, its calls apart. */
static bool
find_parts(Node *node, void *context)
{
	NeedSearch *search = context;

	if (node == NULL || list_member(search->calls, node))
		return false;
	if (IsA(node, Var) || IsA(node, Aggref) || IsA(node, GroupingFunc) ||
		IsA(node, WindowFunc) ||
		inf_batch_comes_from_below(search->inputs, node))
	{
		search->needs = lappend(search->needs, node);
		return false;
	}
	return expression_tree_walker(node, find_parts, context);
}

/* They may fail for rows for which the call is not made: then its parts. */
void
inf_batch_add_arguments(PathTarget *target, const BatchInputs *inputs,
						List *calls, List *conditions)
{
	ListCell   *call;
	ListCell   *condition;
	ListCell   *arg;

	forboth(call, calls, condition, conditions)
	{
		NeedSearch	search = {inputs, NIL, NIL};

		if (lfirst(condition))
		{
			(void) find_parts(lfirst(condition), &search);
			(void) find_parts((Node *) lfirst_node(FuncExpr, call)->args, &search);
			add_new_columns_to_pathtarget(target, search.needs);
			continue;
		}
		foreach(arg, lfirst_node(FuncExpr, call)->args)
			if (!is_fixed(lfirst(arg)))
				add_new_column_to_pathtarget(target, lfirst(arg));
	}
}

/*
 * What must come from below for an expression to be computed above.  Without
 * calls and volatile functions, the expression itself.
 */
static List *
needs_of(const BatchInputs *inputs, List *calls, Node *expression)
{
	NeedSearch	search = {inputs, calls, NIL};

	if (is_fixed(expression))
		return NIL;
	if (inf_batch_comes_from_below(inputs, expression) ||
		(!holds_call(expression, &search) &&
		 !inf_is_volatile(inputs->root, expression) &&
		 !inf_reads_volatile(expression, inputs->root)))
		return list_make1(expression);
	(void) find_parts(expression, &search);
	return search.needs;
}

/* Whether something would be evaluated ahead that must not be. */
static bool
computes_volatile(const BatchInputs *inputs, const PathTarget *child)
{
	ListCell   *lc;

	foreach(lc, child->exprs)
		if (!inf_batch_comes_from_below(inputs, lfirst(lc)) &&
			inf_is_volatile(inputs->root, lfirst(lc)))
			return true;
	return false;
}

bool
inf_batch_has_room(const PathTarget *target)
{
	return list_length(target->exprs) <= MaxTupleAttributeNumber;
}

PathTarget *
inf_batch_make_child_target(const BatchInputs *inputs, PathTarget *target,
							List *calls, List *conditions)
{
	PathTarget *child = create_empty_pathtarget();
	BatchInputs above = {inputs->root, NIL, false, false, false};
	ListCell   *lc;

	foreach(lc, target->exprs)
		add_new_columns_to_pathtarget(child, needs_of(inputs, calls, lfirst(lc)));
	inf_batch_add_arguments(child, inputs, calls, conditions);
	above.exprs = list_concat_copy(child->exprs, calls);
	if (!inf_batch_has_room(child) || computes_volatile(inputs, child) ||
		!inf_batch_can_compute(inputs, child->exprs) ||
		!inf_batch_can_compute(&above, target->exprs) ||
		!inf_batch_can_compute(&above, conditions))
		return NULL;
	return set_pathtarget_cost_width(inputs->root, child);
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

/* The column of a table that a Var of ROWID_VAR stands for. */
static Var *
row_identity(PlannerInfo *root, const Var *var)
{
	return list_nth_node(RowIdentityVarInfo, root->row_identity_vars,
						 var->varattno - 1)->rowidvar;
}

static bool
identifies_by_row(Node *node, void *context)
{
	PlannerInfo *root = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varno == ROWID_VAR)
		return row_identity(root, (Var *) node)->varattno >= 0;
	return expression_tree_walker(node, identifies_by_row, context);
}

bool
inf_batch_can_name_rows(PlannerInfo *root, Node *node)
{
	return !identifies_by_row(node, root);
}

Node *
inf_batch_name_rows(Node *node, void *context)
{
	PlannerInfo *root = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == ROWID_VAR)
	{
		Var		   *var = copyObject(row_identity(root, (Var *) node));

		var->varno = root->parse->resultRelation;
		var->varnosyn = var->varno;
		var->varattnosyn = var->varattno;
		return (Node *) var;
	}
	return expression_tree_mutator(node, inf_batch_name_rows, context);
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
