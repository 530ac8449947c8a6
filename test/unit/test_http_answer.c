/*
 * test_http_answer.c
 *		What is kept of an answer as its bytes arrive, and at which size it is
 *		given up.
 */
#include "postgres.h"

#include <stdlib.h>
#include <time.h>

#include "http/http_answer.h"

#include "check.h"

static const HttpSink no_sink;

static bool
add_line(HttpAnswer *answer, const char *line)
{
	return inf_http_add_header_line(answer, line, strlen(line));
}

static void
test_headers(void)
{
	HttpAnswer	answer;
	const HttpResponse *response = &answer.response;

	inf_http_init_answer(&answer, 100, &no_sink);
	CHECK_INT(response->outcome, HTTP_PENDING);
	CHECK_INT(response->retry_after_ms, -1);
	CHECK_INT(response->ratelimit_reset_ms, -1);
	CHECK_STR(response->content_type, "");

	CHECK(add_line(&answer, "HTTP/1.1 429 Too Many\r\n"));
	CHECK(add_line(&answer, "CONTENT-type:  application/json; charset=utf-8 \r\n"));
	CHECK(add_line(&answer, "retry-after:2\r\n"));
	CHECK(add_line(&answer, "X-RateLimit-Reset-Requests: 6m0s\r\n"));
	CHECK(add_line(&answer, "x-ratelimit-reset-tokens: 510ms\r\n"));
	CHECK(add_line(&answer, "x-ratelimit-reset-: 7h\r\n"));
	CHECK(add_line(&answer, "x-ratelimit-reset: 99h\r\n"));
	CHECK(add_line(&answer, "no colon\r\n"));
	CHECK(!answer.has_whole_headers);
	CHECK(add_line(&answer, "\r\n"));
	CHECK(answer.has_whole_headers);
	CHECK_STR(response->content_type, "application/json; charset=utf-8");
	CHECK_INT(response->retry_after_ms, 2000);
	CHECK_INT(response->ratelimit_reset_ms, 360000);
	CHECK(response->body == NULL);
}

static void
test_interim_answers(void)
{
	HttpAnswer	answer;

	inf_http_init_answer(&answer, 100, &no_sink);
	add_line(&answer, "HTTP/1.1 103 Early Hints\r\n");
	add_line(&answer, "Retry-After: 5\r\n");
	add_line(&answer, "Content-Type: text/x\r\n");
	add_line(&answer, "\r\n");
	inf_http_add_body(&answer, "junk", 4);
	add_line(&answer, "HTTP/2 200\r\n");
	CHECK_INT(answer.response.retry_after_ms, -1);
	CHECK_STR(answer.response.content_type, "");
	CHECK(answer.response.body == NULL);
	CHECK_INT(answer.response.body_bytes, 0);
	CHECK(!answer.has_whole_headers);
	inf_http_drop_body(&answer);
}

static int64
retry_after(const char *value)
{
	HttpAnswer	answer;
	char		line[1000];

	inf_http_init_answer(&answer, 100, &no_sink);
	snprintf(line, sizeof(line), "Retry-After: %s\r\n", value);
	add_line(&answer, line);
	return answer.response.retry_after_ms;
}

static void
test_retry_after(void)
{
	char		date[100];
	time_t		later = time(NULL) + 100;
	int64		wait_ms;

	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&later));
	wait_ms = retry_after(date);
	CHECK(wait_ms > 90000 && wait_ms <= 100000);
	CHECK_INT(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), 0);
	CHECK_INT(retry_after("0"), 0);
	CHECK_INT(retry_after("1.5"), 1500);
	CHECK_INT(retry_after("-5"), -1);
	CHECK_INT(retry_after("soon"), -1);
	CHECK_INT(retry_after(""), -1);
}

static void
test_body(void)
{
	HttpAnswer	answer;
	char	   *bytes = calloc(1, 100000);
	int			i;

	inf_http_init_answer(&answer, 100000, &no_sink);
	CHECK(inf_http_add_body(&answer, "", 0));
	CHECK(answer.response.body == NULL);
	for (i = 0; i < 1000; i++)
		inf_http_add_body(&answer, "0123456789abcdefghij", 20);
	CHECK_INT(answer.response.body_bytes, 20000);
	CHECK_INT(strlen(answer.response.body), 20000);
	CHECK(strcmp(answer.response.body + 19980, "0123456789abcdefghij") == 0);

	/* exactly the limit, then a byte more */
	CHECK(inf_http_add_body(&answer, bytes, 80000));
	CHECK_INT(answer.response.body_bytes, 100000);
	CHECK(!inf_http_add_body(&answer, bytes, 1));
	CHECK_INT(answer.fault, HTTP_ANSWER_BODY_TOO_LARGE);
	inf_http_drop_body(&answer);
	CHECK(answer.response.body == NULL);

	inf_http_init_answer(&answer, 0, &no_sink);
	CHECK(!inf_http_add_body(&answer, bytes, 1));
	free(bytes);
}

static void
test_header_flood(void)
{
	HttpAnswer	answer;
	char		line[1025];
	int			nlines = 0;

	memset(line, 'x', 1024);
	line[10] = ':';
	line[1024] = '\0';
	inf_http_init_answer(&answer, 100, &no_sink);
	while (nlines < 1000 && add_line(&answer, line))
		nlines++;
	CHECK_INT(nlines, 300);
	CHECK_INT(answer.fault, HTTP_ANSWER_HEADERS_TOO_LARGE);
}

