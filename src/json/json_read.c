/*
 * json_read.c
 *		Reads small JSON that came over the network: what services say of
 *		errors.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "json/json_read.h"
#include "json/json_tree.h"

/* Frees the tree when its memory context goes. */
static void
free_tree(void *arg)
{
	JsonTree  **tree = arg;

	inf_json_tree_free(*tree);
	*tree = NULL;
}

bool
inf_json_parse(const char *bytes, size_t length, MemoryContext context,
			   InfJson **root, const char **reason)
{
	MemoryContextCallback *callback;
	JsonTree  **tree;

	*root = NULL;

	/* The callback first: once the tree exists, nothing may throw. */
	callback = MemoryContextAlloc(context, sizeof(MemoryContextCallback));
	tree = MemoryContextAllocZero(context, sizeof(JsonTree *));
	callback->func = free_tree;
	callback->arg = tree;
	MemoryContextRegisterResetCallback(context, callback);

	if (!inf_json_tree_parse(bytes, length, INF_JSON_MAX_DEPTH, tree, reason))
		return false;
	*root = *tree;
	return true;
}

InfJson *
inf_json_member(const InfJson *value, const char *name)
{
	return unconstify(InfJson *, inf_json_tree_member(value, name));
}

const char *
inf_json_string(const InfJson *value)
{
	return inf_json_tree_string(value);
}
