/*
 * http_answer.c
 *		Gathers an answer as its bytes arrive.
 *
 * Of the headers, only those that somebody reads are kept, so that their
 * number cannot cost memory; their size is limited all the same, since a peer
 * that never ends its headers would keep us reading until the timeout.
 */
#include "postgres.h"

#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "base/utf8.h"
#include "http/http_answer.h"
#include "http/http_retry.h"

/*
 * All header lines of an answer and of the interim answers before it.  The
 * limit of libcurl since 8.3; real answers have one or two kB.
 */
#define MAX_HEADER_BYTES (300 * 1024)

/*
 * Longest header value that is looked at.  Dates and durations have 30 bytes,
 * media types with parameters seldom more.
 */
#define MAX_VALUE_BYTES 128

/* Followed by what is limited: requests, tokens, input-tokens, ... */
#define RESET_PREFIX "x-ratelimit-reset-"

/* What is kept of a body that goes to a sink: enough for an error message. */
#define MAX_KEPT_BYTES 4096

/* First allocation: most single embeddings in one piece (1024 floats). */
#define FIRST_ROOM_BYTES (16 * 1024)

static void begin_answer(HttpAnswer *answer);
static int	parse_status(const char *line, size_t length);
static bool split_header(const char *line, size_t length, size_t *name_length,
						 char value[MAX_VALUE_BYTES]);
static bool is_named(const char *line, size_t name_length, const char *name);
static int64 parse_retry_after_ms(const char *value);
static bool make_room(HttpAnswer *answer, size_t needed_bytes);

void
inf_http_init_answer(HttpAnswer *answer, size_t max_body_bytes,
					 const HttpSink *sink)
{
	memset(answer, 0, sizeof(*answer));
	answer->max_body_bytes = max_body_bytes;
	answer->sink = *sink;
	answer->response.outcome = HTTP_PENDING;
	begin_answer(answer);
}

bool
inf_http_add_header_line(HttpAnswer *answer, const char *line, size_t length)
{
	HttpResponse *response = &answer->response;
	char		value[MAX_VALUE_BYTES];
	size_t		name_length;

	answer->header_bytes += length;
	if (answer->header_bytes > MAX_HEADER_BYTES)
	{
		answer->fault = HTTP_ANSWER_HEADERS_TOO_LARGE;
		return false;
	}

	if (length >= 5 && strncasecmp(line, "HTTP/", 5) == 0)
	{
		begin_answer(answer);
		answer->status = parse_status(line, length);
	}
	else if (length == 0 || line[0] == '\r' || line[0] == '\n')
		answer->has_whole_headers = true;
	else if (!split_header(line, length, &name_length, value))
		return true;			/* not for us to complain about */
	else if (is_named(line, name_length, "content-length"))
		answer->nframings++;
	else if (is_named(line, name_length, "transfer-encoding"))
	{
		answer->nframings++;
		answer->is_chunked = true;
	}
	else if (is_named(line, name_length, "content-type"))
		inf_http_copy_printable(response->content_type,
								sizeof(response->content_type),
								value, strlen(value) < sizeof(response->content_type) ?
								strlen(value) : 0); /* a part might be one of a key */
	else if (is_named(line, name_length, "retry-after"))
		response->retry_after_ms = parse_retry_after_ms(value);
	else if (name_length > strlen(RESET_PREFIX) &&
			 strncasecmp(line, RESET_PREFIX, strlen(RESET_PREFIX)) == 0)
		response->ratelimit_reset_ms = Max(response->ratelimit_reset_ms,
										   inf_http_parse_reset_ms(value));
	return true;
}

bool
inf_http_add_body(HttpAnswer *answer, const char *bytes, size_t length)
{
	HttpResponse *response = &answer->response;

	if (length > answer->max_body_bytes - response->received_bytes)
	{
		answer->fault = HTTP_ANSWER_BODY_TOO_LARGE;
		return false;
	}
	response->received_bytes += length;
	if (answer->sink.take != NULL && answer->status / 100 == 2)
	{
		answer->sink.take(answer->sink.state, bytes, length);
		length = Min(length, MAX_KEPT_BYTES - response->body_bytes);
	}
	if (length == 0)
		return true;
	if (!make_room(answer, response->body_bytes + length + 1))
	{
		answer->fault = HTTP_ANSWER_OUT_OF_MEMORY;
		return false;
	}
	memcpy(response->body + response->body_bytes, bytes, length);
	response->body_bytes += length;
	response->body[response->body_bytes] = '\0';
	return true;
}

void
inf_http_add_raw_body(HttpAnswer *answer, const char *bytes, size_t length)
{
	if (answer->is_chunked)
		inf_http_scan_chunked(&answer->chunked, bytes, length);
}

