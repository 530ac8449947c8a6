/*
 * test_json_read.c
 *		The strict reader over json-c, with a memory context of a test's own.
 */
#include "postgres.h"

#include <stdlib.h>

#include "json/json_read.h"

#include "check.h"

/* Stands in for the server: the callbacks of one context. */
static MemoryContextCallback *callbacks = NULL;

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return malloc(size);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return calloc(1, size);
}

void
MemoryContextRegisterResetCallback(MemoryContext context,
								   MemoryContextCallback *callback)
{
	callback->next = callbacks;
	callbacks = callback;
}

static void
reset_context(void)
{
	while (callbacks)
	{
		MemoryContextCallback *callback = callbacks;

		callbacks = callback->next;
		callback->func(callback->arg);
		free(callback->arg);
		free(callback);
	}
}

static InfJson *root;
static const char *reason;

static bool
parse(const char *json)
{
	reset_context();
	return inf_json_parse(json, strlen(json), NULL, &root, &reason);
}

static bool
parse_bytes(const char *bytes, size_t length)
{
	reset_context();
	return inf_json_parse(bytes, length, NULL, &root, &reason);
}

static bool
reads_as(const char *number, float expected)
{
	float		value = -1;

	return parse(number) && inf_json_float(root, &value) && value == expected;
}

static bool
is_no_float(const char *number)
{
	float		value;

	return !parse(number) || !inf_json_float(root, &value);
}

static bool
note_member(const char *name, InfJson *value, void *state)
{
	strcat(state, name);
	return true;
}

static void
check_documents(void)
{
	char		names[100] = "";
	int64		integer;

	CHECK(parse("{\"b\": {\"c\": [1, \"x\"]}, \"a\": true}"));
	CHECK_INT(inf_json_type(root), INF_JSON_OBJECT);
	CHECK_INT(inf_json_object_size(root), 2);
	CHECK(inf_json_visit_members(root, note_member, names));
	CHECK_STR(names, "ba");
	CHECK(inf_json_boolean(inf_json_member(root, "a"), false));
	CHECK(!inf_json_boolean(inf_json_member(root, "b"), false));
	CHECK(inf_json_member(root, "nope") == NULL);
	CHECK(inf_json_member(NULL, "a") == NULL);
	CHECK_INT(inf_json_array_length(inf_json_member(inf_json_member(root, "b"), "c")), 2);
	CHECK_INT(inf_json_array_length(root), 0);
	CHECK_STR(inf_json_string(inf_json_array_element(inf_json_member(inf_json_member(root, "b"), "c"), 1), NULL), "x");
	CHECK(inf_json_string(root, NULL) == NULL);
	CHECK(parse("17") && inf_json_int64(root, &integer) && integer == 17);
	CHECK(parse("1.0") && !inf_json_int64(root, &integer));
	CHECK(parse("99999999999999999999") && !inf_json_int64(root, &integer));
	CHECK(parse("null") && root == NULL);
	CHECK(parse(" \n[1] \r\n"));
}

static void
check_refusals(void)
{
	CHECK(!parse("{\"a\": 1, \"a\": 2}"));
	CHECK_STR(reason, "an object holds a key twice");
	CHECK(!parse("{\"a\": [{\"x\": 1, \"x\": 1}]}"));
	CHECK(!parse("{\"\\u0061\": 1, \"a\": 2}"));

	/* NUL bytes: behind, before, between. */
	CHECK(!parse_bytes("{}\0", 3));
	CHECK(!parse_bytes("12\0\0", 4));
	CHECK(!parse_bytes("[1] \0", 5));
	CHECK(!parse_bytes("\0{}", 3));
	CHECK(!parse_bytes("[1\0,2]", 6));
	CHECK(!parse("1-2"));
	CHECK(!parse("[1-2]"));
	CHECK(!parse("[1.]"));
	CHECK(!parse("[-01]"));
	CHECK(!parse("[1] [2]"));
	CHECK(!parse("[1]]"));
	CHECK(!parse("[1,]"));
	CHECK(!parse("[1"));
	CHECK(!parse("{\"a\" 1}"));
	CHECK(!parse("{'a': 1}"));
	CHECK(!parse("[01]"));
	CHECK(!parse("/* x */ [1]"));
	CHECK(!parse("tru"));
	CHECK(!parse(""));
	CHECK(!parse("   "));
	CHECK(!parse("[NaN]"));
	CHECK(!parse("[\"\xc3\x28\"]"));
	CHECK(!parse("[\"\xed\xa0\x80\"]"));
	CHECK(!parse("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"));
	CHECK(parse("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"));
}

int
main(void)
{
	check_documents();
	check_refusals();
	CHECK(reads_as("0.1", 0.1f));
	CHECK(reads_as("-1e-3", -1e-3f));
	CHECK(reads_as("40294967295", 40294967295.0f));
	CHECK(reads_as("18446744073709551614", 18446744073709551616.0f));
	CHECK(reads_as("9223372036854775807", 9223372036854775808.0f));
	CHECK(reads_as("3.4028235e38", 3.4028235e38f));
	CHECK(is_no_float("123456789012345678901234567890"));
	CHECK(is_no_float("-123456789012345678901234567890"));
	CHECK(is_no_float("1e999"));
	CHECK(is_no_float("1e39"));
	CHECK(is_no_float("\"1\""));
	CHECK(is_no_float("true"));
	reset_context();
	return check_done();
}
