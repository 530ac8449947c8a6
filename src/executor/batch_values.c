/*
 * batch_values.c
 *		Calls in the rows of INSERT ... VALUES.
 *
 * In INSERT INTO docs VALUES ('a', inference_embed('m', 'a')), ('b', ...) each
 * call has constants only, and would be made once, one after the other.  If the
 * calls of a column differ in nothing but the text, they are one call over a
 * column of texts: that is what the rows are made into, before there is a plan,
 * and then it is batched as any other.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "executor/batch_values.h"
#include "executor/call_search.h"

/* A column of the rows. */
typedef struct Column
{
	Index		rtindex;
	AttrNumber	number;
	Expr	   *input;			/* of the call that was found last */
} Column;

/*
 * Before planning
 */

static bool
holds_call(Node *node, void *context)
{
	const Oid  *function = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == *function)
		return true;
	return expression_tree_walker(node, holds_call, context);
}

bool
inf_values_hold_calls(const Query *query, Oid function)
{
	ListCell   *lc;

	if (query->commandType != CMD_INSERT)
		return false;
	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		if (entry->rtekind == RTE_VALUES && list_length(entry->values_lists) > 1 &&
			holds_call((Node *) entry->values_lists, &function))
			return true;
	}
	return false;
}

/*
 * Planning
 */

static int
input_argument(BatchCallKind kind)
{
	return kind == BATCH_CALL_INFER_TASK ? 2 : 1;
}

/*
 * The value of a row with the input of its call made the column, and that input
 * noted.  The same for all rows whose calls differ in nothing else.
 */
static Node *
make_template(Node *node, void *context)
{
	Column	   *column = context;
	BatchCallKind kind;
	FuncExpr   *call;
	ListCell   *input;

	if (node == NULL)
		return NULL;
	if (column->input != NULL || !IsA(node, FuncExpr) ||
		!inf_batch_is_call(((FuncExpr *) node)->funcid, &kind))
		return expression_tree_mutator(node, make_template, context);
	call = copyObject((FuncExpr *) node);
	input = list_nth_cell(call->args, input_argument(kind));
	column->input = lfirst(input);
	lfirst(input) = makeVar(column->rtindex, column->number,
							exprType((Node *) column->input), -1,
							exprCollation((Node *) column->input), 0);
	return (Node *) call;
}

static bool
is_null(const Node *node)
{
	return IsA(node, Const) && ((const Const *) node)->constisnull;
}

/*
 * What a column is over its inputs, and these inputs; NULL: it has no calls, or
 * they differ in more.  A null in place of a call has a null for input.
 */
static Node *
template_of_column(const RangeTblEntry *entry, Column *column, List **inputs,
				   Oid *input_type)
{
	Node	   *template = NULL;
	ListCell   *lc;

	*inputs = NIL;
	foreach(lc, entry->values_lists)
	{
		Node	   *value = list_nth(lfirst_node(List, lc), column->number - 1);
		Node	   *its_template;

		column->input = NULL;
		its_template = make_template(value, column);
		if (is_null(value))
		{
			*inputs = lappend(*inputs, NULL);
			continue;
		}
		if (column->input == NULL || (template && !equal(its_template, template)))
			return NULL;
		template = its_template;
		*input_type = exprType((Node *) column->input);
		*inputs = lappend(*inputs, column->input);
	}
	return template;
}

/* Puts inputs in the place of a column. */
static void
set_column(RangeTblEntry *entry, const Column *column, List *inputs, Oid type)
{
	List	   *rows = NIL;
	ListCell   *row;
	ListCell   *input;

	forboth(row, entry->values_lists, input, inputs)
	{
		List	   *values = list_copy(lfirst_node(List, row));

		lfirst(list_nth_cell(values, column->number - 1)) = lfirst(input) ?
			lfirst(input) : (void *) makeNullConst(type, -1, get_typcollation(type));
		rows = lappend(rows, values);
	}
	entry->values_lists = rows;
	lfirst_oid(list_nth_cell(entry->coltypes, column->number - 1)) = type;
	lfirst_int(list_nth_cell(entry->coltypmods, column->number - 1)) = -1;
	lfirst_oid(list_nth_cell(entry->colcollations, column->number - 1)) =
		get_typcollation(type);
}

typedef struct Replacement
{
	Index		rtindex;
	AttrNumber	number;
	Node	   *template;
} Replacement;

static Node *
replace_column(Node *node, void *context)
{
	const Replacement *replacement = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == replacement->rtindex &&
		((Var *) node)->varattno == replacement->number)
		return copyObject(replacement->template);
	return expression_tree_mutator(node, replace_column, context);
}

PathTarget *
inf_values_take_calls(PlannerInfo *root, PathTarget *old_target,
					  const Path *scan)
{
	RangeTblEntry *entry = planner_rt_fetch(scan->parent->relid, root);
	PathTarget *target = NULL;

	for (int i = 1; i <= list_length(entry->coltypes); i++)
	{
		Column		column = {scan->parent->relid, i, NULL};
		Replacement replacement = {column.rtindex, i, NULL};
		List	   *inputs;
		Oid			type = InvalidOid;

		replacement.template = template_of_column(entry, &column, &inputs, &type);
		if (replacement.template == NULL)
			continue;
		set_column(entry, &column, inputs, type);
		if (target == NULL)
			target = copy_pathtarget(old_target);
		target->exprs = (List *) replace_column((Node *) target->exprs, &replacement);
	}
	return target;
}
