/*
 * fuzz_tokenizer.c
 *		Any bytes as a tokenizer's files, and as text for it: ids are of its
 *		vocabulary, and fewer of them are the beginning of more.
 *
 * The first byte says which files: 'J', tokenizer.json; else vocab.txt and
 * tokenizer_config.json with a NUL between.  Behind another NUL is the text.
 */
#include "engine/tokenizer.h"

#include "fuzz.h"

#define NVOCABULARY 300
#define MAX_TOKENS 512

/* How many ids a text has where so many fit; 0 if it is none. */
static int
encode(const Tokenizer *tokenizer, const FuzzInput *text, int max_tokens, int32_t *ids,
	   bool *truncated)
{
	EngineError error = {0};
	int			nids = -1;

	if (!inf_tokenizer_encode(tokenizer, text->next, text->left, max_tokens,
							  ids, &nids, truncated, &error))
	{
		fuzz_check_error(&error);
		return 0;
	}
	MUST(nids >= 2 && nids <= max_tokens);
	MUST(!*truncated || nids == max_tokens);
	for (int i = 0; i < nids; i++)
		MUST(inf_tokenizer_token(tokenizer, ids[i]) != NULL);
	MUST(inf_tokenizer_is_special(tokenizer, ids[0]));
	MUST(inf_tokenizer_is_special(tokenizer, ids[nids - 1]));
	return nids;
}

static void
encode_all(const Tokenizer *tokenizer, const FuzzInput *text)
{
	int32_t		all[MAX_TOKENS];
	bool		truncated;
	const int	nall = encode(tokenizer, text, MAX_TOKENS, all, &truncated);

	for (int max_tokens = 2; max_tokens <= MAX_TOKENS / 2; max_tokens *= 3)
	{
		int32_t    *some = malloc(max_tokens * sizeof(*some));
		const int	nsome = encode(tokenizer, text, max_tokens, some, &truncated);

		MUST(nsome == (nall < max_tokens ? nall : max_tokens));
		MUST(nall == 0 || truncated == (nall > max_tokens));
		for (int i = 0; i < nsome - 1; i++)
			MUST(some[i] == all[i]);
		free(some);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {(const char *) data + 1, size - 1};
	Tokenizer  *tokenizer;
	EngineError error = {0};

	if (size == 0)
		return 0;
	fuzz_need_folder();
	if (data[0] == 'J')
		fuzz_next_file(&input, "tokenizer.json");
	else
	{
		(void) unlink(temp_folder_path("tokenizer.json"));
		fuzz_next_file(&input, "vocab.txt");
		fuzz_next_file(&input, "tokenizer_config.json");
	}
	tokenizer = inf_tokenizer_open(temp_folder, NVOCABULARY, &error);
	if (tokenizer == NULL)
	{
		fuzz_check_error(&error);
		return 0;
	}
	MUST(inf_tokenizer_size(tokenizer) >= 1 && inf_tokenizer_size(tokenizer) <= NVOCABULARY);
	for (int id = -1; id <= inf_tokenizer_size(tokenizer); id++)
	{
		const char *token = inf_tokenizer_token(tokenizer, id);

		MUST(token == NULL || token[0] != '\0');
	}
	encode_all(tokenizer, &input);
	inf_tokenizer_close(tokenizer);
	return 0;
}
