/*
 * secret_store.h
 *		Rows of inference_secret: the keys of models.
 *
 * A key belongs to the foreign server that it was given for, not to whatever
 * server has the name: a server can go in ways that no event trigger sees, and
 * the next of its name may be somebody else's.
 */
#ifndef INFERENCE_CATALOG_SECRET_STORE_H
#define INFERENCE_CATALOG_SECRET_STORE_H

#include "postgres.h"

#include "base/types.h"

/* Sets the key of a model that was read, with where it may be sent. */
extern void inf_catalog_read_secret(InferenceModel *model);

/* Puts the model's key in the place of what is stored for it; deletes if none. */
extern void inf_catalog_write_secret(const InferenceModel *model);

extern void inf_catalog_delete_secret(const char *model_id);

/* False if the model has no key, or if it is not known when it was given. */
extern bool inf_catalog_key_set_at(const char *model_id, TimestampTz *set_at);

/* Fills inference_secret from the table that it was in 0.2. */
extern void inf_catalog_move_secrets(Oid from);

#endif							/* INFERENCE_CATALOG_SECRET_STORE_H */
