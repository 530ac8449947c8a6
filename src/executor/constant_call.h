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

#endif							/* INFERENCE_EXECUTOR_CONSTANT_CALL_H */
