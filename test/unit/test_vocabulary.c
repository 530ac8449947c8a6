/*
 * test_vocabulary.c
 *		Tokens, ids and longest matches; vocabularies that are not to be trusted.
 */
#include "engine/vocabulary.h"

#include <stdlib.h>

#include "check.h"

static EngineError error;

static Vocabulary *
read_lines(const char *lines)
{
	error.message[0] = '\0';
	return inf_vocabulary_read_lines(lines, strlen(lines), "v", 10, &error);
}

static Vocabulary *
read_json(const char *json, const char *prefix)
{
	Vocabulary *vocabulary = NULL;
	JsonTree   *tokens;
	const char *reason;

	error.message[0] = '\0';
	if (!CHECK(inf_json_tree_parse(json, strlen(json), 8, &tokens, &reason)))
		return NULL;
	vocabulary = inf_vocabulary_read_json(tokens, prefix, "v", 10, &error);
	inf_json_tree_free(tokens);
	return vocabulary;
}

/* What is wrong with it. */
static const char *
fault(Vocabulary *vocabulary)
{
	CHECK(vocabulary == NULL);
	inf_vocabulary_free(vocabulary);
	return error.message;
}

/* The longest token that text begins with, and its bytes, as "id:bytes". */
static const char *
match(const Vocabulary *vocabulary, bool is_inside, const char *text)
{
	static char answer[32];
	size_t		matched = 0;
	int			id;

	id = inf_vocabulary_match(vocabulary, is_inside, text, strlen(text), &matched);
	(void) snprintf(answer, sizeof(answer), "%d:%zu", id, matched);
	return answer;
}

static void
test_lines(void)
{
	Vocabulary *vocabulary = read_lines("a\r\nab\n\n##b\nab\n\xc3\xa9\n##\nabcd");

	CHECK_INT(inf_vocabulary_size(vocabulary), 8);
	CHECK_STR(inf_vocabulary_token(vocabulary, 0), "a");
	CHECK_STR(inf_vocabulary_token(vocabulary, 2), NULL);
	CHECK_STR(inf_vocabulary_token(vocabulary, 1), "ab");
	CHECK_STR(inf_vocabulary_token(vocabulary, 7), "abcd");
	CHECK_STR(inf_vocabulary_token(vocabulary, 8), NULL);
	CHECK_STR(inf_vocabulary_token(vocabulary, -1), NULL);
	CHECK_INT(inf_vocabulary_id(vocabulary, "a"), 0);
	CHECK_INT(inf_vocabulary_id(vocabulary, "ab"), 4);
	CHECK_INT(inf_vocabulary_id(vocabulary, "abc"), -1);
	CHECK_INT(inf_vocabulary_id(vocabulary, ""), -1);

	CHECK_STR(match(vocabulary, false, "abc"), "4:2");
	CHECK_STR(match(vocabulary, false, "abcd"), "7:4");
	CHECK_STR(match(vocabulary, false, "abcde"), "7:4");
	CHECK_STR(match(vocabulary, false, "\xc3\xa9\xc3\xa9"), "5:2");
	CHECK_STR(match(vocabulary, false, "b"), "-1:0");
	CHECK_STR(match(vocabulary, false, ""), "-1:0");
	CHECK_STR(match(vocabulary, true, "bb"), "3:1");
	CHECK_STR(match(vocabulary, true, "a"), "-1:0");
	CHECK_STR(match(vocabulary, true, ""), "-1:0");

	/* An added token has an id and a text, but is not found in texts. */
	CHECK(inf_vocabulary_add(vocabulary, "xyz", 9, &error));
	CHECK(inf_vocabulary_add(vocabulary, "a", 5, &error));
	CHECK_INT(inf_vocabulary_size(vocabulary), 10);
	CHECK_INT(inf_vocabulary_id(vocabulary, "xyz"), 9);
	CHECK_STR(match(vocabulary, false, "xyz"), "-1:0");
	CHECK(!inf_vocabulary_add(vocabulary, "other", 9, &error));
	CHECK_STR(error.message, "\"v\" gives id 9 to two tokens, \"xyz\" and \"other\"");
	CHECK(!inf_vocabulary_add(vocabulary, "other", 10, &error));
	CHECK_STR(error.message,
			  "token \"other\" of \"v\" has id 10, but the model has rows for ids 0 to 9");
	CHECK_INT(error.code, ENGINE_BAD_FILE);
	inf_vocabulary_free(vocabulary);

	vocabulary = read_lines("");
	CHECK_INT(inf_vocabulary_size(vocabulary), 0);
	CHECK_INT(inf_vocabulary_id(vocabulary, "a"), -1);
	CHECK_STR(match(vocabulary, false, "a"), "-1:0");
	inf_vocabulary_free(vocabulary);

	vocabulary = read_lines("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
	CHECK_INT(inf_vocabulary_size(vocabulary), 10);
	inf_vocabulary_free(vocabulary);

	CHECK_STR(fault(read_lines("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n\n")),
			  "\"v\" has more than 10 tokens, which is all that the model has rows for");
	CHECK_STR(fault(read_lines("a\nb\xff\n")), "line 2 of \"v\" is not valid UTF-8");
	CHECK_STR(fault(inf_vocabulary_read_lines("a\nb\0c", 5, "v", 10, &error)),
			  "line 2 of \"v\" contains a NUL character");
}

static void
test_json(void)
{
	Vocabulary *vocabulary = read_json("{\"ab\": 7, \"a\": 0, \"_b\": 2, \"\": 3}", "_");

	CHECK_INT(inf_vocabulary_size(vocabulary), 8);
	CHECK_STR(inf_vocabulary_token(vocabulary, 7), "ab");
	CHECK_STR(inf_vocabulary_token(vocabulary, 3), NULL);
	CHECK_STR(match(vocabulary, false, "abb"), "7:2");
	CHECK_STR(match(vocabulary, true, "bb"), "2:1");
	inf_vocabulary_free(vocabulary);

	/* Without a prefix, tokens are the same everywhere. */
	vocabulary = read_json("{\"ab\": 0}", "");
	CHECK_STR(match(vocabulary, false, "abb"), "0:2");
	CHECK_STR(match(vocabulary, true, "abb"), "0:2");
	inf_vocabulary_free(vocabulary);

	CHECK_STR(fault(read_json("[\"a\"]", "##")),
			  "the vocabulary of \"v\" is not an object of tokens and ids");
	CHECK_STR(fault(read_json("null", "##")),
			  "the vocabulary of \"v\" is not an object of tokens and ids");
	CHECK_STR(fault(read_json("{\"a\": 1.5}", "##")),
			  "the id of token \"a\" of \"v\" is not an integer");
	CHECK_STR(fault(read_json("{\"a\": null}", "##")),
			  "the id of token \"a\" of \"v\" is not an integer");
	CHECK_STR(fault(read_json("{\"a\": -1}", "##")),
			  "token \"a\" of \"v\" has id -1, but the model has rows for ids 0 to 9");
	CHECK_STR(fault(read_json("{\"a\": 10}", "##")),
			  "token \"a\" of \"v\" has id 10, but the model has rows for ids 0 to 9");
	CHECK_STR(fault(read_json("{\"a\": 4294967296}", "##")),
			  "token \"a\" of \"v\" has id 4294967296, but the model has rows for ids 0 to 9");
	CHECK_STR(fault(read_json("{\"a\": 1, \"b\": 1}", "##")),
			  "\"v\" gives id 1 to two tokens, \"a\" and \"b\"");
}

/* The hash of vocabulary.c's table: if that changes, this has to. */
static uint32_t
hash_slot(const char *text)
{
	uint64_t	hash = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char) *text) * UINT64_C(0x100000001b3);
	return (uint32_t) (hash ^ hash >> 29 ^ hash >> 47);
}

