/*
 * json_read.c
 *		Reads small JSON that came over the network: what services say of
 *		errors.  The only user of json-c.
 */
#include "postgres.h"

#include <json-c/json.h>

#include <limits.h>

#include "utils/memutils.h"

#include "json/json_read.h"
#include "json/json_scan.h"

/* Frees the tree when its memory context goes. */
static void
free_tree(void *arg)
{
	json_object **tree = arg;

	(void) json_object_put(*tree);
	*tree = NULL;
}

/* Members of all objects below value. */
static size_t
count_members(json_object *value)
{
	size_t		count = 0;

	if (json_object_is_type(value, json_type_object))
	{
		json_object_iter member;

		count = json_object_object_length(value);
		json_object_object_foreachC(value, member)
			count += count_members(member.val);
	}
	else if (json_object_is_type(value, json_type_array))
	{
		for (size_t i = 0; i < json_object_array_length(value); i++)
			count += count_members(json_object_array_get_idx(value, i));
	}
	return count;
}

/* Runs json-c over all bytes at once. */
static json_object *
parse_bytes(const char *bytes, size_t length, const char **reason)
{
	json_tokener *tokener = json_tokener_new_ex(INF_JSON_MAX_DEPTH + 1);
	json_object *tree;
	enum json_tokener_error error;

	if (tokener == NULL)
	{
		*reason = "out of memory";
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
						   JSON_TOKENER_VALIDATE_UTF8);
	tree = json_tokener_parse_ex(tokener, bytes, (int) length);
	error = json_tokener_get_error(tokener);

	/* A number at the very end may go on, as far as the tokener knows. */
	if (error == json_tokener_continue)
	{
		tree = json_tokener_parse_ex(tokener, "", 1);
		if (json_tokener_get_error(tokener) != json_tokener_success)
			*reason = "it ends too early";
	}
	else if (error != json_tokener_success)
		*reason = json_tokener_error_desc(error);
	else if (json_tokener_get_parse_end(tokener) < length)
		*reason = "bytes follow its end";
	json_tokener_free(tokener);
	if (*reason)
	{
		(void) json_object_put(tree);
		return NULL;
	}
	return tree;
}

bool
inf_json_parse(const char *bytes, size_t length, MemoryContext context,
			   InfJson **root, const char **reason)
{
	MemoryContextCallback *callback;
	json_object **tree;
	size_t		nmembers;

	*root = NULL;
	*reason = NULL;
	if (length > INT_MAX)
		*reason = "it is too large";
	else
		*reason = inf_json_scan(bytes, length, INF_JSON_MAX_DEPTH, &nmembers);
	if (*reason)
		return false;

	/* The callback first: once the tree exists, nothing may throw. */
	callback = MemoryContextAlloc(context, sizeof(MemoryContextCallback));
	tree = MemoryContextAllocZero(context, sizeof(json_object *));
	callback->func = free_tree;
	callback->arg = tree;
	MemoryContextRegisterResetCallback(context, callback);

	/* White space behind the value is no garbage; a NUL is. */
	while (length > 0 && memchr(" \t\r\n", bytes[length - 1], 4) != NULL)
		length--;
	*tree = parse_bytes(bytes, length, reason);
	if (*reason)
		return false;
	if (count_members(*tree) != nmembers)
	{
		*reason = "an object holds a key twice";
		return false;
	}
	*root = *tree;
	return true;
}

InfJson *
inf_json_member(const InfJson *value, const char *name)
{
	json_object *member = NULL;

	if (json_object_is_type(value, json_type_object))
		(void) json_object_object_get_ex(value, name, &member);
	return member;
}

const char *
inf_json_string(const InfJson *value)
{
	if (!json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(unconstify(json_object *, value));
}
