/*
 * test_json_tree.c
 *		Which JSON is taken, what is said of the rest, and how values read.
 */
#include "json/json_tree.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"

#define MAX_DEPTH 4

/* The tree, or the reason why there is none. */
static JsonTree *
parse(const char *json, const char **reason)
{
	JsonTree   *tree;
	const size_t length = strlen(json);

	/* No NUL behind it, so that sanitizers see a byte too many. */
	char	   *copy = malloc(length + (length == 0));

	memcpy(copy, json, length);
	if (inf_json_tree_parse(copy, length, MAX_DEPTH, &tree, reason))
	{
		if (*reason)
			tree = NULL;
	}
	else if (tree)
		abort();
	free(copy);
	return tree;
}

/* NULL if it is taken. */
static const char *
refusal(const char *json)
{
	const char *reason;

	inf_json_tree_free(parse(json, &reason));
	return reason;
}

static void
test_syntax(void)
{
	CHECK_STR(refusal("{}"), NULL);
	CHECK_STR(refusal(" \t\r\n[1, {\"a\": null}] \t\r\n"), NULL);
	CHECK_STR(refusal("null"), NULL);
	CHECK_STR(refusal("17"), NULL);
	CHECK_STR(refusal("17 \n"), NULL);
	CHECK_STR(refusal("true\t"), NULL);
	CHECK_STR(refusal("\"\""), NULL);
	CHECK_STR(refusal("{\"\": {\"\": 1}}"), NULL);

	/* a byte order mark, once and at the very begin */
	CHECK_STR(refusal("\xef\xbb\xbf{}"), NULL);
	CHECK(refusal("\xef\xbb\xbf") != NULL);
	CHECK(refusal("\xef\xbb{}") != NULL);
	CHECK(refusal("\xef\xbb\xbf\xef\xbb\xbf{}") != NULL);
	CHECK(refusal(" \xef\xbb\xbf{}") != NULL);

	CHECK_STR(refusal(""), "it ends too early");
	CHECK_STR(refusal(" \n"), "it ends too early");
	CHECK_STR(refusal("{\"a\": 1"), "it ends too early");
	CHECK_STR(refusal("[1,"), "it ends too early");
	CHECK_STR(refusal("{} {}"), "something follows its end");
	CHECK_STR(refusal("1 2"), "something follows its end");
	CHECK(refusal("[1,]") != NULL);
	CHECK(refusal("{\"a\": 1,}") != NULL);
	CHECK(refusal("{\"a\" 1}") != NULL);
	CHECK(refusal("{1: 1}") != NULL);
	CHECK(refusal("{\"a\": 1: 2}") != NULL);
	CHECK(refusal("{'a': 1}") != NULL);
	CHECK(refusal("/**/ 1") != NULL);
	CHECK(refusal("[\"\\x\"]") != NULL);
	CHECK(refusal("]") != NULL);

	CHECK_STR(refusal("[[[[1]]]]"), NULL);
	CHECK_STR(refusal("[[[[[1]]]]]"), "it is nested too deeply");
	CHECK_STR(refusal("{\"a\": {\"a\": {\"a\": {\"a\": {}}}}}"), "it is nested too deeply");
	CHECK_STR(refusal("[\"\xff\"]"), "a string is not valid UTF-8");
	CHECK_STR(refusal("{\"\xed\xa0\x80\": 1}"), "a string is not valid UTF-8");
	CHECK_STR(refusal("[\"\\ud800\"]"), "a string contains half of a surrogate pair");
	CHECK_STR(refusal("[\"\\u0000\"]"), "a string contains a NUL character");

	/* What transformers writes for "no limit". */
	CHECK_STR(refusal("{\"model_max_length\": 1000000000000000019884624838656}"), NULL);
	CHECK_STR(refusal("[-1000000000000000019884624838656]"), NULL);
	CHECK_STR(refusal("[NaN]"), "it contains NaN, which is not a JSON number");
	CHECK_STR(refusal("[01]"), "a number is not well formed");
}

