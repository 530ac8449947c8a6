/*
 * service_hashing.c
 *		Feature hashing: embeddings that need no model, no key and no network.
 *
 * A lexical baseline.  It finds texts that share words and parts of words, and
 * knows nothing of meaning.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/hsearch.h"

#include "service/token_list.h"
#include "service/feature_hash.h"
#include "service/service.h"
#include "settings/setting_read.h"
#include "settings/settings_common.h"

/* As many as the small sentence encoders, so that one can take its place. */
#define DEFAULT_DIMENSIONS 384

/* Words that are hashed between two looks at interrupts. */
#define WORDS_PER_LOOK 10000

/* More different words than this are a dictionary, and some 100 bytes each. */
#define MAX_DISTINCT_WORDS 100000

static const SettingField hashing_service_fields[] = {
	INF_SETTING_DIMENSIONS(INF_TASK_TEXT_EMBEDDING, "384",
						   "dimensions of the vectors"),
	{.name = NULL}
};

static void
hash_dense(const InferenceCall *call, const InferenceInput *input,
		   InferenceEmbedding *result)
{
	int			dimensions = inf_setting_integer(call->model->service_settings,
												 "dimensions", DEFAULT_DIMENSIONS);
	size_t		position = 0;

	/* A restored row was not checked. */
	if (dimensions < 1 || dimensions > INF_MAX_DIMENSIONS)
		dimensions = DEFAULT_DIMENSIONS;
	result->ndimensions = dimensions;
	result->values = palloc0(sizeof(float) * dimensions);
	while (inf_feature_add_words(input->text, input->length, &position,
								 WORDS_PER_LOOK, result->values, dimensions))
		CHECK_FOR_INTERRUPTS();
	inf_feature_finish(input->text, input->length, result->values, dimensions);
}

typedef struct WordEntry
{
	char		word[INF_FEATURE_MAX_WORD_BYTES + 1];	/* hash key */
	int			count;
} WordEntry;

static HTAB *
count_words(const InferenceInput *input)
{
	HASHCTL		control = {
		.keysize = INF_FEATURE_MAX_WORD_BYTES + 1,
		.entrysize = sizeof(WordEntry),
		.hcxt = CurrentMemoryContext
	};
	HTAB	   *words = hash_create("inference words", 64, &control,
									HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	char		word[INF_FEATURE_MAX_WORD_BYTES + 1];
	size_t		position = 0;

	while (inf_feature_next_word(input->text, input->length, &position, word) > 0)
	{
		bool		found;
		WordEntry  *entry = hash_search(words, word, HASH_ENTER, &found);

		entry->count = found ? entry->count + 1 : 1;
		if (hash_get_num_entries(words) > MAX_DISTINCT_WORDS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("text has more than %d different words",
							MAX_DISTINCT_WORDS),
					 errhint("Embed parts of it.")));
		CHECK_FOR_INTERRUPTS();
	}
	return words;
}

/* log(1 + term frequency) of each word, heaviest first. */
static void
hash_sparse(const InferenceInput *input, InferenceEmbedding *result)
{
	HTAB	   *words = count_words(input);
	HASH_SEQ_STATUS scan;
	WordEntry  *entry;

	result->tokens = palloc(sizeof(InferenceToken) *
							(hash_get_num_entries(words) + 1));
	hash_seq_init(&scan, words);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		InferenceToken *token = &result->tokens[result->ntokens++];

		token->token = pstrdup(entry->word);
		token->weight = (float) log1p(entry->count);
	}
	hash_destroy(words);
	inf_tokens_sort(result);
}

static void
hashing_run(const InferenceCall *call, InferenceEmbedding *results)
{
	for (int i = 0; i < call->ninputs; i++)
	{
		if (call->model->task == INF_TASK_TEXT_EMBEDDING)
			hash_dense(call, &call->inputs[i], &results[i]);
		else
			hash_sparse(&call->inputs[i], &results[i]);
	}
}

const InferenceServiceOps inf_service_hashing = {
	.name = "hashing",
	.tasks = INF_TASK_TEXT_EMBEDDING | INF_TASK_SPARSE_EMBEDDING,
	.service_fields = hashing_service_fields,
	.default_similarity = "cosine",
	.settings_optional = true,
	.run = hashing_run,
};
