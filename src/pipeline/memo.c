/*
 * memo.c
 *		What a statement has embedded so far.
 *
 * When it is full it is emptied: texts that come often are soon there again.
 * When it turns out that texts do not come again, it gives up, so that it costs
 * next to nothing.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pipeline/batch.h"
#include "pipeline/embedding_value.h"
#include "pipeline/memo.h"

/* It gives up if, of so many texts, fewer than one in so many were known. */
#define TRIAL_TEXTS 1024
#define TRIAL_SHARE 64

typedef struct MemoEntry
{
	InferenceTextKey key;
	InferenceEmbedding embedding;
} MemoEntry;

struct EmbeddingMemo
{
	MemoryContext context;		/* of table, texts and embeddings */
	HTAB	   *table;			/* NULL: empty */
	Size		max_bytes;
	Size		bytes;
	int64		nasked;
	int64		nknown;
};

EmbeddingMemo *
inf_memo_create(Size max_bytes)
{
	EmbeddingMemo *memo = palloc0(sizeof(EmbeddingMemo));

	memo->max_bytes = max_bytes;
	memo->context = AllocSetContextCreate(CurrentMemoryContext,
										  "inference memo",
										  ALLOCSET_DEFAULT_SIZES);
	return memo;
}

static bool
has_given_up(const EmbeddingMemo *memo)
{
	return memo->nasked >= TRIAL_TEXTS &&
		memo->nknown < memo->nasked / TRIAL_SHARE;
}

static void
empty(EmbeddingMemo *memo)
{
	MemoryContextReset(memo->context);
	memo->table = NULL;
	memo->bytes = 0;
}

/* A copy in the current memory context; returns its size. */
static Size
copy_embedding(const InferenceEmbedding *from, InferenceEmbedding *to)
{
	Size		size = sizeof(InferenceToken) * from->ntokens;

	*to = *from;
	if (from->ndimensions > 0)
	{
		to->array = inf_value_real_array(from);
		to->values = (float *) ARR_DATA_PTR(to->array);
		size += VARSIZE(to->array);
	}
	if (from->ntokens == 0)
		return size;
	to->tokens = palloc(size);
	for (int i = 0; i < from->ntokens; i++)
	{
		to->tokens[i].token = pstrdup(from->tokens[i].token);
		to->tokens[i].weight = from->tokens[i].weight;
		size += strlen(to->tokens[i].token) + 1;
	}
	return size;
}

bool
inf_memo_get(EmbeddingMemo *memo, const InferenceInput *input,
			 InferenceEmbedding *embedding)
{
	InferenceTextKey key = {input->text, input->length};
	MemoEntry  *entry;

	memo->nasked++;
	if (memo->table == NULL)
		return false;
	entry = hash_search(memo->table, &key, HASH_FIND, NULL);
	if (entry == NULL)
		return false;
	memo->nknown++;
	(void) copy_embedding(&entry->embedding, embedding);
	return true;
}

void
inf_memo_put(EmbeddingMemo *memo, const InferenceInput *input,
			 const InferenceEmbedding *embedding)
{
	MemoryContext caller;
	InferenceTextKey key;
	MemoEntry  *entry;
	bool		found;

	if (has_given_up(memo) || memo->bytes > memo->max_bytes)
		empty(memo);
	if (has_given_up(memo))
		return;
	caller = MemoryContextSwitchTo(memo->context);
	if (memo->table == NULL)
		memo->table = inf_text_table_create("inference memo", 256,
											sizeof(MemoEntry));
	key.text = pnstrdup(input->text, input->length);
	key.length = input->length;
	entry = hash_search(memo->table, &key, HASH_ENTER, &found);
	if (!found)
		memo->bytes += sizeof(MemoEntry) + input->length +
			copy_embedding(embedding, &entry->embedding);
	MemoryContextSwitchTo(caller);
}