static void
test_bytes(void)
{
	JsonTree   *tree;
	const char *reason;

	CHECK(!inf_json_tree_parse("{}\0", 3, MAX_DEPTH, &tree, &reason));
	CHECK_STR(reason, "something follows its end");
	CHECK(!inf_json_tree_parse("1\0", 2, MAX_DEPTH, &tree, &reason));
	CHECK(!inf_json_tree_parse("[1\0]", 4, MAX_DEPTH, &tree, &reason));
	CHECK(!inf_json_tree_parse("{\"a\0b\": 1}", 10, MAX_DEPTH, &tree, &reason));
	CHECK_STR(reason, "a string contains a control character");

	/* An empty file is mapped nowhere. */
	CHECK(!inf_json_tree_parse(NULL, 0, MAX_DEPTH, &tree, &reason));
	CHECK_STR(reason, "it ends too early");
	CHECK(!inf_json_tree_parse("", (size_t) 1 << 31, MAX_DEPTH, &tree, &reason));
	CHECK_STR(reason, "it is too large");
	CHECK(tree == NULL);
	inf_json_tree_free(NULL);
}

static void
test_twice(void)
{
	CHECK_STR(refusal("{\"a\": 1, \"b\": 2, \"a\": 1}"), "an object contains a key twice");
	CHECK_STR(refusal("{\"a\": 1, \"\\u0061\": 1}"), "an object contains a key twice");
	CHECK_STR(refusal("[[{\"x\": {\"a\": null, \"a\": null}}]]"), "an object contains a key twice");
	CHECK_STR(refusal("[{\"a\": 1}, {\"a\": 1}]"), NULL);
	CHECK_STR(refusal("{\"a\": {\"a\": 1}, \"A\": 1}"), NULL);
}

/* "I" if it is an integer that prints so, "N" if it is another number. */
static const char *
number(const char *json)
{
	static char text[64];
	const char *reason;
	JsonTree   *tree = parse(json, &reason);
	int64_t		integer;
	double		value;
	const bool	is_integer = inf_json_tree_integer(tree, &integer);
	const bool	is_number = inf_json_tree_number(tree, &value);

	inf_json_tree_free(tree);
	if (is_integer && !is_number)
		return "an integer, but no number";
	if (is_integer)
		snprintf(text, sizeof(text), "I %lld %.17g", (long long) integer, value);
	else
		snprintf(text, sizeof(text), is_number ? "N %.17g" : "none", value);
	return text;
}

static void
test_numbers(void)
{
	CHECK_STR(number("0"), "I 0 0");
	CHECK_STR(number("-0"), "I 0 0");
	CHECK_STR(number("-12"), "I -12 -12");
	CHECK_STR(number("9007199254740993"), "I 9007199254740993 9007199254740992");
	CHECK_STR(number("9223372036854775806"), "I 9223372036854775806 9.2233720368547758e+18");
	CHECK_STR(number("-9223372036854775807"), "I -9223372036854775807 -9.2233720368547758e+18");

	/* Numbers out of range are no integers, whatever they are cut to. */
	CHECK_STR(number("9223372036854775808"), "N 9.2233720368547758e+18");
	CHECK_STR(number("18446744073709551615"), "N 1.8446744073709552e+19");
	CHECK_STR(number("18446744073709551617"), "N 1.8446744073709552e+19");
	CHECK_STR(number("-9223372036854775809"), "N -9.2233720368547758e+18");
	CHECK(strncmp(number("1000000000000000019884624838656"), "N 1", 3) == 0);

	CHECK_STR(number("1.0"), "N 1");
	CHECK_STR(number("1e2"), "N 100");
	CHECK_STR(number("1e-400"), "N 0");
	CHECK_STR(number("1e999"), "N inf");
	CHECK_STR(number("-1e999"), "N -inf");
	CHECK_STR(number("\"1\""), "none");
	CHECK_STR(number("true"), "none");
	CHECK_STR(number("null"), "none");
	CHECK_STR(number("[1]"), "none");
}

