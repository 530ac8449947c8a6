/*
 * call_condition.c
 *		For which rows an expression comes to a call that stands in a branch of
 *		it.
 *
 * In CASE WHEN a THEN 1 WHEN b THEN f(body) END the call is made for rows where
 * a is not true and b is.  That condition is made from the same parts in the
 * same order, CASE WHEN a THEN false WHEN b THEN true ELSE false END, so that
 * nothing is evaluated for a row that the expression itself would not: b may
 * divide by what a has found to be zero.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"

#include "executor/call_condition.h"
#include "executor/call_search.h"

bool
inf_condition_has_case_test(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, CaseTestExpr))
		return true;
	if (IsA(node, ArrayCoerceExpr))
		return inf_condition_has_case_test((Node *) ((ArrayCoerceExpr *) node)->arg,
										   context);
	if (IsA(node, CaseExpr) && ((CaseExpr *) node)->arg != NULL)
	{
		CaseExpr   *expr = (CaseExpr *) node;
		ListCell   *lc;

		/* Those of its conditions are its own. */
		foreach(lc, expr->args)
			if (inf_condition_has_case_test((Node *) lfirst_node(CaseWhen, lc)->result,
											context))
				return true;
		return inf_condition_has_case_test((Node *) expr->arg, context) ||
			inf_condition_has_case_test((Node *) expr->defresult, context);
	}
	return expression_tree_walker(node, inf_condition_has_case_test, context);
}

bool
inf_condition_is_decidable(const Branch *branch)
{
	List	   *parts = list_copy(branch->before);

	if (branch->arg)
		parts = lappend(parts, branch->arg);
	if (branch->last)
		parts = lappend(parts, branch->last);

	/* A sub-select is planned for one place only. */
	return !contain_volatile_functions((Node *) parts) &&
		!contain_subplans((Node *) parts) &&
		!inf_batch_has_calls((Node *) parts, NULL);
}

static CaseWhen *
make_when(Expr *condition, Expr *result)
{
	CaseWhen   *when = makeNode(CaseWhen);

	when->expr = condition;
	when->result = result;
	when->location = -1;
	return when;
}

static CaseExpr *
make_case(Expr *arg, List *args, Expr *defresult)
{
	CaseExpr   *expr = makeNode(CaseExpr);

	expr->casetype = BOOLOID;
	expr->casecollid = InvalidOid;
	expr->arg = arg;
	expr->args = args;
	expr->defresult = defresult;
	expr->location = -1;
	return expr;
}

static Expr *
make_bool(bool value)
{
	return (Expr *) makeBoolConst(value, false);
}

/* Whether a branch is evaluated and then result is true. */
static Expr *
make_step(const Branch *branch, Expr *result)
{
	List	   *args = NIL;
	ListCell   *lc;

	foreach(lc, branch->before)
		args = lappend(args, make_when(copyObject(lfirst(lc)), make_bool(false)));
	if (branch->last)
		args = lappend(args, make_when(copyObject(branch->last), result));
	return (Expr *) make_case(copyObject(branch->arg), args,
							  branch->last ? make_bool(false) : result);
}

Expr *
inf_condition_of(List *branches)
{
	Expr	   *condition = make_bool(true);

	for (int i = list_length(branches) - 1; i >= 0; i--)
		condition = make_step(list_nth(branches, i), condition);
	return condition;
}

Expr *
inf_condition_null_test(Expr *arg, NullTestType type)
{
	NullTest   *test = makeNode(NullTest);

	test->arg = arg;
	test->nulltesttype = type;
	test->location = -1;
	return (Expr *) test;
}

Expr *
inf_condition_boolean_test(Expr *arg, BoolTestType type)
{
	BooleanTest *test = makeNode(BooleanTest);

	test->arg = arg;
	test->booltesttype = type;
	test->location = -1;
	return (Expr *) test;
}

Expr *
inf_condition_either(Expr *one, Expr *other)
{
	if (equal(one, other))
		return one;
	return (Expr *) make_case(NULL, list_make1(make_when(one, make_bool(true))),
							  other);
}
