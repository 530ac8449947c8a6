/*
 * call_condition.h
 *		For which rows an expression comes to a call that stands in a branch of
 *		it.
 */
#ifndef INFERENCE_EXECUTOR_CALL_CONDITION_H
#define INFERENCE_EXECUTOR_CALL_CONDITION_H

#include "postgres.h"

#include "nodes/primnodes.h"

/*
 * A part of an expression that is evaluated if none of before is true, and last
 * is, unless it is NULL.  Before and last may hold CaseTestExprs of arg.
 */
typedef struct Branch
{
	Expr	   *arg;
	List	   *before;
	Expr	   *last;
} Branch;

/*
 * Whether it can be decided beforehand that an expression comes to a branch:
 * what it depends on can be evaluated twice, and asks no service.
 */
extern bool inf_condition_is_decidable(const Branch *branch);

/* The condition under which the innermost of these branches is evaluated. */
extern Expr *inf_condition_of(List *branches);

/* The condition that something is null, or is not. */
extern Expr *inf_condition_null_test(Expr *arg, NullTestType type);

/* The condition that something is true, is not true, is false ... */
extern Expr *inf_condition_boolean_test(Expr *arg, BoolTestType type);

/* The condition that one or the other holds. */
extern Expr *inf_condition_either(Expr *one, Expr *other);

/* Whether there is a CaseTestExpr in it that belongs to a CASE around it. */
extern bool inf_condition_has_case_test(Node *node, void *context);

#endif							/* INFERENCE_EXECUTOR_CALL_CONDITION_H */