static bool
join_names(void *context, const char *name, const JsonTree *value)
{
	char	   *names = context;

	strcat(names, name);
	strcat(names, inf_json_tree_is_array(value) ? "[" : ";");
	return strlen(names) < 6;
}

static void
test_values(void)
{
	const char *reason;
	JsonTree   *tree = parse("{\"b\": [10, null, \"x\"], \"a\": true, \"\xc3\xa9\": \"\\ud83d\\ude00\", \"z\": null}",
							 &reason);
	const JsonTree *array = inf_json_tree_member(tree, "b");
	char		names[32] = "";
	bool		boolean = false;

	CHECK(inf_json_tree_is_object(tree) && !inf_json_tree_is_array(tree));
	CHECK(inf_json_tree_is_array(array) && !inf_json_tree_is_object(array));
	CHECK_INT(inf_json_tree_count(tree), 4);
	CHECK_INT(inf_json_tree_count(array), 3);
	CHECK_INT(inf_json_tree_count(inf_json_tree_element(array, 2)), 0);
	CHECK_INT(inf_json_tree_count(NULL), 0);
	CHECK_STR(inf_json_tree_string(inf_json_tree_element(array, 2)), "x");
	CHECK_STR(inf_json_tree_string(inf_json_tree_element(array, 0)), NULL);
	CHECK_STR(inf_json_tree_string(inf_json_tree_member(tree, "\xc3\xa9")), "\xf0\x9f\x98\x80");
	CHECK(inf_json_tree_element(array, 1) == NULL);
	CHECK(inf_json_tree_element(array, 3) == NULL);
	CHECK(inf_json_tree_element(array, SIZE_MAX) == NULL);
	CHECK(inf_json_tree_element(tree, 0) == NULL);
	CHECK(inf_json_tree_element(NULL, 0) == NULL);
	CHECK(inf_json_tree_member(tree, "z") == NULL);
	CHECK(inf_json_tree_member(tree, "none") == NULL);
	CHECK(inf_json_tree_member(array, "b") == NULL);
	CHECK(inf_json_tree_member(NULL, "b") == NULL);
	CHECK_STR(inf_json_tree_string(NULL), NULL);

	CHECK(inf_json_tree_boolean(inf_json_tree_member(tree, "a"), &boolean) && boolean);
	CHECK(!inf_json_tree_boolean(array, &boolean) && boolean);
	CHECK(!inf_json_tree_boolean(NULL, &boolean));

	/* In the order of the document, up to where the visit ends. */
	CHECK(!inf_json_tree_each(tree, join_names, names));
	CHECK_STR(names, "b[a;\xc3\xa9;");
	CHECK(inf_json_tree_each(array, join_names, names));
	CHECK(inf_json_tree_each(NULL, join_names, names));
	CHECK_STR(names, "b[a;\xc3\xa9;");
	inf_json_tree_free(tree);
}

/* Each prefix of a document is refused, and each may be freed. */
static void
test_cuts(void)
{
	static const char json[] =
		"{\"k\\u00e9\": [\"\\ud83d\\ude00\", 1.5e-3, -7, true, null, {\"a\": {}}]}";
	int			nrefused = 0;

	for (size_t length = 0; length < sizeof(json) - 1; length++)
	{
		char		cut[sizeof(json)];

		memcpy(cut, json, length);
		cut[length] = '\0';
		nrefused += refusal(cut) != NULL;
	}
	CHECK_INT(nrefused, sizeof(json) - 1);
	CHECK_STR(refusal(json), NULL);
}

int
main(void)
{
	test_syntax();
	test_bytes();
	test_twice();
	test_numbers();
	test_values();
	test_cuts();
	return check_done();
}