static void
test_printable(void)
{
	HttpAnswer	answer;
	char		out[8];

	inf_http_copy_printable(out, sizeof(out), "a\n\xff\x7f~ z9", 9);
	CHECK_STR(out, "a???~ z");
	inf_http_copy_printable(out, sizeof(out), "\xc3\xb6\xf6\xc2\x9b\xe6\x9d", 7);
	CHECK_STR(out, "\xc3\xb6?????");
	inf_http_copy_printable(out, sizeof(out), "123456\xc3\xb6", 8);
	CHECK_STR(out, "123456?");
	inf_http_copy_printable(out, sizeof(out), "", 0);
	CHECK_STR(out, "");

	/* longer than content_type has room for, and longer than we look at */
	inf_http_init_answer(&answer, 100, &no_sink);
	add_line(&answer, "Content-Type: "
			 "0123456789012345678901234567890123456789012345678901234567890123456789\r\n");
	CHECK_STR(answer.response.content_type, "");
}

/* What a sink is told: "B" for each beginning, then the bytes. */
static char told[100];

static void
tell_begin(void *state)
{
	strcpy(state, "B");
}

static void
tell_bytes(void *state, const char *bytes, size_t length)
{
	strncat(state, bytes, length);
}

static void
test_sink(void)
{
	HttpSink	sink = {tell_begin, tell_bytes, told};
	HttpAnswer	answer;

	inf_http_init_answer(&answer, 20, &sink);
	CHECK(add_line(&answer, "HTTP/1.1 100 Continue\r\n"));
	CHECK(add_line(&answer, "\r\n"));
	CHECK(add_line(&answer, "HTTP/2 200 \r\n"));
	CHECK(add_line(&answer, "\r\n"));
	CHECK(inf_http_add_body(&answer, "0123456789", 10));
	CHECK(inf_http_add_body(&answer, "abcdefghij", 10));
	CHECK_STR(told, "B0123456789abcdefghij");
	CHECK_STR(answer.response.body, "0123456789abcdefghij");
	CHECK_INT(answer.response.received_bytes, 20);
	CHECK(!inf_http_add_body(&answer, "x", 1));
	inf_http_drop_body(&answer);

	/* an error is no embedding */
	inf_http_init_answer(&answer, 20, &sink);
	CHECK(add_line(&answer, "HTTP/1.1 404 Not Found\r\n"));
	CHECK(inf_http_add_body(&answer, "words", 5));
	CHECK_STR(told, "B");
	CHECK_STR(answer.response.body, "words");
	inf_http_drop_body(&answer);

	/* of a long body, the beginning is kept */
	inf_http_init_answer(&answer, 10000, &no_sink);
	answer.sink.take = tell_bytes;
	answer.sink.state = told;
	CHECK(add_line(&answer, "HTTP/1.1 200 OK\r\n"));
	for (int i = 0; i < 900; i++)
	{
		told[0] = '\0';
		(void) inf_http_add_body(&answer, "0123456789", 10);
	}
	CHECK_INT(answer.response.body_bytes, 4096);
	CHECK_INT(answer.response.received_bytes, 9000);
	inf_http_drop_body(&answer);
}

/* Whether an answer of these headers and this raw body ended cleanly. */
static bool
ends_cleanly(const char *header, const char *raw, const char *body)
{
	HttpAnswer	answer;
	bool		is_clean;

	inf_http_init_answer(&answer, 100, &no_sink);
	(void) add_line(&answer, "HTTP/1.1 103 Early Hints\r\n");
	(void) add_line(&answer, "Transfer-Encoding: chunked\r\n");
	(void) add_line(&answer, "\r\n");
	(void) add_line(&answer, "HTTP/1.1 200 OK\r\n");
	(void) add_line(&answer, header);
	(void) add_line(&answer, "\r\n");
	inf_http_add_raw_body(&answer, raw, strlen(raw));
	(void) inf_http_add_body(&answer, body, strlen(body));
	is_clean = inf_http_ended_cleanly(&answer);
	inf_http_drop_body(&answer);
	return is_clean;
}

static void
test_ends(void)
{
	HttpAnswer	answer;

	CHECK(ends_cleanly("Content-Length: 5\r\n", "hello", "hello"));
	CHECK(ends_cleanly("transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"));
	CHECK(!ends_cleanly("transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\nH", "hello"));
	CHECK(!ends_cleanly("transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n", "hello"));
	CHECK(!ends_cleanly("transfer-encoding: chunked\r\n", "", "hello"));
	CHECK(!ends_cleanly("Content-Length: 0\r\n", "", ""));
	CHECK(!ends_cleanly("X-Other: 1\r\n", "hello", "hello"));

	/* two headers that may say different things */
	inf_http_init_answer(&answer, 100, &no_sink);
	(void) add_line(&answer, "HTTP/1.1 200 OK\r\n");
	(void) add_line(&answer, "Content-Length: 5\r\n");
	CHECK(inf_http_add_body(&answer, "hello", 5));
	CHECK(inf_http_ended_cleanly(&answer));
	(void) add_line(&answer, "Content-Length: 50\r\n");
	CHECK(!inf_http_ended_cleanly(&answer));
	inf_http_drop_body(&answer);
}

int
main(void)
{
	test_ends();
	test_headers();
	test_interim_answers();
	test_retry_after();
	test_body();
	test_header_flood();
	test_printable();
	test_sink();
	return check_done();
}
