/*
 * http_chunked.h
 *		Where a body in chunks ends, for who must know whether bytes follow it.
 *
 * libcurl takes the chunks apart, and drops what follows them in a read without
 * a word.  Plain C: no allocation, nothing throws.
 */
#ifndef INFERENCE_HTTP_HTTP_CHUNKED_H
#define INFERENCE_HTTP_HTTP_CHUNKED_H

#include "postgres.h"

typedef enum HttpChunkedState
{
	HTTP_CHUNKED_SIZE,			/* in the digits of a chunk's size */
	HTTP_CHUNKED_SIZE_LINE,		/* in the rest of that line */
	HTTP_CHUNKED_DATA,
	HTTP_CHUNKED_DATA_LINE,		/* in the line end after them */
	HTTP_CHUNKED_TRAILER,		/* at the begin of a line behind the last chunk */
	HTTP_CHUNKED_TRAILER_LINE,	/* in such a line */
	HTTP_CHUNKED_END,
	HTTP_CHUNKED_BEYOND			/* bytes have followed, or it is no such body */
} HttpChunkedState;

/* All zero before the first piece. */
typedef struct HttpChunked
{
	HttpChunkedState state;
	uint64		left;			/* bytes of the chunk that are still to come */
} HttpChunked;

/* Takes in a piece of the body as it travels. */
extern void inf_http_scan_chunked(HttpChunked *chunked, const char *bytes,
								  size_t length);

#endif							/* INFERENCE_HTTP_HTTP_CHUNKED_H */
