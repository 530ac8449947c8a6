/*
 * embedding_cache.c
 *		Embeddings that this session has seen.
 *
 * The key is a SHA-256 of everything an answer depends on: the model's server,
 * the time of its last change, its settings, those of the call, the text.  So texts
 * themselves are not kept, and a changed model is simply another one.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/guc.h"
#include "pipeline/embedding_cache.h"

typedef struct CacheEntry
{
	uint8		key[PG_SHA256_DIGEST_LENGTH];	/* hash key */
	dlist_node	node;			/* in recency */
	char	   *bytes;			/* one allocation that holds all values */
	InferenceEmbedding embedding;	/* its pointers lead into bytes */
	Size		size;			/* what the entry costs */
} CacheEntry;

static HTAB *entries = NULL;
static MemoryContext cache_context = NULL;
static dlist_head recency;		/* most recently used first */
static Size used_bytes = 0;

bool
inf_embedding_cache_enabled(void)
{
	return inf_guc_cache_size > 0;
}

static void
create_cache(void)
{
	HASHCTL		control = {
		.keysize = PG_SHA256_DIGEST_LENGTH,
		.entrysize = sizeof(CacheEntry)
	};

	cache_context = AllocSetContextCreate(TopMemoryContext,
										  "inference embedding cache",
										  ALLOCSET_DEFAULT_SIZES);
	control.hcxt = cache_context;
	entries = hash_create("inference embeddings", 256, &control,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	dlist_init(&recency);
}

static void
make_key(const InferenceModel *model, Jsonb *task_settings,
		 const InferenceInput *input, uint8 *key)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	bool		ok;

	if (hash == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	ok = pg_cryptohash_init(hash) == 0 &&
		pg_cryptohash_update(hash, (const uint8 *) &model->server,
							 sizeof(model->server)) == 0 &&
		pg_cryptohash_update(hash, (const uint8 *) &model->updated_at,
							 sizeof(model->updated_at)) == 0 &&
		pg_cryptohash_update(hash, (const uint8 *) model->service_settings,
							 VARSIZE(model->service_settings)) == 0 &&
		pg_cryptohash_update(hash, (const uint8 *) task_settings,
							 VARSIZE(task_settings)) == 0 &&
		pg_cryptohash_update(hash, (const uint8 *) input->text,
							 input->length) == 0 &&
		pg_cryptohash_final(hash, key, PG_SHA256_DIGEST_LENGTH) == 0;
	pg_cryptohash_free(hash);
	if (!ok)
		elog(ERROR, "could not compute SHA-256 hash");
}

/* Copies an embedding into one allocation; returns its size. */
static Size
copy_embedding(const InferenceEmbedding *from, InferenceEmbedding *to,
			   char **bytes)
{
	Size		size = sizeof(float) * from->ndimensions +
		sizeof(InferenceToken) * from->ntokens;
	char	   *next;

	for (int i = 0; i < from->ntokens; i++)
		size += strlen(from->tokens[i].token) + 1;
	*bytes = palloc(Max(size, 1));
	*to = *from;

	/* Tokens first: they hold pointers and so need the better alignment. */
	to->tokens = (InferenceToken *) *bytes;
	to->values = (float *) (to->tokens + from->ntokens);
	to->array = NULL;
	next = (char *) (to->values + from->ndimensions);
	if (from->ndimensions > 0)
		memcpy(to->values, from->values, sizeof(float) * from->ndimensions);
	for (int i = 0; i < from->ntokens; i++)
	{
		to->tokens[i].weight = from->tokens[i].weight;
		to->tokens[i].token = strcpy(next, from->tokens[i].token);
		next += strlen(next) + 1;
	}
	return size;
}

static void
forget_entry(CacheEntry *entry)
{
	used_bytes -= entry->size;
	dlist_delete(&entry->node);
	pfree(entry->bytes);
	(void) hash_search(entries, entry->key, HASH_REMOVE, NULL);
}

static void
make_room(Size size)
{
	Size		limit = (Size) inf_guc_cache_size * 1024;

	while (used_bytes + size > limit && !dlist_is_empty(&recency))
		forget_entry(dlist_container(CacheEntry, node,
									 dlist_tail_node(&recency)));
}

bool
inf_embedding_cache_get(const InferenceModel *model, Jsonb *task_settings,
						const InferenceInput *input,
						InferenceEmbedding *embedding)
{
	uint8		key[PG_SHA256_DIGEST_LENGTH];
	CacheEntry *entry;
	char	   *bytes;

	if (entries == NULL)
		return false;
	make_key(model, task_settings, input, key);
	entry = hash_search(entries, key, HASH_FIND, NULL);
	if (entry == NULL)
		return false;
	dlist_move_head(&recency, &entry->node);
	(void) copy_embedding(&entry->embedding, embedding, &bytes);
	return true;
}

void
inf_embedding_cache_put(const InferenceModel *model, Jsonb *task_settings,
						const InferenceInput *input,
						const InferenceEmbedding *embedding)
{
	uint8		key[PG_SHA256_DIGEST_LENGTH];
	MemoryContext caller;
	InferenceEmbedding copy;
	CacheEntry *entry;
	char	   *bytes;
	Size		size;
	bool		found;

	if (entries == NULL)
		create_cache();
	make_key(model, task_settings, input, key);
	caller = MemoryContextSwitchTo(cache_context);
	size = copy_embedding(embedding, &copy, &bytes) + sizeof(CacheEntry);
	MemoryContextSwitchTo(caller);
	if (size > (Size) inf_guc_cache_size * 1024)
	{
		pfree(bytes);
		return;
	}
	make_room(size);
	entry = hash_search(entries, key, HASH_ENTER, &found);
	if (found)
	{
		used_bytes -= entry->size;
		dlist_delete(&entry->node);
		pfree(entry->bytes);
	}
	entry->embedding = copy;
	entry->bytes = bytes;
	entry->size = size;
	used_bytes += size;
	dlist_push_head(&recency, &entry->node);
}