/*
 * libcurl itself gives a connection up that brought more than Content-Length
 * said, but not if that was zero, or the status has no body; nor does it mind
 * what comes behind the last chunk.
 */
bool
inf_http_ended_cleanly(const HttpAnswer *answer)
{
	return answer->response.received_bytes > 0 && answer->nframings == 1 &&
		(!answer->is_chunked || answer->chunked.state == HTTP_CHUNKED_END);
}

void
inf_http_drop_body(HttpAnswer *answer)
{
	free(answer->response.body);
	answer->response.body = NULL;
	answer->response.body_bytes = 0;
	answer->room_bytes = 0;
}

/* Whether a character of so many bytes (0: it is none) is no control character. */
static bool
is_printable(const unsigned char *s, int size)
{
	if (size == 1)
		return *s >= ' ' && *s <= '~';

	/* U+0080 to U+009F move the cursor of some terminals. */
	return size > 1 && !(s[0] == 0xc2 && s[1] < 0xa0);
}

void
inf_http_copy_printable(char *out, size_t out_bytes, const char *text,
						size_t length)
{
	const unsigned char *s = (const unsigned char *) text;
	const unsigned char *end = s + Min(length, out_bytes - 1);

	while (s < end)
	{
		int			size = *s < 0x80 ? 1 : inf_utf8_length(s, end);

		if (is_printable(s, size))
			memcpy(out, s, size);
		else
			memset(out, '?', size = 1);
		out += size;
		s += size;
	}
	*out = '\0';
}

/* What came before was an interim answer, or a proxy's. */
static void
begin_answer(HttpAnswer *answer)
{
	HttpResponse *response = &answer->response;

	inf_http_drop_body(answer);
	response->received_bytes = 0;
	if (answer->sink.begin != NULL)
		answer->sink.begin(answer->sink.state);
	response->content_type[0] = '\0';
	response->retry_after_ms = -1;
	response->ratelimit_reset_ms = -1;
	answer->has_whole_headers = false;
	answer->nframings = 0;
	answer->is_chunked = false;
	memset(&answer->chunked, 0, sizeof(answer->chunked));
}

/* The code in "HTTP/1.1 200 OK"; 0: there is none. */
static int
parse_status(const char *line, size_t length)
{
	const char *blank = memchr(line, ' ', length);

	if (blank == NULL || line + length - blank < 4)
		return 0;
	return (blank[1] - '0') * 100 + (blank[2] - '0') * 10 + (blank[3] - '0');
}

/*
 * Finds the name's end and copies the value without the blanks around it.
 * False if there is no colon or the value is longer than any we read.
 */
static bool
split_header(const char *line, size_t length, size_t *name_length,
			 char value[MAX_VALUE_BYTES])
{
	static const char blanks[] = {' ', '\t', '\r', '\n'};
	const char *colon = memchr(line, ':', length);
	const char *begin;
	const char *end = line + length;

	if (colon == NULL)
		return false;
	*name_length = colon - line;
	begin = colon + 1;
	while (begin < end && memchr(blanks, *begin, sizeof(blanks)) != NULL)
		begin++;
	while (begin < end && memchr(blanks, end[-1], sizeof(blanks)) != NULL)
		end--;
	if (end - begin >= MAX_VALUE_BYTES)
		return false;
	memcpy(value, begin, end - begin);
	value[end - begin] = '\0';
	return true;
}

static bool
is_named(const char *line, size_t name_length, const char *name)
{
	return strlen(name) == name_length &&
		strncasecmp(line, name, name_length) == 0;
}

/* Seconds, or a date; one that has passed means now.  -1: neither. */
static int64
parse_retry_after_ms(const char *value)
{
	int64		wait_ms = inf_http_parse_reset_ms(value);
	time_t		date;

	if (wait_ms >= 0)
		return wait_ms;
	date = curl_getdate(value, NULL);
	if (date == (time_t) -1)
		return -1;
	wait_ms = ((int64) date - (int64) time(NULL)) * 1000;
	return Max(wait_ms, 0);
}

/* Doubles the room, so that a body of n bytes is copied at most twice. */
static bool
make_room(HttpAnswer *answer, size_t needed_bytes)
{
	size_t		room_bytes = Max(answer->room_bytes, FIRST_ROOM_BYTES);
	char	   *body;

	if (needed_bytes <= answer->room_bytes)
		return true;
	while (room_bytes < needed_bytes)
		room_bytes *= 2;
	body = realloc(answer->response.body, room_bytes);
	if (body == NULL)
		return false;
	answer->response.body = body;
	answer->room_bytes = room_bytes;
	return true;
}
