/*
 * json_tree.c
 *		Small JSON documents, read as strictly as they are written.  The only
 *		user of json-c, which differs from version to version in what it takes:
 *		json_scan.c decides that before.
 */
#include "json/json_tree.h"

#include <json-c/json.h>

#include <limits.h>
#include <string.h>

#include "json/json_scan.h"

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

/*
 * json-c's tree of bytes that are JSON.  Not in its strict mode, in which some
 * versions refuse integers beyond 64 bits.
 */
static json_object *
build_tree(const char *bytes, size_t length, int max_depth, const char **reason)
{
	json_tokener *tokener = json_tokener_new_ex(max_depth + 1);
	json_object *tree;

	if (tokener == NULL)
	{
		*reason = "out of memory";
		return NULL;
	}
	tree = json_tokener_parse_ex(tokener, bytes, (int) length);

	/* A number at the very end may go on, as far as the tokener knows. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		tree = json_tokener_parse_ex(tokener, "", 1);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		*reason = json_tokener_error_desc(json_tokener_get_error(tokener));
	json_tokener_free(tokener);
	return tree;
}

bool
inf_json_tree_parse(const char *bytes, size_t length, int max_depth,
					JsonTree **root, const char **reason)
{
	size_t		nmembers;
	json_object *tree;

	*root = NULL;
	*reason = NULL;
	if (length > INT_MAX)
	{
		*reason = "it is too large";
		return false;
	}
	if (bytes == NULL)
		bytes = "";				/* an empty file, mapped */
	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
	{
		/* a byte order mark, which RFC 8259 lets readers ignore */
		bytes += 3;
		length -= 3;
	}
	*reason = inf_json_scan(bytes, length, max_depth, &nmembers);
	if (*reason)
		return false;
	tree = build_tree(bytes, length, max_depth, reason);
	if (*reason)
		return false;
	if (count_members(tree) != nmembers)
	{
		*reason = "an object contains a key twice";
		(void) json_object_put(tree);
		return false;
	}
	*root = tree;
	return true;
}

void
inf_json_tree_free(JsonTree *root)
{
	(void) json_object_put(root);
}

bool
inf_json_tree_is_object(const JsonTree *value)
{
	return json_object_is_type(value, json_type_object);
}

bool
inf_json_tree_is_array(const JsonTree *value)
{
	return json_object_is_type(value, json_type_array);
}

const JsonTree *
inf_json_tree_member(const JsonTree *value, const char *name)
{
	json_object *member = NULL;

	if (inf_json_tree_is_object(value))
		(void) json_object_object_get_ex(value, name, &member);
	return member;
}

size_t
inf_json_tree_count(const JsonTree *value)
{
	if (inf_json_tree_is_object(value))
		return json_object_object_length(value);
	if (inf_json_tree_is_array(value))
		return json_object_array_length(value);
	return 0;
}

const JsonTree *
inf_json_tree_element(const JsonTree *value, size_t i)
{
	if (!inf_json_tree_is_array(value) || i >= json_object_array_length(value))
		return NULL;
	return json_object_array_get_idx(value, i);
}

bool
inf_json_tree_each(const JsonTree *value, JsonTreeVisit visit, void *context)
{
	if (inf_json_tree_is_object(value))
	{
		json_object_iter member;

		json_object_object_foreachC(value, member)
			if (!visit(context, member.key, member.val))
				return false;
	}
	return true;
}

const char *
inf_json_tree_string(const JsonTree *value)
{
	if (!json_object_is_type(value, json_type_string))
		return NULL;

	/* A string is handed out as it is: only other types would be written. */
	return json_object_get_string((json_object *) value);
}

bool
inf_json_tree_boolean(const JsonTree *value, bool *boolean)
{
	if (!json_object_is_type(value, json_type_boolean))
		return false;
	*boolean = json_object_get_boolean(value);
	return true;
}

bool
inf_json_tree_integer(const JsonTree *value, int64_t *integer)
{
	if (!json_object_is_type(value, json_type_int))
		return false;
	*integer = json_object_get_int64(value);

	/* What does not fit is clamped, and read as unsigned otherwise. */
	return *integer != INT64_MAX && *integer != INT64_MIN;
}

bool
inf_json_tree_number(const JsonTree *value, double *number)
{
	if (!json_object_is_type(value, json_type_int) &&
		!json_object_is_type(value, json_type_double))
		return false;
	*number = json_object_get_double(value);
	return true;
}
