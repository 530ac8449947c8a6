/*
 * test_http_chunked.c
 *		Where a body in chunks ends, in whatever pieces it arrives.
 */
#include "postgres.h"

#include "http/http_chunked.h"

#include "check.h"

/* The state after all of the text, in pieces of so many bytes. */
static HttpChunkedState
scan(const char *text, size_t piece)
{
	HttpChunked chunked = {0};
	size_t		length = strlen(text);

	for (size_t i = 0; i < length; i += piece)
		inf_http_scan_chunked(&chunked, text + i, Min(piece, length - i));
	return chunked.state;
}

/* The same in any pieces? */
static bool
is_always(const char *text, HttpChunkedState state)
{
	for (size_t piece = 1; piece <= strlen(text); piece++)
		if (scan(text, piece) != state)
			return false;
	return true;
}

int
main(void)
{
	/* whole bodies */
	CHECK(is_always("5\r\nhello\r\n0\r\n\r\n", HTTP_CHUNKED_END));
	CHECK(is_always("5\r\nhello\r\n1\r\n!\r\n000\r\n\r\n", HTTP_CHUNKED_END));
	CHECK(is_always("00A;name=value\r\n0123456789\r\n0\r\n\r\n", HTTP_CHUNKED_END));
	CHECK(is_always("a\n0123456789\n0\n\n", HTTP_CHUNKED_END));
	CHECK(is_always("0\r\n\r\n", HTTP_CHUNKED_END));
	CHECK(is_always("1\r\nx\r\n0\r\nX-Trailer: 1\r\nAnother: 2\r\n\r\n", HTTP_CHUNKED_END));

	/* data that looks like an end is data */
	CHECK(is_always("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", HTTP_CHUNKED_END));

	/* not yet whole */
	CHECK(is_always("5\r\nhell", HTTP_CHUNKED_DATA));
	CHECK(is_always("5\r\nhello\r\n0\r\n", HTTP_CHUNKED_TRAILER));
	CHECK(is_always("5\r\nhello\r\n0\r\nX-Trailer: 1\r\n", HTTP_CHUNKED_TRAILER));
	CHECK(is_always("5\r\nhello\r\n", HTTP_CHUNKED_SIZE));

	/* something follows */
	CHECK(is_always("0\r\n\r\nH", HTTP_CHUNKED_BEYOND));
	CHECK(is_always("0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", HTTP_CHUNKED_BEYOND));
	CHECK(is_always("0\r\n\r\n\r\n", HTTP_CHUNKED_BEYOND));

	/* no chunks, or sizes that nobody has */
	CHECK(is_always("1\r\nxy\r\n", HTTP_CHUNKED_BEYOND));
	CHECK(is_always("fffffffffffffffff\r\n", HTTP_CHUNKED_BEYOND));
	CHECK_INT(scan("100000000000000\r\n", 3), HTTP_CHUNKED_DATA);
	return check_done();
}
