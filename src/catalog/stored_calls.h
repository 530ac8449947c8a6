/*
 * stored_calls.h
 *		Stored expressions that call the extension with a model's id.
 */
#ifndef INFERENCE_CATALOG_STORED_CALLS_H
#define INFERENCE_CATALOG_STORED_CALLS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Descriptions (char *) of what holds such an expression: views, materialized
 * views and rules, column defaults, constraints, domains, indexes, policies,
 * functions with an SQL body, conditions of triggers, extended statistics.  The id must stand there as a literal.
 * Bodies that are strings, as of PL/pgSQL, are not looked into.
 */
extern List *inf_catalog_list_stored_calls(const char *model_id);

#endif							/* INFERENCE_CATALOG_STORED_CALLS_H */
