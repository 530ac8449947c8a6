/*
 * test_json_scan.c
 *		What is JSON, and what is said of the rest.
 */
#include "json/json_scan.h"

#include <stdlib.h>

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

/* Of every prefix; in memory of their own, so that sanitizers see a byte too many. */
static bool
refuses_every_cut(const char *json)
{
	size_t		nrefused = 0;
	size_t		nmembers;

	for (size_t n = 0; n < strlen(json); n++)
	{
		char	   *copy = malloc(n + (n == 0));

		memcpy(copy, json, n);
		nrefused += inf_json_scan(copy, n, 32, &nmembers) != NULL;
		free(copy);
	}
	return nrefused == strlen(json);
}

/* What json-c takes, some version of it, strict or not; and what is near to that. */
static void
test_what_json_c_takes(void)
{
	static const char *const taken[] = {
		"[1,]", "{\"a\": 1,}", "[,]", "[1 2]", "// x\n1", "/* x */ 1", "[1 /* x */]", "1 // x",
		"{'a': 1}", "['a']", "'a'", "[\"a']", "{a: 1}", "{\"a\"; 1}", "{\"a\" = 1}",
		"NaN", "-NaN", "[Infinity]", "-Infinity", "infinity", "TRUE", "True", "Null", "nul", "undefined",
		"+1", "[+1]", ".5", "5.", "-.5", "1.e5", "1e", "1e+", "01", "-01", "00", "0x10", "1_000", "--1", "1-2", "1e5.5",
		"\"a\tb\"", "\"a\nb\"", "\"\x01\"", "\"\\x41\"", "\"\\'\"", "\"\\u12\"", "\"\\U0041\"", "\"\\\n\"",
		"\"\\u0000\"", "\"\\ud800\"", "\"\\udc00\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
		"1 2", "{} {}", "[]]", "{}}", "[1], 2", "null x", "\"a\" \"b\"", "[1}", "{\"a\": 1]", "\f1", "\v1", ("\xc2\xa0" "1"),
		"", " ", "[", "{", "[1", "{\"a\"", "{\"a\":", "{\"a\": 1", "\"a", "\"\\", "-", "]", "}", ",", ":", "{\"a\": 1: 2}", "{1: 1}",
		"{\"a\" 1}", "{\"a\", 1}", "{[]: 1}", "{null: 1}",
	};
	size_t		nmembers;

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!CHECK(scan(taken[i]) != NULL))
			printf("# %s\n", taken[i]);
	CHECK_STR(inf_json_scan("1\0", 2, 4, &nmembers), "something follows its end");
	CHECK_STR(inf_json_scan("\0", 1, 4, &nmembers), "unexpected character");
	CHECK_STR(inf_json_scan("[1\0]", 4, 4, &nmembers), "a comma is missing");
	CHECK_STR(inf_json_scan("{\"a\"\0:1}", 8, 4, &nmembers), "a colon is missing");
	CHECK_STR(inf_json_scan("[\"\\\0\"]", 6, 4, &nmembers), "a string contains an unknown escape");
}

static void
test_grammar(void)
{
	CHECK_STR(scan(" \t\r\n{ \"a\" : [ 1 , { } , [ ] ] , \"b\" : null } \t\r\n"), NULL);
	CHECK_STR(scan("\"\""), NULL);
	CHECK_STR(scan("false\t"), NULL);
	CHECK_STR(scan("0"), NULL);
	CHECK_STR(scan("1000000000000000019884624838656"), NULL);
	CHECK_STR(scan("[-123456789012345678901234567890, 1e999, -0.0E-0]"), NULL);
	CHECK_STR(scan("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"]"), NULL);
	CHECK_STR(scan("{\"\": {\"\": \"\x7f\"}}"), NULL);

	CHECK_STR(scan(""), "it ends too early");
	CHECK_STR(scan(" \n"), "it ends too early");
	CHECK_STR(scan("[1,"), "it ends too early");
	CHECK_STR(scan("[1"), "it ends too early");
	CHECK_STR(scan("{\"a\""), "it ends too early");
	CHECK_STR(scan("{\"a\":"), "it ends too early");
	CHECK_STR(scan("{\"a\":1,"), "it ends too early");
	CHECK_STR(scan("[1,]"), "unexpected character");
	CHECK_STR(scan("<html>"), "unexpected character");
	CHECK_STR(scan("/**/ 1"), "unexpected character");
	CHECK_STR(scan("'a'"), "unexpected character");
	CHECK_STR(scan("[1 /**/]"), "a comma is missing");
	CHECK_STR(scan("{\"a\": 1,}"), "the name of a member is missing");
	CHECK_STR(scan("{'a': 1}"), "the name of a member is missing");
	CHECK_STR(scan("{\"a\" 1}"), "a colon is missing");
	CHECK_STR(scan("[1}"), "a bracket does not match");
	CHECK_STR(scan("{]"), "a bracket does not match");
	CHECK_STR(scan("1 2"), "something follows its end");
	CHECK_STR(scan("{} // x"), "something follows its end");
	CHECK_STR(scan("[\"\\x\"]"), "a string contains an unknown escape");
}

int
main(void)
{
	CHECK_STR(scan("{\"a\": [1, -2.5e+10, true, false, null, \"x\"]}"), NULL);
	CHECK_STR(scan("[1e5, 1E5]"), NULL);
	CHECK_STR(scan("[\"\\ud83d\\ude00\"]"), NULL);
	CHECK_STR(scan("[\"\\\\u0000\"]"), NULL);
	CHECK_STR(scan("[\"NaN {[:\"]"), NULL);
	CHECK_STR(scan("[[[[1]]]]"), NULL);

	CHECK_STR(scan("[[[[[1]]]]]"), "it is nested too deeply");
	CHECK_STR(scan("[NaN]"), "it contains NaN, which is not a JSON number");
	CHECK_STR(scan("[-Infinity]"), "it contains Infinity, which is not a JSON number");
	CHECK_STR(scan("[nan]"), "it contains a word that is not JSON");
	CHECK_STR(scan("[-nan]"), "a number is not well formed");
	CHECK_STR(scan("[0, -0, 10, 0.5, -0.5e-10, 1E+09]"), NULL);
	CHECK_STR(scan("01"), "a number is not well formed");
	CHECK_STR(scan("-01"), "a number is not well formed");
	CHECK_STR(scan("1."), "a number is not well formed");
	CHECK_STR(scan("1.e5"), "a number is not well formed");
	CHECK_STR(scan("1e"), "a number is not well formed");
	CHECK_STR(scan("1e+]"), "a number is not well formed");
	CHECK_STR(scan("-"), "a number is not well formed");
	CHECK_STR(scan("[\"a\\u0000b\"]"), "a string contains a NUL character");
	CHECK_STR(scan("{\"a\\u0000b\": 1}"), "a string contains a NUL character");
	CHECK_STR(scan("[\"\\ud800\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(scan("[\"\\ud800x\\udc00\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(scan("[\"\\udc00\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(scan("[\"\\ud800\\u0041\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(scan("[\"\\u12"), "an escape in a string is not complete");
	CHECK_STR(scan("[\"\\u12g4\"]"), "an escape in a string is not complete");
	CHECK_STR(scan("[\"a\nb\"]"), "a string contains a control character");
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

	CHECK(refuses_every_cut("{\"k\\u00e9\": [\"\\ud83d\\ude00\", 1.5e-3, true, {}]}"));
	test_grammar();
	test_what_json_c_takes();
	return check_done();
}
