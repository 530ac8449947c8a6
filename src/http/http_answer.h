/*
 * http_answer.h
 *		Gathers an answer as its bytes arrive.  Called from within libcurl:
 *		nothing here throws, and memory is malloc's.
 */
#ifndef INFERENCE_HTTP_HTTP_ANSWER_H
#define INFERENCE_HTTP_HTTP_ANSWER_H

#include "http/http_chunked.h"
#include "http/http_request.h"

/* Why gathering stopped. */
typedef enum HttpAnswerFault
{
	HTTP_ANSWER_FINE,
	HTTP_ANSWER_BODY_TOO_LARGE,
	HTTP_ANSWER_HEADERS_TOO_LARGE,
	HTTP_ANSWER_UNASKED,		/* it came before the request */
	HTTP_ANSWER_OUT_OF_MEMORY
} HttpAnswerFault;

typedef struct HttpAnswer
{
	/* What has been gathered */
	HttpResponse response;
	bool		has_whole_headers;	/* the empty line has been seen */
	HttpAnswerFault fault;

	/* Where the body of a good answer goes */
	HttpSink	sink;
	int			status;			/* of the answer that is being gathered */

	/* How its end is told, on a connection of HTTP/1 */
	int			nframings;		/* headers that say it */
	bool		is_chunked;		/* one of them: in chunks */
	HttpChunked chunked;		/* where it is in them */

	/* Limits and room */
	size_t		max_body_bytes;
	size_t		room_bytes;		/* of response.body, terminator included */
	size_t		header_bytes;	/* seen, of all header lines */
} HttpAnswer;

extern void inf_http_init_answer(HttpAnswer *answer, size_t max_body_bytes,
								 const HttpSink *sink);

/*
 * Takes in a status line, a header or the empty line, as they stand on the
 * wire; a status line begins a new answer.  False: see fault.
 */
extern bool inf_http_add_header_line(HttpAnswer *answer, const char *line,
									 size_t length);

/* Takes in a piece of the body.  False: see fault. */
extern bool inf_http_add_body(HttpAnswer *answer, const char *bytes,
							  size_t length);

/* Takes in a piece of the body as it travels, before chunks are taken apart. */
extern void inf_http_add_raw_body(HttpAnswer *answer, const char *bytes,
								  size_t length);

/*
 * Whether a whole answer's end was where its headers say, as far as can be
 * told, and only that was read: what a connection of HTTP/1 brings next is
 * then the next answer.
 */
extern bool inf_http_ended_cleanly(const HttpAnswer *answer);

/* Frees the body. */
extern void inf_http_drop_body(HttpAnswer *answer);

/*
 * Copies text as far as it fits.  What is not printable, or no UTF-8, becomes
 * "?": peers and libraries write what they like.
 */
extern void inf_http_copy_printable(char *out, size_t out_bytes,
									const char *text, size_t length);

#endif							/* INFERENCE_HTTP_HTTP_ANSWER_H */
