/*
 * test_json_stream.c
 *		JSON in pieces: the events, and what is refused.
 */
#include "json/json_stream.h"

#include <math.h>
#include <stdlib.h>

#include "json/json_scan.h"

#include "check.h"

/* Events written down: "{k:a [ 1 s:x ] }" and so on. */
typedef struct Log
{
	JsonStream	stream;
	JsonFloats	floats;
	char		text[4000];
	bool		wants_floats;	/* of every member */
} Log;

static bool
grow(JsonFloats *floats, int n)
{
	if (n > 1000)
		return false;
	floats->values = realloc(floats->values, n * sizeof(float));
	floats->capacity = n;
	return floats->values != NULL;
}

static bool
take(void *arg, JsonEvent event, const char *text, size_t length)
{
	static const char *const names[] = {
		"null", "true", "false", "n:", "s:", "k:", "[", "]", "{", "}", "f:"
	};
	Log		   *log = arg;
	char	   *end = log->text + strlen(log->text);
	bool		has_text = event == JSON_EVENT_NUMBER || event == JSON_EVENT_STRING ||
		event == JSON_EVENT_KEY;

	end += sprintf(end, "%s%s ", names[event],
				   has_text && length <= INF_JSON_MAX_TEXT ? text : "");
	if (event == JSON_EVENT_FLOATS && log->stream.bad_base64 != NULL)
		end += sprintf(end, "bad base64 ");
	else if (event == JSON_EVENT_FLOATS && log->stream.bad_element >= 0)
		end += sprintf(end, "bad %d: %s ", log->stream.bad_element,
					   names[log->stream.bad_event]);
	else if (event == JSON_EVENT_FLOATS)
		for (int i = 0; i < log->floats.n; i++)
			end += sprintf(end, "%g ", log->floats.values[i]);
	if (event == JSON_EVENT_KEY && log->wants_floats)
	{
		log->floats.n = 0;
		log->stream.floats = &log->floats;
	}
	return event != JSON_EVENT_STRING || strcmp(text, "stop") != 0;
}

/* Whether the last document was read to its end. */
static bool was_read;

/* Reads json in pieces of n bytes; the log, or what is wrong. */
static const char *
read_in(const char *json, size_t length, size_t n, bool wants_floats)
{
	static Log	log;
	bool		is_read = true;

	free(log.floats.values);
	memset(&log, 0, sizeof(log));
	log.floats.grow = grow;
	log.wants_floats = wants_floats;
	inf_json_stream_init(&log.stream, take, &log);
	for (size_t i = 0; i < length && is_read; i += n)
	{
		size_t		piece = length - i < n ? length - i : n;
		char	   *copy = malloc(piece);	/* so that a byte too far shows */

		memcpy(copy, json + i, piece);
		is_read = inf_json_stream_feed(&log.stream, copy, piece);
		free(copy);
	}
	was_read = is_read && inf_json_stream_end(&log.stream);
	if (was_read)
		return log.text;
	if (log.stream.fault != NULL)
		return log.stream.fault;
	return log.text;
}

/* The same whatever the pieces are. */
static const char *
read_any(const char *json, bool wants_floats)
{
	static char whole[4000];
	size_t		length = strlen(json);

	strcpy(whole, read_in(json, length, length + 1, wants_floats));
	for (size_t n = 1; n <= length; n++)
		if (strcmp(read_in(json, length, n, wants_floats), whole) != 0)
			return "pieces differ";
	return whole;
}

static const char *
events(const char *json)
{
	return read_any(json, false);
}

static const char *
floats(const char *value)
{
	char		json[2000];

	sprintf(json, "{\"a\":%s}", value);
	return read_any(json, true);
}

/*
 * Random documents, half of them damaged: json_scan.c, which reads another way,
 * takes the same ones, and pieces make no difference.
 */
static int
count_disagreements(int n)
{
	static const char *const parts[] = {
		"{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u00e9\"", "1", "-2.5e3",
		"true", "null", " ", "\"\\ud83d\\ude00\"", "\"\303\251\"", "\"", "\\",
		"NaN", "01", "\"\355\240\200\"", "\"\\u0000\"", "0", "e", "."
	};
	unsigned	state = 12345;
	int			nwrong = 0;

	for (int i = 0; i < n; i++)
	{
		char		json[400] = "";
		size_t		nmembers;
		bool		is_scanned;
		char		whole[4000];
		int			nparts;

		state = state * 1103515245 + 12345;
		nparts = 1 + (state >> 16) % 12;
		for (int j = 0; j < nparts; j++)
		{
			state = state * 1103515245 + 12345;
			strcat(json, parts[(state >> 16) % (sizeof(parts) / sizeof(parts[0]))]);
		}
		is_scanned = inf_json_scan(json, strlen(json), 32, &nmembers) == NULL;
		strcpy(whole, read_in(json, strlen(json), 1000, i % 2));
		for (size_t piece = 1; piece <= 5; piece++)
			nwrong += strcmp(whole, read_in(json, strlen(json), piece, i % 2)) != 0;
				/* A bad number is valid JSON, but ends the reading. */
		nwrong += i % 2 == 0 && was_read != is_scanned;
		nwrong += was_read && !is_scanned;
	}
	return nwrong;
}

