/*
 * http_chunked.c
 *		Where a body in chunks ends.
 */
#include "postgres.h"

#include "base/hex.h"
#include "http/http_chunked.h"

/* A size beyond this is nobody's; no shift of it overflows. */
#define MAX_CHUNK_BYTES (UINT64CONST(1) << 56)

static HttpChunkedState
take_size_byte(HttpChunked *chunked, char c)
{
	int			digit = inf_hex_digit(c);

	if (chunked->state == HTTP_CHUNKED_SIZE && digit >= 0)
	{
		chunked->left = chunked->left * 16 + digit;
		return chunked->left <= MAX_CHUNK_BYTES ? HTTP_CHUNKED_SIZE :
			HTTP_CHUNKED_BEYOND;
	}
	if (c != '\n')
		return HTTP_CHUNKED_SIZE_LINE;
	return chunked->left > 0 ? HTTP_CHUNKED_DATA : HTTP_CHUNKED_TRAILER;
}

/* The state after a byte that is none of a chunk's data. */
static HttpChunkedState
take_byte(HttpChunked *chunked, char c)
{
	switch (chunked->state)
	{
		case HTTP_CHUNKED_SIZE:
		case HTTP_CHUNKED_SIZE_LINE:
			return take_size_byte(chunked, c);
		case HTTP_CHUNKED_DATA_LINE:
			return c == '\n' ? HTTP_CHUNKED_SIZE :
				c == '\r' ? HTTP_CHUNKED_DATA_LINE : HTTP_CHUNKED_BEYOND;
		case HTTP_CHUNKED_TRAILER:
			return c == '\n' ? HTTP_CHUNKED_END :
				c == '\r' ? HTTP_CHUNKED_TRAILER : HTTP_CHUNKED_TRAILER_LINE;
		case HTTP_CHUNKED_TRAILER_LINE:
			return c == '\n' ? HTTP_CHUNKED_TRAILER : HTTP_CHUNKED_TRAILER_LINE;
		default:
			return HTTP_CHUNKED_BEYOND;
	}
}

void
inf_http_scan_chunked(HttpChunked *chunked, const char *bytes, size_t length)
{
	const char *end = bytes + length;

	while (bytes < end && chunked->state != HTTP_CHUNKED_BEYOND)
	{
		uint64		piece = Min(chunked->left, (uint64) (end - bytes));

		if (chunked->state != HTTP_CHUNKED_DATA)
		{
			chunked->state = take_byte(chunked, *bytes++);
			continue;
		}
		bytes += piece;
		chunked->left -= piece;
		if (chunked->left == 0)
			chunked->state = HTTP_CHUNKED_DATA_LINE;
	}
}
