/*
 * model_cache.h
 *		The models that this session has used, keys included.
 */
#ifndef INFERENCE_CATALOG_MODEL_CACHE_H
#define INFERENCE_CATALOG_MODEL_CACHE_H

#include "postgres.h"

#include "base/types.h"

/*
 * The model, or NULL.  It stays valid until the current memory context is
 * reset, whatever others do to the model meanwhile.
 */
extern const InferenceModel *inf_catalog_get_model(const char *model_id);

/* The same; throws 42704 if there is no such model. */
extern const InferenceModel *inf_catalog_require_model(const char *model_id);

extern void inf_catalog_cache_init(void);

#endif							/* INFERENCE_CATALOG_MODEL_CACHE_H */
