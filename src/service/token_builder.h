/*
 * token_builder.h
 *		A sparse vector in the making: tokens and their weights.
 *
 * Called from inside of libcurl: nothing throws.
 */
#ifndef INFERENCE_SERVICE_TOKEN_BUILDER_H
#define INFERENCE_SERVICE_TOKEN_BUILDER_H

#include "base/types.h"
#include "service/reply_fault.h"

typedef struct TokenBuilder
{
	MemoryContext context;
	InferenceToken *tokens;		/* (room) */
	int			ntokens;		/* whose weights are set, too */
	int			room;
	bool		is_bad;			/* fault says why: the first there was */
	char		fault[INF_REPLY_FAULT_BYTES];
} TokenBuilder;

extern void inf_token_init(TokenBuilder *builder);

/*
 * Begins a vector; adds a token to it, text being of length bytes with a NUL
 * behind them.  False, with fault: out of memory.
 */
extern bool inf_token_begin(TokenBuilder *builder);
extern bool inf_token_add(TokenBuilder *builder, const char *text, size_t length);

/* The weight of the token that was added last, if it is a number. */
extern void inf_token_set_weight(TokenBuilder *builder, bool is_number,
								 float weight);

/* The vector is bad, for another reason than its tokens. */
extern void inf_token_spoil(TokenBuilder *builder, const char *format,...) pg_attribute_printf(2, 3);

/* Gives the tokens to embedding; false, with fault, if the vector is bad. */
extern bool inf_token_finish(TokenBuilder *builder, InferenceEmbedding *embedding);

#endif							/* INFERENCE_SERVICE_TOKEN_BUILDER_H */
