/*
 * inference.c
 *		Entry point of the module: tells each room that it was loaded.
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/compat.h"
#include "base/guc.h"
#include "catalog/catalog.h"
#include "catalog/model_cache.h"
#include "executor/batch_explain.h"
#include "executor/batch_plan.h"
#include "pipeline/discovery.h"

INF_PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	inf_guc_init();
	inf_catalog_init();
	inf_catalog_cache_init();
	inf_discovery_init();
	inf_batch_plan_init();
	inf_batch_explain_init();
}
