/*
 * batch_fallback.c
 *		Calls that were not made for a row, but are needed after all.
 *
 * Calls in branches are made ahead for the rows that are known to come to them
 * (call_condition.c).  The same call may also stand in a branch of which that
 * is not known, beside one of which it is.  So no expression takes a missing
 * answer for null: it makes the call then, by itself.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "executor/batch_call.h"
#include "executor/batch_fallback.h"
#include "executor/batch_scan.h"

/* The call of a column of the scan tuple; false: it is a column of the child. */
static bool
find_call(const CustomScan *scan, const Var *column, int *call, int *expressions)
{
	List	   *kinds = list_nth(scan->custom_private, BATCH_PRIVATE_KINDS);
	int			nothers = list_length(scan->custom_scan_tlist) - list_length(kinds);

	*call = column->varattno - 1 - nothers;
	*expressions = 0;
	for (int i = 0; i < *call; i++)
		*expressions += 1 + inf_batch_argument_count(list_nth_int(kinds, i));
	return *call >= 0;
}

/* A call as it was written, but over the columns of the child. */
static Expr *
make_call(const CustomScan *scan, int call, int expressions, Oid type)
{
	List	   *kinds = list_nth(scan->custom_private, BATCH_PRIVATE_KINDS);
	List	   *functions = list_nth(scan->custom_private, BATCH_PRIVATE_FUNCTIONS);
	int			nargs = inf_batch_argument_count(list_nth_int(kinds, call));
	List	   *args = NIL;

	for (int i = 1; i <= nargs; i++)
		args = lappend(args, list_nth(scan->custom_exprs, expressions + i));
	return (Expr *) makeFuncExpr(list_nth_oid(functions, call), type, args,
								 InvalidOid, DEFAULT_COLLATION_OID,
								 COERCE_EXPLICIT_CALL);
}

static Node *
add_fallback(Node *node, void *context)
{
	const CustomScan *scan = context;
	CoalesceExpr *expr;
	int			call;
	int			expressions;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var) || ((Var *) node)->varno != INDEX_VAR)
		return expression_tree_mutator(node, add_fallback, context);
	if (!find_call(scan, (Var *) node, &call, &expressions) ||
		IsA(list_nth(scan->custom_exprs, expressions), Const))
		return node;			/* always there, or always made */

	/* A call with a null argument is null again, and so is one of a blank text. */
	expr = makeNode(CoalesceExpr);
	expr->coalescetype = ((Var *) node)->vartype;
	expr->args = list_make2(node, make_call(scan, call, expressions,
											expr->coalescetype));
	expr->location = -1;
	return (Node *) expr;
}

/* A column that is handed on, perhaps under another type. */
static bool
is_column(const Expr *expr)
{
	while (IsA(expr, RelabelType))
		expr = ((const RelabelType *) expr)->arg;
	return IsA(expr, Var);
}

List *
inf_batch_add_fallbacks(List *expressions, const CustomScan *scan)
{
	bool		has_quals = scan->scan.plan.qual != NIL;
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, expressions)
	{
		Node	   *node = lfirst(lc);

		if (has_quals || !IsA(node, TargetEntry) ||
			!is_column(((TargetEntry *) node)->expr))
			node = add_fallback(node, unconstify(CustomScan *, scan));
		result = lappend(result, node);
	}
	return result;
}
