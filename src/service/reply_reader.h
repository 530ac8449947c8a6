/*
 * reply_reader.h
 *		Embeddings out of an answer, as its bytes arrive.
 *
 * A service says in a table where its answers hold what; the reader does the
 * rest.  Vectors are decoded straight into arrays of SQL; no tree of the answer
 * is made, nor is its body kept.
 *
 * What is called while bytes arrive (inf_reply_begin, inf_reply_take) runs
 * inside of libcurl and throws nothing.
 */
#ifndef INFERENCE_SERVICE_REPLY_READER_H
#define INFERENCE_SERVICE_REPLY_READER_H

#include "base/types.h"
#include "http/http_request.h"

/* Names of members; NULL where a service has no such. */
typedef struct ReplyShape
{
	const char *list;			/* of the answer: the list of results */
	bool		may_be_bare;	/* the answer may also be that list itself */
	const char *embedding;		/* of a result; NULL: the result is it */
	const char *index;			/* of a result: which input it belongs to */
	const char *truncated;		/* of a result: whether the text was cut */
	const char *usage;			/* of the answer: an object with tokens; NULL: the
								 * answer itself has them */
	const char *tokens;			/* the number of tokens that were counted */

	/* Another that the answer may have; the name of its list tells.  Or NULL. */
	const struct ReplyShape *otherwise;
} ReplyShape;

typedef struct ReplyReader ReplyReader;

/*
 * A reader for the answer to call, in the current memory context, where the
 * embeddings go too.  results has one for each input.
 */
extern ReplyReader *inf_reply_create(const InferenceCall *call,
									 const ReplyShape *shape,
									 InferenceEmbedding *results);

/* For HttpRequest.sink: an answer begins, or another in its place. */
extern void inf_reply_begin(void *reader);

/* Takes a piece of the body. */
extern void inf_reply_take(void *reader, const char *bytes, size_t length);

/*
 * After the last piece: whether results hold one embedding for each input, in
 * their order.  If not, fault says why, and of which input, if all but one are
 * good and the answer is whole.
 */
extern bool inf_reply_finish(ReplyReader *reader, InferenceFault *fault);

/* Tokens that the service says it counted; 0: it does not say. */
extern int64 inf_reply_tokens(const ReplyReader *reader);

extern void inf_reply_free(ReplyReader *reader);

#endif							/* INFERENCE_SERVICE_REPLY_READER_H */
