/*
 * model_server.h
 *		The foreign server behind each model: ownership, use rights, version.
 */
#ifndef INFERENCE_CATALOG_MODEL_SERVER_H
#define INFERENCE_CATALOG_MODEL_SERVER_H

#include "postgres.h"

#include "base/types.h"

/* The server of this name under our wrapper, or InvalidOid. */
extern Oid	inf_catalog_find_server(const char *model_id);

/*
 * Whether the server exists for a snapshot that sees the model's row.  The cache
 * behind inf_catalog_find_server() may not yet know a server whose transaction
 * commits at this moment; this looks into the catalog itself.
 */
extern bool inf_catalog_server_exists(const char *model_id);

/* Throws 42501 unless the current user may put models. */
extern void inf_catalog_check_may_put(void);

/* Whether role may use the model; reports 42501, at a level, if not. */
extern bool inf_catalog_may_use(const InferenceModel *model, Oid role,
								int elevel);

/* Throws 42501 unless role may use the model. */
extern void inf_catalog_check_may_use(const InferenceModel *model, Oid role);

/* Throws 42501 unless the current user owns the model's server. */
extern void inf_catalog_check_owner(const char *model_id, Oid server);

/*
 * Waits for other transactions that put, update or delete the same id, and
 * keeps them waiting until this one ends.
 */
extern void inf_catalog_lock_id(const char *model_id);

/*
 * The same without waiting, for a change that no owner asked for; false if
 * somebody else has the model in hand.
 */
extern bool inf_catalog_try_lock_id(const char *model_id, Oid server);

/*
 * Makes the server; the current user becomes its owner.  A server of our
 * wrapper that has lost its model is taken if it is the current user's.
 */
extern Oid	inf_catalog_create_server(const char *model_id);

/* Gives the server a new version, so that every session reads the model anew. */
extern void inf_catalog_touch_server(const InferenceModel *model);

/* Drops the server; cascade: with all that depends on it, as notices tell. */
extern void inf_catalog_drop_server(Oid server, bool cascade);

#endif							/* INFERENCE_CATALOG_MODEL_SERVER_H */