/* Tokens that all belong into one slot of the table. */
static void
test_collisions(void)
{
	enum
	{
		NTOKENS = 1100,
		NSLOTS = 4096
	};
	char	   *lines = malloc(NTOKENS * 12);
	char	   *at = lines;
	int			ntokens = 0;

	for (unsigned i = 0; ntokens < NTOKENS; i++)
	{
		char		token[12];

		(void) snprintf(token, sizeof(token), "%u", i);
		if (hash_slot(token) % NSLOTS < 8)
		{
			at += sprintf(at, "%s\n", token);
			ntokens++;
		}
	}
	CHECK_STR(fault(inf_vocabulary_read_lines(lines, at - lines, "v", NTOKENS, &error)),
			  "the tokens of \"v\" were chosen to collide in hash tables");
	free(lines);
}

/* Enough tokens for the table and the texts to grow. */
static void
test_many(void)
{
	const int	ntokens = 100000;
	char	   *lines = malloc(ntokens * 12);
	char	   *at = lines;
	Vocabulary *vocabulary;
	bool		found = true;

	for (int i = 0; i < ntokens; i++)
		at += sprintf(at, "%s%x\n", i % 2 ? "##" : "", i * 7919);
	vocabulary = inf_vocabulary_read_lines(lines, at - lines, "v", ntokens, &error);
	if (CHECK(vocabulary != NULL))
	{
		for (int i = 0; i < ntokens; i++)
		{
			char		text[12];
			size_t		matched;
			const int	length = sprintf(text, "%x", i * 7919);

			found = found && inf_vocabulary_match(vocabulary, i % 2, text, length, &matched) == i &&
				matched == (size_t) length;
		}
		CHECK(found);
	}
	inf_vocabulary_free(vocabulary);
	free(lines);
}

int
main(void)
{
	test_lines();
	test_json();
	test_collisions();
	test_many();
	return check_done();
}
