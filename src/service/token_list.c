/*
 * token_list.c
 *		The order of the tokens of a sparse embedding.
 */
#include "postgres.h"

#include "service/token_list.h"

static int
compare_tokens(const void *a, const void *b)
{
	return strcmp(((const InferenceToken *) a)->token,
				  ((const InferenceToken *) b)->token);
}

static int
compare_weights(const void *a, const void *b)
{
	float		x = ((const InferenceToken *) a)->weight;
	float		y = ((const InferenceToken *) b)->weight;

	if (x != y)
		return x > y ? -1 : 1;
	return compare_tokens(a, b);
}

void
inf_tokens_sort(InferenceEmbedding *embedding)
{
	qsort(embedding->tokens, embedding->ntokens, sizeof(InferenceToken),
		  compare_weights);
}

const char *
inf_tokens_sort_distinct(InferenceEmbedding *embedding)
{
	InferenceToken *tokens = embedding->tokens;

	qsort(tokens, embedding->ntokens, sizeof(InferenceToken), compare_tokens);
	for (int i = 1; i < embedding->ntokens; i++)
		if (strcmp(tokens[i - 1].token, tokens[i].token) == 0)
			return tokens[i].token;
	inf_tokens_sort(embedding);
	return NULL;
}
