/*
 * batch_append.c
 *		Calls over the rows of several tables: partitions, children, and the
 *		arms of a UNION ALL.
 */
#include "postgres.h"

#include "optimizer/pathnode.h"

#include "executor/batch_append.h"
#include "executor/batch_node.h"
#include "executor/batch_path.h"
#include "executor/batch_target.h"
#include "executor/call_search.h"

/* Children that can be made to compute another target. */
static bool
are_scans(List *subpaths)
{
	ListCell   *lc;

	foreach(lc, subpaths)
	{
		Path	   *path = lfirst(lc);

		if (IsA(path, ProjectionPath))
			path = ((ProjectionPath *) path)->subpath;
		if (path->parent->reloptkind != RELOPT_OTHER_MEMBER_REL ||
			IsA(path, AppendPath) || IsA(path, MergeAppendPath))
			return false;
	}
	return true;
}

/*
 * Partitions, or the arms of a UNION ALL, whose rows go into batches together:
 * the children compute what the calls need, and one node above them the target.
 * NULL: not possible, as for UPDATE, which tells rows apart by their tables.
 */
static Path *
batch_above_append(Reader reader, AppendPath *path)
{
	PathTarget *target = path->path.pathtarget;
	List	   *calls = inf_batch_calls_in(&path->path, (Node *) target->exprs);
	AppendPath *append;
	PathTarget *child_target;
	ListCell   *lc;

	if (calls == NIL || path->path.parent->reloptkind != RELOPT_BASEREL ||
		path->path.parallel_aware || !are_scans(path->subpaths) ||
		inf_batch_has_row_identity((Node *) target->exprs, NULL))
		return NULL;
	child_target = inf_batch_make_child_target(reader.root, &path->path, target, calls);
	append = makeNode(AppendPath);
	*append = *path;
	append->path.pathtarget = child_target;
	append->subpaths = NIL;
	foreach(lc, path->subpaths)
	{
		Path	   *child = lfirst(lc);
		Path	   *below = IsA(child, ProjectionPath) ?
			((ProjectionPath *) child)->subpath : child;
		PathTarget *of_child = inf_batch_translate_target(reader.root, child_target,
														  child->parent,
														  path->path.parent);

		append->subpaths = lappend(append->subpaths,
								   create_projection_path(reader.root, child->parent,
														  below, of_child));
	}
	return inf_batch_make_path(reader, &append->path, child_target, target, calls,
							   inf_batch_conditions(&path->path, target->exprs, calls));
}

/* Each child computes the target by itself, in terms of its own columns. */
Path *
inf_batch_append(Reader reader, Path *path, List *subpaths)
{
	int			nbatched = list_length(*reader.batched);
	Path	   *above = IsA(path, AppendPath) ?
		batch_above_append(reader, (AppendPath *) path) : NULL;

	if (above != NULL)
		return above;

	inf_batch_subpaths(reader, subpaths);
	if (list_length(*reader.batched) > nbatched)
		*reader.batched = list_concat_unique(*reader.batched,
											 inf_batch_calls_in(path, (Node *) path->pathtarget->exprs));
	return path;
}
