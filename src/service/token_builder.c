/*
 * token_builder.c
 *		A sparse vector in the making: tokens and their weights.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "service/token_builder.h"
#include "service/token_list.h"

/* Tokens of a sparse vector at first; ELSER gives 50 to 250. */
#define FIRST_TOKENS 128

/* Longest token that a fault quotes, well within INF_REPLY_FAULT_BYTES. */
#define MAX_SHOWN_BYTES 100

void
inf_token_init(TokenBuilder *builder)
{
	memset(builder, 0, sizeof(*builder));
	builder->context = CurrentMemoryContext;
}

bool
inf_token_begin(TokenBuilder *builder)
{
	builder->is_bad = false;
	builder->ntokens = 0;
	if (builder->tokens != NULL)
		return true;
	builder->room = FIRST_TOKENS;
	builder->tokens =
		MemoryContextAllocExtended(builder->context,
								   sizeof(InferenceToken) * FIRST_TOKENS,
								   MCXT_ALLOC_NO_OOM);
	return builder->tokens != NULL ||
		inf_reply_fault(builder->fault, "out of memory");
}

static bool
double_room(TokenBuilder *builder)
{
	Size		bytes = sizeof(InferenceToken) * builder->room;
	InferenceToken *tokens;

	tokens = MemoryContextAllocExtended(builder->context, bytes * 2,
										MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	if (tokens == NULL)
		return inf_reply_fault(builder->fault, "out of memory");
	memcpy(tokens, builder->tokens, bytes);
	pfree(builder->tokens);
	builder->tokens = tokens;
	builder->room *= 2;
	return true;
}

void
inf_token_spoil(TokenBuilder *builder, const char *format,...)
{
	va_list		args;

	if (builder->is_bad)
		return;
	builder->is_bad = true;
	va_start(args, format);
	vsnprintf(builder->fault, INF_REPLY_FAULT_BYTES, format, args);
	va_end(args);
}

bool
inf_token_add(TokenBuilder *builder, const char *text, size_t length)
{
	char	   *copy;

	if (length > INF_JSON_MAX_TEXT)
		inf_token_spoil(builder, "a token has more than %d bytes",
						INF_JSON_MAX_TEXT);
	if (builder->is_bad)
		return true;
	if (builder->ntokens == builder->room && !double_room(builder))
		return false;
	copy = MemoryContextAllocExtended(builder->context, length + 1,
									  MCXT_ALLOC_NO_OOM);
	if (copy == NULL)
		return inf_reply_fault(builder->fault, "out of memory");
	memcpy(copy, text, length + 1);
	builder->tokens[builder->ntokens].token = copy;
	return true;
}

/*
 * A token as a fault shows it.  Real ones are short; a long one is not cut, since
 * what is left of it might be a part of a key that nobody would recognise.
 */
static const char *
shown(const char *token)
{
	return strlen(token) <= MAX_SHOWN_BYTES ? token : "...";
}

void
inf_token_set_weight(TokenBuilder *builder, bool is_number, float weight)
{
	InferenceToken *token = &builder->tokens[builder->ntokens];

	if (builder->is_bad)
		return;
	if (!is_number)
	{
		inf_token_spoil(builder,
						"the weight of token \"%s\" is not a number that type real can hold",
						shown(token->token));
		return;
	}
	token->weight = weight;
	builder->ntokens++;
}

bool
inf_token_finish(TokenBuilder *builder, InferenceEmbedding *embedding)
{
	const char *twice;

	if (builder->is_bad)
		return false;
	embedding->tokens = builder->tokens;
	embedding->ntokens = builder->ntokens;
	twice = inf_tokens_sort_distinct(embedding);
	if (twice != NULL)
		return inf_reply_fault(builder->fault,
							   "token \"%s\" occurs twice in an embedding",
							   shown(twice));
	builder->tokens = NULL;
	return true;
}