int
main(void)
{
	char		deep[100] = "";

	CHECK_STR(events("null"), "null ");
	CHECK_STR(events(" 12 "), "n:12 ");
	CHECK_STR(events("\"x\""), "s:x ");
	CHECK_STR(events("\xef\xbb\xbf[1]"), "[ n:1 ] ");
	CHECK_STR(events("\xef\xbb\xbf"), "it ends too early");
	CHECK_STR(events("\xef\xbb[1]"), "unexpected character");
	CHECK_STR(events("\xef[1]"), "unexpected character");
	CHECK_STR(events(" \xef\xbb\xbf[1]"), "unexpected character");
	CHECK_STR(events("\xef\xbb\xbf\xef\xbb\xbf[1]"), "unexpected character");
	CHECK_STR(events("[]"), "[ ] ");
	CHECK_STR(events("{}"), "{ } ");
	CHECK_STR(events("[1,-2.5e+3,true,false,null,\"x\",[],{}]"),
			  "[ n:1 n:-2.5e+3 true false null s:x [ ] { } ] ");
	CHECK_STR(events("{\"a\" : [ {\"b\":\n1}\t], \"c\":{}}\r\n"),
			  "{ k:a [ { k:b n:1 } ] k:c { } } ");
	CHECK_STR(events("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), "[ s:\"\\/\b\f\n\r\t ] ");
	CHECK_STR(events("[\"\\u00e9\\u20ac\\ud83d\\ude00\\u0041\"]"),
			  "[ s:\303\251\342\202\254\360\237\230\200A ] ");
	CHECK_STR(events("[\"\303\251\342\202\254\360\237\230\200\"]"),
			  "[ s:\303\251\342\202\254\360\237\230\200 ] ");
	CHECK_STR(events("[\"stop\", 1]"), "[ s:stop ");

	CHECK_STR(events(""), "it ends too early");
	CHECK_STR(events("["), "it ends too early");
	CHECK_STR(events("{\"a\":"), "it ends too early");
	CHECK_STR(events("[\"a"), "it ends inside a string");
	CHECK_STR(events("[\"a\\"), "it ends inside a string");
	CHECK_STR(events("[1 2]"), "a comma is missing");
	CHECK_STR(events("[1,]"), "unexpected character");
	CHECK_STR(events("[,1]"), "unexpected character");
	CHECK_STR(events("<html>"), "unexpected character");
	CHECK_STR(events("{1:2}"), "the name of a member is missing");
	CHECK_STR(events("{\"a\":1,}"), "the name of a member is missing");
	CHECK_STR(events("{\"a\" 1}"), "a colon is missing");
	CHECK_STR(events("[1}"), "a bracket does not match");
	CHECK_STR(events("{\"a\":1]"), "a bracket does not match");
	CHECK_STR(events("1 2"), "something follows its end");
	CHECK_STR(events("[1]]"), "something follows its end");
	CHECK_STR(events("[01]"), "a number is not well formed");
	CHECK_STR(events("[1.]"), "a number is not well formed");
	CHECK_STR(events("[-]"), "a number is not well formed");
	CHECK_STR(events("[1e]"), "a number is not well formed");
	CHECK_STR(events("[NaN]"), "it contains NaN, which is not a JSON number");
	CHECK_STR(events("[-Infinity]"), "it contains Infinity, which is not a JSON number");
	CHECK_STR(events("[truth]"), "it contains a word that is not JSON");
	CHECK_STR(events("[\"a\tb\"]"), "a string contains a control character");
	CHECK_STR(events("[\"\\x\"]"), "a string contains an unknown escape");
	CHECK_STR(events("[\"\\u12g4\"]"), "an escape in a string is not complete");
	CHECK_STR(events("[\"\\u0000\"]"), "a string contains a NUL character");
	CHECK_STR(events("[\"\\ud83d\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(events("[\"\\ud83dx\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(events("[\"\\ud83d\\n\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(events("[\"\\ude00\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(events("[\"\\ud83d\\u0041\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(events("[\"\377\"]"), "a string is not valid UTF-8");
	CHECK_STR(events("[\"\303\"]"), "a string is not valid UTF-8");
	CHECK_STR(events("[\"\340\200\200\"]"), "a string is not valid UTF-8");
	CHECK_STR(events("[\"\355\240\200\"]"), "a string is not valid UTF-8");
	CHECK_STR(events("[\"\364\220\200\200\"]"), "a string is not valid UTF-8");

	memset(deep, '[', 32);
	CHECK_STR(events(deep), "it ends too early");
	memset(deep, '[', 33);
	CHECK_STR(events(deep), "it is nested too deeply");

	CHECK_STR(floats("[]"), "{ k:a f: } ");
	CHECK_STR(floats("[1]"), "{ k:a f: 1 } ");
	CHECK_STR(floats("[0.1, -2.5e-3 ,3]"), "{ k:a f: 0.1 -0.0025 3 } ");
	CHECK_STR(floats("[ 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40 ]"),
			  "{ k:a f: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 } ");
	CHECK_STR(floats("\"AACAPwAAAEA=\""), "{ k:a f: 1 2 } ");
	CHECK_STR(floats("\"AACAPw\""), "{ k:a f: 1 } ");
	CHECK_STR(floats("\"\""), "{ k:a f: } ");
	CHECK_STR(floats("\"\\/\\/\\/\\/\\/w==\""), "{ k:a f: bad 0: f: } ");
	CHECK_STR(floats("\"Pz\\/\\/Pz8\\/Pz4=\""), "{ k:a f: 1.99412 0.186765 } ");
	CHECK_STR(floats("{\"b\": 1}"), "{ k:a { k:b n:1 } } ");
	CHECK_STR(floats("null"), "{ k:a null } ");

	/* What is no vector is read to its end, and what follows it as well. */
	CHECK_STR(floats("[1, null],\"b\":[2]"), "{ k:a f: bad 1: null k:b f: 2 } ");
	CHECK_STR(floats("[true, 1, null, 2]"), "{ k:a f: bad 0: true } ");
	CHECK_STR(floats("[\"x\", \"\\u00e9\\\"]\"],\"b\":1"), "{ k:a f: bad 0: s: k:b n:1 } ");
	CHECK_STR(floats("[[1, 2], 3],\"b\":1"), "{ k:a f: bad 0: [ k:b n:1 } ");
	CHECK_STR(floats("[1, {\"c\": {\"d\": [1]}, \"e\": 2}, 3],\"b\":1"),
			  "{ k:a f: bad 1: { k:b n:1 } ");
	CHECK_STR(floats("[1, {\"c\": 11111111111111111111111111111, \"d\": 2, \"e\": 3333333333333333333333333333333333333333333333}, 2]"),
			  "{ k:a f: bad 1: { } ");
	CHECK_STR(floats("[1, 1e39]"), "{ k:a f: bad 1: n: } ");
	CHECK_STR(floats("[1, NaN, 2]"), "{ k:a f: bad 1: f: } ");
	CHECK_STR(floats("[-Infinity, 2]"), "{ k:a f: bad 0: f: } ");
	CHECK_STR(floats("[1, -NaN]"), "{ k:a f: bad 1: f: } ");
	CHECK_STR(floats("[1, -Info]"), "a number is not well formed");
	CHECK_STR(floats("[1, nan]"), "it contains a word that is not JSON");
	CHECK_STR(floats("[null, 1}"), "a bracket does not match");
	CHECK_STR(floats("[{\"c\" 1}]"), "a colon is missing");
	CHECK_STR(floats("\"AACAfw==\""), "{ k:a f: bad 0: f: } ");
	CHECK_STR(floats("\"AAAA\""), "{ k:a f: bad base64 } ");
	CHECK_STR(floats("\"AA AA\",\"b\":[1]"), "{ k:a f: bad base64 k:b f: 1 } ");
	CHECK_STR(floats("\"AA\\nAA\""), "{ k:a f: bad base64 } ");
	CHECK_STR(floats("\"AA\\\"AA\""), "{ k:a f: bad base64 } ");
	CHECK_STR(floats("\"A\""), "{ k:a f: bad base64 } ");
	CHECK_STR(floats("\"no base64: \\u0000\""), "a string contains a NUL character");
	CHECK_STR(floats("[1,]"), "unexpected character");
	CHECK_STR(floats("[1}"), "a bracket does not match");

	CHECK_INT(count_disagreements(20000), 0);
	return check_done();
}
