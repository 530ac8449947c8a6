/*
 * test_json_scan.c
 *		What is refused before json-c sees it.
 */
#include "json/json_scan.h"

#include "check.h"

static const char *
scan(const char *json)
{
	size_t		nmembers;

	return inf_json_scan(json, strlen(json), 4, &nmembers);
}

static size_t
members(const char *json)
{
	size_t		nmembers = 999;

	(void) inf_json_scan(json, strlen(json), 32, &nmembers);
	return nmembers;
}

/* Every prefix of a document, so that no end is read past. */
static bool
survives_every_cut(const char *json)
{
	size_t		nmembers;

	for (size_t n = 0; n <= strlen(json); n++)
	{
		char		copy[200];

		memcpy(copy, json, n);
		(void) inf_json_scan(copy, n, 32, &nmembers);
	}
	return true;
}

int
main(void)
{
	CHECK_STR(scan("{\"a\": [1, -2.5e+10, true, false, null, \"x\"]}"), NULL);
	CHECK_STR(scan(""), NULL);
	CHECK_STR(scan("[1e5, 1E5]"), NULL);
	CHECK_STR(scan("[\"\\ud83d\\ude00\"]"), NULL);
	CHECK_STR(scan("[\"\\\\u0000\"]"), NULL);
	CHECK_STR(scan("[\"NaN {[:\"]"), NULL);
	CHECK_STR(scan("[[[[1]]]]"), NULL);

	CHECK_STR(scan("[[[[[1]]]]]"), "it is nested too deeply");
	CHECK_STR(scan("[NaN]"), "it holds NaN, which is no JSON number");
	CHECK_STR(scan("[-Infinity]"), "it holds Infinity, which is no JSON number");
	CHECK_STR(scan("[nan]"), "it holds a word that is not JSON");
	CHECK_STR(scan("<html>"), "it holds a word that is not JSON");
	CHECK_STR(scan("[-nan]"), "a number is not well formed");
	CHECK_STR(scan("[0, -0, 10, 0.5, -0.5e-10, 1E+09]"), NULL);
	CHECK_STR(scan("01"), "a number is not well formed");
	CHECK_STR(scan("-01"), "a number is not well formed");
	CHECK_STR(scan("1."), "a number is not well formed");
	CHECK_STR(scan("1.e5"), "a number is not well formed");
	CHECK_STR(scan("1e"), "a number is not well formed");
	CHECK_STR(scan("1e+]"), "a number is not well formed");
	CHECK_STR(scan("-"), "a number is not well formed");
	CHECK_STR(scan("1-2"), NULL);	/* two numbers: the parser's to refuse */
	CHECK_STR(scan("[\"a\\u0000b\"]"), "a string holds a NUL character");
	CHECK_STR(scan("{\"a\\u0000b\": 1}"), "a string holds a NUL character");
	CHECK_STR(scan("[\"\\ud800\"]"), "a string holds half of a surrogate pair");
	CHECK_STR(scan("[\"\\ud800x\\udc00\"]"), "a string holds half of a surrogate pair");
	CHECK_STR(scan("[\"\\udc00\"]"), "a string holds half of a surrogate pair");
	CHECK_STR(scan("[\"\\ud800\\u0041\"]"), "a string holds half of a surrogate pair");
	CHECK_STR(scan("[\"\\u12"), "an escape in a string is not complete");
	CHECK_STR(scan("[\"\\u12g4\"]"), "an escape in a string is not complete");
	CHECK_STR(scan("[\"a\nb\"]"), "a string holds a control character");
	CHECK_STR(scan("[\"abc"), "it ends inside a string");
	CHECK_STR(scan("[\"abc\\"), "it ends inside a string");

	CHECK_STR(scan("[\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"]"), NULL);
	CHECK_STR(scan("[\"\xc3\x28\"]"), "a string is not valid UTF-8");
	CHECK_STR(scan("[\"\xed\xa0\x80\"]"), "a string is not valid UTF-8");
	CHECK_STR(scan("[\"\xc0\x80\"]"), "a string is not valid UTF-8");
	CHECK_STR(scan("[\"\xe0\x80\xaf\"]"), "a string is not valid UTF-8");
	CHECK_STR(scan("[\"\xf4\x90\x80\x80\"]"), "a string is not valid UTF-8");
	CHECK_STR(scan("[\"\x80\"]"), "a string is not valid UTF-8");
	CHECK_STR(scan("[\"\xe2\x82"), "a string is not valid UTF-8");

	CHECK_INT(members("{}"), 0);
	CHECK_INT(members("{\"a\": 1, \"b\": {\"c:d\": [{\"e\": 2}]}}"), 4);
	CHECK_INT(members("{\"a\": 1, \"a\": 2}"), 2);

	CHECK(survives_every_cut("{\"k\\u00e9\": [\"\\ud83d\\ude00\", 1.5e-3, true, NaN]}"));
	return check_done();
}
