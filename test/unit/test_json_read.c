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

static void
check_documents(void)
{
	CHECK(parse("{\"b\": {\"c\": \"x\"}, \"a\": true}"));
	CHECK_STR(inf_json_string(inf_json_member(inf_json_member(root, "b"), "c")), "x");
	CHECK(inf_json_string(inf_json_member(root, "a")) == NULL);
	CHECK(inf_json_string(root) == NULL);
	CHECK(inf_json_member(root, "nope") == NULL);
	CHECK(inf_json_member(NULL, "a") == NULL);
	CHECK(inf_json_member(inf_json_member(root, "a"), "a") == NULL);
	CHECK(parse("null") && root == NULL);

	/* An integer beyond 64 bits is JSON, and takes nothing from the message. */
	CHECK(parse("{\"message\": \"m\", \"id\": [123456789012345678901234567890]}"));
	CHECK_STR(inf_json_string(inf_json_member(root, "message")), "m");
	CHECK(parse(" \n[1] \r\n"));
}

static void
check_refusals(void)
{
	CHECK(!parse("{\"a\": 1, \"a\": 2}"));
	CHECK_STR(reason, "an object contains a key twice");
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
	reset_context();
	return check_done();
}
