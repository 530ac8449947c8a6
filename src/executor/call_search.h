/*
 * call_search.h
 *		Finds calls in expressions.
 */
#ifndef INFERENCE_EXECUTOR_CALL_SEARCH_H
#define INFERENCE_EXECUTOR_CALL_SEARCH_H

#include "postgres.h"

#include "nodes/pathnodes.h"

#include "executor/batch_inputs.h"
#include "executor/batch_scan.h"

/* Whether a function is one whose calls are batched, and which. */
extern bool inf_batch_is_call(Oid function, BatchCallKind *kind);

/* Whether there is any call, also in the queries that a query is made of. */
extern bool inf_batch_has_calls(Node *node, void *context);

/*
 * The different calls in an expression that a node with these inputs makes, and
 * that can be batched.
 */
extern List *inf_batch_calls_in(const BatchInputs *inputs, Node *expression);

/*
 * Of these, the ones of which all is known that makes the node need them: none
 * stands anywhere else in all that it computes, where it would be taken for made.
 */
extern List *inf_batch_calls_known_in(const BatchInputs *inputs,
									  Node *expression, Node *computed);

/*
 * When a call is made that was found in an expression: a condition on the row,
 * NULL: always.  Other places of the call may need it for more rows.
 */
extern Expr *inf_batch_condition(const BatchInputs *inputs, Node *expression,
								 const FuncExpr *call);

#endif							/* INFERENCE_EXECUTOR_CALL_SEARCH_H */
