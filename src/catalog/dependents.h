/*
 * dependents.h
 *		What in the database uses a model.
 */
#ifndef INFERENCE_CATALOG_DEPENDENTS_H
#define INFERENCE_CATALOG_DEPENDENTS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Descriptions (char *) such as "trigger docs_embed on table docs", of triggers
 * that embed with the model, and of what is in catalog/stored_calls.h.
 */
extern List *inf_catalog_list_dependents(const char *model_id);

#endif							/* INFERENCE_CATALOG_DEPENDENTS_H */
