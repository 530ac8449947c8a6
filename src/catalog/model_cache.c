/*
 * model_cache.c
 *		The models that this session has used, keys included.
 *
 * A change to any foreign server empties the cache: put, update and delete
 * touch the model's server, models are few, and reading one anew costs some
 * microseconds.  A model that a running call holds lives on until that call's
 * memory goes.
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "catalog/model_cache.h"
#include "catalog/model_store.h"
#include "catalog/remains.h"

typedef struct CachedModel
{
	InferenceModel *model;
	MemoryContext context;		/* holds the model and this struct */
	int			pins;			/* calls that hold it */
	bool		forgotten;		/* not in the table any more */
} CachedModel;

typedef struct CacheEntry
{
	char		model_id[NAMEDATALEN];	/* key */
	CachedModel *cached;
} CacheEntry;

static HTAB *cache = NULL;

/* Counts emptyings, so that a model read across one is not kept. */
static uint64 cache_generation = 0;

static void
release_if_unused(CachedModel *cached)
{
	/* Deleting the context wipes the key: see base/secret.h. */
	if (cached->forgotten && cached->pins == 0)
		MemoryContextDelete(cached->context);
}

static void
forget_models(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS scan;
	CacheEntry *entry;

	cache_generation++;
	if (cache == NULL)
		return;
	hash_seq_init(&scan, cache);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		CachedModel *cached = entry->cached;

		(void) hash_search(cache, entry->model_id, HASH_REMOVE, NULL);
		cached->forgotten = true;
		release_if_unused(cached);
	}
}

void
inf_catalog_cache_init(void)
{
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, forget_models, (Datum) 0);
	CacheRegisterSyscacheCallback(FOREIGNDATAWRAPPEROID, forget_models, (Datum) 0);
}

static void
create_cache(void)
{
	HASHCTL		control = {
		.keysize = NAMEDATALEN,
		.entrysize = sizeof(CacheEntry),
		.hcxt = TopMemoryContext
	};

	cache = hash_create("inference model cache", 16, &control,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* Reads a model into a context of its own; NULL if there is none. */
static CachedModel *
load_model(const char *model_id)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "inference model",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	InferenceModel *model = inf_catalog_read_model(model_id);
	CachedModel *cached = NULL;

	if (model)
	{
		cached = palloc0(sizeof(CachedModel));
		cached->model = model;
		cached->context = context;
	}
	MemoryContextSwitchTo(caller);
	if (cached == NULL)
		MemoryContextDelete(context);
	return cached;
}

static void
unpin_model(void *arg)
{
	CachedModel *cached = arg;

	cached->pins--;
	release_if_unused(cached);
}

static void
pin_model(CachedModel *cached)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = unpin_model;
	callback->arg = cached;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	cached->pins++;
}

static CachedModel *
find_or_load(const char *model_id)
{
	CacheEntry *entry;
	CachedModel *cached;

	if (cache == NULL)
		create_cache();
	entry = hash_search(cache, model_id, HASH_FIND, NULL);
	if (entry)
		return entry->cached;

	/* Reading may receive an invalidation of what was just read. */
	for (;;)
	{
		uint64		generation = cache_generation;

		cached = load_model(model_id);
		if (cached == NULL)
			return NULL;
		if (generation == cache_generation)
			break;
		MemoryContextDelete(cached->context);
	}
	entry = hash_search(cache, model_id, HASH_ENTER, NULL);
	entry->cached = cached;
	MemoryContextSetParent(cached->context, CacheMemoryContext);
	return cached;
}

const InferenceModel *
inf_catalog_get_model(const char *model_id)
{
	CachedModel *cached;

	if (strlen(model_id) >= NAMEDATALEN)
		return NULL;

	/* A call need not lock anything, so nothing else tells us what changed. */
	AcceptInvalidationMessages();
	cached = find_or_load(model_id);
	if (cached == NULL)
		return NULL;
	pin_model(cached);
	return cached->model;
}

const InferenceModel *
inf_catalog_require_model(const char *model_id)
{
	const InferenceModel *model = inf_catalog_get_model(model_id);

	if (model == NULL)
		inf_catalog_throw_unknown_model(model_id);
	return model;
}
