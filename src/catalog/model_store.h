/*
 * model_store.h
 *		Models in the catalog: reading, writing, listing.
 *
 * A model is a row of inference_model, perhaps a row of inference_secret, and
 * a foreign server of the same name; without its server it does not exist.
 * Nothing here checks privileges: see model_server.h.
 */
#ifndef INFERENCE_CATALOG_MODEL_STORE_H
#define INFERENCE_CATALOG_MODEL_STORE_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "base/types.h"

/* The model with its key, in the current memory context; NULL if unknown. */
extern InferenceModel *inf_catalog_read_model(const char *model_id);

/* All models in the order of their ids, without keys. */
extern List *inf_catalog_list_models(void);

/* Writes the rows of a model whose server has just been made. */
extern void inf_catalog_insert_model(const InferenceModel *model);

/*
 * Rewrites settings, what was discovered, updated_at and, if there is a new
 * one, the key of a model.
 */
extern void inf_catalog_update_model(const InferenceModel *model, bool new_key);

typedef enum DiscoveryOutcome
{
	DISCOVERY_WRITTEN,
	DISCOVERY_KNOWN,			/* something was discovered before */
	DISCOVERY_GONE,				/* there is no such model, or it was changed */
	DISCOVERY_BUSY				/* somebody else has it in hand */
} DiscoveryOutcome;

/*
 * What was discovered of a model as its row has it now, whatever the session's
 * cache says; NULL if there is no such model, or not as of updated_at.
 */
extern Jsonb *inf_catalog_read_discovered(const char *model_id, Oid server,
										  TimestampTz updated_at);

/*
 * Writes what was discovered of a model, unless something was before: that is
 * put into stored.  Never waits.
 */
extern DiscoveryOutcome inf_catalog_store_discovered(const char *model_id,
													 Oid server,
													 TimestampTz updated_at,
													 Jsonb *discovered,
													 Jsonb **stored);

/* Deletes the rows of a model, if there are any. */
extern void inf_catalog_delete_model(const char *model_id);

/* Deletes the rows of all models that have no server any more. */
extern void inf_catalog_forget_serverless_models(void);

/* Whether there is a row for this id, or a key, server or not. */
extern bool inf_catalog_has_row(const char *model_id);
extern bool inf_catalog_has_key(const char *model_id);

#endif							/* INFERENCE_CATALOG_MODEL_STORE_H */
