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
are_scans(PlannerInfo *root, List *subpaths)
{
	ListCell   *lc;

	foreach(lc, subpaths)
	{
		Path	   *path = inf_batch_below_projection(lfirst(lc));
		BatchInputs inputs;

		if (path->parent->reloptkind != RELOPT_OTHER_MEMBER_REL ||
			!inf_batch_find_inputs(root, path, &inputs) || !inputs.is_scan)
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
	BatchInputs inputs = {reader.root, NIL, true, false, false};
	List	   *calls = inf_batch_calls_in(&inputs, (Node *) target->exprs);
	AppendPath *append;
	List	   *conditions;
	PathTarget *child_target;
	ListCell   *lc;

	if (calls == NIL || path->path.parent->reloptkind != RELOPT_BASEREL ||
		path->path.parallel_aware || !are_scans(reader.root, path->subpaths) ||
		inf_batch_has_row_identity((Node *) target->exprs, NULL))
		return NULL;
	conditions = inf_batch_conditions(&inputs, target->exprs, calls);
	child_target = inf_batch_make_child_target(&inputs, target, calls, conditions);
	if (child_target == NULL)
		return NULL;
	append = makeNode(AppendPath);
	*append = *path;
	append->path.pathtarget = child_target;
	append->subpaths = NIL;
	foreach(lc, path->subpaths)
	{
		Path	   *child = lfirst(lc);
		PathTarget *of_child = inf_batch_translate_target(reader.root, child_target,
														  child->parent,
														  path->path.parent);

		append->subpaths = lappend(append->subpaths,
								   create_projection_path(reader.root, child->parent,
														  inf_batch_below_projection(child),
														  of_child));
	}
	return inf_batch_make_path(reader, &append->path, child_target, target, calls,
							   conditions);
}

/* Each child computes the target by itself, in terms of its own columns. */
Path *
inf_batch_append(Reader reader, Path *path, List *subpaths)
{
	BatchInputs inputs = {reader.root, NIL, true, false, false};
	int			nbatched = list_length(*reader.batched);
	Path	   *above = IsA(path, AppendPath) ?
		batch_above_append(reader, (AppendPath *) path) : NULL;

	if (above != NULL)
		return above;

	inf_batch_subpaths(reader, subpaths);
	if (list_length(*reader.batched) > nbatched)
		*reader.batched = list_concat_unique(*reader.batched,
											 inf_batch_calls_in(&inputs, (Node *) path->pathtarget->exprs));
	return path;
}
