/*
 * call_search.h
 *		Finds calls in expressions, and takes them out.
 */
#ifndef INFERENCE_EXECUTOR_CALL_SEARCH_H
#define INFERENCE_EXECUTOR_CALL_SEARCH_H

#include "postgres.h"

#include "nodes/pathnodes.h"

#include "executor/batch_scan.h"

/* Whether a function is one whose calls are batched, and which. */
extern bool inf_batch_is_call(Oid function, BatchCallKind *kind);

/* Whether there is any call, also in the queries that a query is made of. */
extern bool inf_batch_has_calls(Node *node, void *context);

/* Whether a path reads a table, or whatever else is in a FROM list. */
extern bool inf_batch_is_scan(const Path *path);

/* The different calls that a node has in an expression and can be batched. */
extern List *inf_batch_calls_in(const Path *path, Node *expression);

/* Of these, the ones of which all is known that makes the expression need them. */
extern List *inf_batch_calls_known_in(const Path *path, Node *expression);

/*
 * When a call is made that was found in an expression: a condition on the row,
 * NULL: always.  Other places of the call may need it for more rows.
 */
extern Expr *inf_batch_condition(const Path *path, Node *expression,
								 const FuncExpr *call);

/* Takes a list of calls out of an expression, for what is left of it. */
extern Node *inf_batch_without_calls(Node *node, void *calls);

#endif							/* INFERENCE_EXECUTOR_CALL_SEARCH_H */
