/*
 * constant_call.h
 *		Tells calls that are made once from those that are made for rows.
 */
#ifndef INFERENCE_EXECUTOR_CONSTANT_CALL_H
#define INFERENCE_EXECUTOR_CONSTANT_CALL_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Whether the arguments of a call may differ from row to row, or from one
 * evaluation to the next.  Parameters of the statement ($n) do not; all others
 * stand for columns of an outer query.
 */
extern bool inf_call_varies(List *args);

/*
 * A mutator: calls without columns that are left in a query that is planned, as
 * calls that are made once per statement.  Its context is not used.
 */
extern Node *inf_call_make_once(Node *node, void *context);

#endif							/* INFERENCE_EXECUTOR_CONSTANT_CALL_H */
