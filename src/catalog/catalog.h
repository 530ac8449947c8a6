/*
 * catalog.h
 *		Where the extension's objects are, whatever schema they were created in.
 *
 * The catalog room works on its tables as the server works on its own: by
 * tuple, without SQL, so that neither search_path nor a user's trigger comes
 * between, and reading with a fresh catalog snapshot, so that a model is never
 * older in a session's cache than the last invalidation.
 */
#ifndef INFERENCE_CATALOG_CATALOG_H
#define INFERENCE_CATALOG_CATALOG_H

#include "postgres.h"

#define INF_EXTENSION_NAME "inference"

typedef struct InferenceCatalog
{
	Oid			schema;
	Oid			wrapper;		/* the foreign-data wrapper; invalid: gone */
	Oid			model_table;	/* inference_model */
	Oid			model_index;	/* its primary key (model_id) */
	Oid			secret_table;	/* inference_secret */
	Oid			secret_index;	/* its primary key (model_id, name) */
	Oid			trigger_function;	/* inference_embed_trigger() */
} InferenceCatalog;

/* Throws if the extension is not installed in this database. */
extern const InferenceCatalog *inf_catalog(void);

/* The same, but NULL in place of the error. */
extern const InferenceCatalog *inf_catalog_if_installed(void);

/*
 * Throws 42501 unless the current user may execute a function.  For calls that
 * the executor, which checks those that it makes, does not see.
 */
extern void inf_catalog_check_may_execute(Oid function);

extern void inf_catalog_init(void);

#endif							/* INFERENCE_CATALOG_CATALOG_H */
