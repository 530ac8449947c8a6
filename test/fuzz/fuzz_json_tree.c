/*
 * fuzz_json_tree.c
 *		Any bytes as JSON: what is taken can be walked.
 */
#include "json/json_tree.h"

#include "json/json_scan.h"

#include "fuzz.h"

#define MAX_DEPTH 8

static void walk(const JsonTree *value, int depth);

static bool
walk_member(void *context, const char *name, const JsonTree *value)
{
	const JsonTree *parent = *(const JsonTree *const *) context;

	/* No key is there twice, so each is found again. */
	MUST(inf_json_tree_member(parent, name) == value);
	return true;
}

static bool
descend(void *context, const char *name, const JsonTree *value)
{
	walk(value, *(int *) context + 1);
	return true;
}

static void
walk(const JsonTree *value, int depth)
{
	const char *string = inf_json_tree_string(value);
	int64_t		integer;
	double		number;

	MUST(depth <= MAX_DEPTH);
	if (string)
		MUST(strlen(string) + 1 > 0);
	if (inf_json_tree_integer(value, &integer))
		MUST(inf_json_tree_number(value, &number) && number == (double) integer);
	(void) inf_json_tree_each(value, walk_member, &value);
	(void) inf_json_tree_each(value, descend, &depth);
	if (inf_json_tree_is_array(value))
		for (size_t i = 0; i < inf_json_tree_count(value); i++)
			walk(inf_json_tree_element(value, i), depth + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	JsonTree   *tree = NULL;
	const char *reason = NULL;

	if (inf_json_tree_parse((const char *) data, size, MAX_DEPTH, &tree, &reason))
	{
		MUST(reason == NULL);
		walk(tree, 0);
	}
	else
	{
		const size_t mark = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
		size_t		nmembers;

		/* json-c takes all that is JSON, but for what it cannot hold. */
		MUST(reason && reason[0] && tree == NULL);
		MUST(inf_json_scan((const char *) data + mark, size - mark, MAX_DEPTH, &nmembers) == reason ||
			 strcmp(reason, "an object contains a key twice") == 0);
	}
	inf_json_tree_free(tree);
	return 0;
}
