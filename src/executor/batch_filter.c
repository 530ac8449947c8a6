/*
 * batch_filter.c
 *		Calls in WHERE.
 *
 * A condition with a call over the columns of a table is taken out of the scan
 * of the table, and checked by a node of ours above it, which makes the call in
 * batches, for the rows that pass all other conditions.  That is done when the
 * scans of a table have been found, before there are joins, so that these know
 * what they join.
 *
 * The planner makes a scan check all conditions of its relation, so ours reads
 * from a copy of the relation that has fewer of them.
 */
#include "postgres.h"

#include <limits.h>

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"

#include "base/guc.h"
#include "executor/batch_filter.h"
#include "executor/batch_inputs.h"
#include "executor/batch_node.h"
#include "executor/batch_plan.h"
#include "executor/batch_target.h"
#include "executor/call_search.h"
#include "executor/volatile_search.h"

static set_rel_pathlist_hook_type next_hook = NULL;

/*
 * ----------
 * Conditions
 * ----------
 */

static BatchInputs
inputs_of_scan(PlannerInfo *root)
{
	BatchInputs inputs = {.root = root,.is_scan = true};

	return inputs;
}

static List *
calls_of(PlannerInfo *root, const RestrictInfo *condition)
{
	BatchInputs inputs = inputs_of_scan(root);

	if (condition->pseudoconstant)
		return NIL;
	return inf_batch_calls_in(&inputs, (Node *) condition->clause);
}

/*
 * Whether a condition may be checked after all of others: none of these could
 * show somebody what the condition keeps from him.
 */
static bool
may_come_last(const RestrictInfo *condition, const List *others)
{
	ListCell   *lc;

	foreach(lc, others)
	{
		const RestrictInfo *other = lfirst_node(RestrictInfo, lc);

		if (other->security_level > condition->security_level && !other->leakproof)
			return false;
	}
	return true;
}

/* A condition, and what it costs to check it. */
typedef struct OrderedCondition
{
	RestrictInfo *condition;
	Cost		cost;
	int			position;
} OrderedCondition;

/* As the planner orders them: security first, then cost, then as written. */
static int
compare_conditions(const void *a, const void *b)
{
	const OrderedCondition *one = a;
	const OrderedCondition *other = b;

	if (one->condition->security_level != other->condition->security_level)
		return one->condition->security_level < other->condition->security_level ? -1 : 1;
	if (one->cost != other->cost)
		return one->cost < other->cost ? -1 : 1;
	return one->position - other->position;
}

static List *
order_conditions(PlannerInfo *root, List *conditions)
{
	OrderedCondition *ordered = palloc(sizeof(OrderedCondition) * list_length(conditions));
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, conditions)
	{
		OrderedCondition *next = &ordered[foreach_current_index(lc)];
		QualCost	cost;

		cost_qual_eval_node(&cost, lfirst(lc), root);
		next->condition = lfirst_node(RestrictInfo, lc);
		next->cost = cost.per_tuple;
		next->position = foreach_current_index(lc);
	}
	qsort(ordered, list_length(conditions), sizeof(OrderedCondition), compare_conditions);
	for (int i = 0; i < list_length(conditions); i++)
		result = lappend(result, ordered[i].condition);
	return result;
}

/*
 * The conditions of a relation that have calls to batch, in the order in which
 * they are checked; NIL also if they must not be checked last.
 */
static List *
find_conditions(PlannerInfo *root, const RelOptInfo *rel)
{
	List	   *found = NIL;
	List	   *others;
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
		if (calls_of(root, lfirst(lc)) != NIL)
			found = lappend(found, lfirst(lc));
	others = list_difference_ptr(rel->baserestrictinfo, found);
	foreach(lc, found)
		if (!may_come_last(lfirst(lc), others))
			return NIL;
	return order_conditions(root, found);
}

/*
 * ----------
 * Paths
 * ----------
 */

/* A copy of a scan; NULL: it is of a kind that is left alone. */
static Path *
copy_scan(const Path *path)
{
	Size		size;
	Path	   *copy;

	switch (nodeTag(path))
	{
		case T_Path:
			size = sizeof(Path);
			break;
		case T_IndexPath:
			size = sizeof(IndexPath);
			break;
		case T_BitmapHeapPath:
			size = sizeof(BitmapHeapPath);
			break;
		case T_TidPath:
			size = sizeof(TidPath);
			break;
		case T_TidRangePath:
			size = sizeof(TidRangePath);
			break;
		case T_SubqueryScanPath:
			size = sizeof(SubqueryScanPath);
			break;
		default:
			return NULL;
	}
	copy = palloc(size);
	memcpy(copy, path, size);
	return copy;
}

/*
 * Conditions without some.  Those that are the same for all rows are checked
 * above our node, which has the relation as it was.
 */
static List *
take_out(List *conditions, List *those)
{
	List	   *left = NIL;
	ListCell   *lc;

	foreach(lc, conditions)
		if (!lfirst_node(RestrictInfo, lc)->pseudoconstant &&
			!list_member_ptr(those, lfirst(lc)))
			left = lappend(left, lfirst(lc));
	return left;
}

/* A scan without some of the conditions of its relation. */
static Path *
without_conditions(const Path *path, List *conditions)
{
	Path	   *scan = copy_scan(path);
	RelOptInfo *rel;

	if (scan == NULL)
		return NULL;
	rel = makeNode(RelOptInfo);
	*rel = *path->parent;
	rel->baserestrictinfo = take_out(rel->baserestrictinfo, conditions);
	scan->parent = rel;
	if (IsA(scan, IndexPath))
	{
		IndexOptInfo *index = makeNode(IndexOptInfo);

		*index = *((IndexPath *) scan)->indexinfo;
		index->indrestrictinfo = take_out(index->indrestrictinfo, conditions);
		((IndexPath *) scan)->indexinfo = index;
	}
	return scan;
}

/* Whether the only table of a query is read to its end before there is a row. */
static bool
is_taken_in_full(PlannerInfo *root, const Path *path)
{
	return path->param_info == NULL && bms_num_members(root->all_baserels) <= 1 &&
		inf_batch_takes_all(root->parse) && path->pathkeys == NIL;
}

/*
 * How many rows will be read for certain: all, if what reads them takes all
 * before it gives any, and else as many as a LIMIT wants, or one.
 */
static int
first_rows(PlannerInfo *root, const Path *path)
{
	const Query *query = root->parse;

	if (is_taken_in_full(root, path))
		return 0;
	if (path->param_info || bms_num_members(root->all_baserels) > 1)
		return 1;
	if (query->limitCount)
		return root->limit_tuples >= 1 && root->limit_tuples < INT_MAX ?
			(int) root->limit_tuples : 1;
	return inf_batch_may_stop(root) ? 1 : 0;
}

/* Our node over a path, which checks conditions whose calls it makes. */
static Path *
make_filter(Reader reader, Path *path, PathTarget *target, List *conditions,
			List *calls)
{
	BatchInputs inputs = inputs_of_scan(reader.root);
	PathTarget *needed = copy_pathtarget(target);
	List	   *clauses = extract_actual_clauses(conditions, false);
	List	   *when = inf_batch_conditions(&inputs, clauses, calls);
	PathTarget *child_target;
	ListCell   *lc;

	foreach(lc, clauses)
		add_new_column_to_pathtarget(needed, lfirst(lc));
	child_target = inf_batch_make_child_target(&inputs, needed, calls, when);
	if (child_target == NULL)
		return NULL;
	path = inf_batch_make_path(reader, path, child_target, target, calls, when);
	inf_batch_set_quals(path, clauses);
	return path;
}

/* What a path gives, and what conditions need that are checked above it. */
static PathTarget *
target_below(PlannerInfo *root, PathTarget *target, List *conditions)
{
	PathTarget *below = copy_pathtarget(target);

	add_new_columns_to_pathtarget(below,
								  pull_var_clause((Node *) extract_actual_clauses(conditions, false),
												  PVC_RECURSE_PLACEHOLDERS));
	return set_pathtarget_cost_width(root, below);
}

/*
 * A scan with conditions above it.  Each has a node of its own, so that its
 * calls are made for rows that have passed those before it, unless it has no
 * other calls than these.
 */
static Path *
filter_scan(Reader reader, Path *path, List *conditions)
{
	Path	   *result = without_conditions(path, conditions);
	RelOptInfo *rel = path->parent;

	/* What a gated scan is to give is all that can be computed above it. */
	if (result)
		result->pathtarget = target_below(reader.root, path->pathtarget, conditions);
	while (conditions != NIL && result != NULL)
	{
		List	   *calls = calls_of(reader.root, linitial(conditions));
		List	   *here = NIL;

		while (conditions != NIL &&
			   list_difference(calls_of(reader.root, linitial(conditions)), calls) == NIL)
		{
			here = lappend(here, linitial(conditions));
			conditions = list_delete_first(list_copy(conditions));
		}
		result = make_filter(reader, result,
							 target_below(reader.root, path->pathtarget, conditions),
							 here, calls);
		reader.first_rows = Min(reader.first_rows, 1);
	}
	if (result)
	{
		result->parent = rel;
		result->pathtarget = path->pathtarget;
	}
	return result;
}

/* Whether a path makes one of some calls to look into an index. */
static bool
searches_with(PlannerInfo *root, const Path *path, const List *calls)
{
	List	   *subpaths = NIL;
	ListCell   *lc;

	switch (nodeTag(path))
	{
		case T_IndexPath:
			foreach(lc, ((const IndexPath *) path)->indexclauses)
				if (list_intersection(calls_of(root, lfirst_node(IndexClause, lc)->rinfo),
									  calls) != NIL)
					return true;
			return false;
		case T_BitmapHeapPath:
			subpaths = list_make1(((const BitmapHeapPath *) path)->bitmapqual);
			break;
		case T_BitmapAndPath:
			subpaths = ((const BitmapAndPath *) path)->bitmapquals;
			break;
		case T_BitmapOrPath:
			subpaths = ((const BitmapOrPath *) path)->bitmapquals;
			break;
		default:
			break;
	}
	foreach(lc, subpaths)
		if (searches_with(root, lfirst(lc), calls))
			return true;
	return false;
}

/*
 * Of some conditions, those that a path leaves to be checked for each of its
 * rows.  With a call over columns of an outer query only, an index can be
 * searched: that makes the call, once, and it would be made again for the rows.
 */
static List *
conditions_for_rows(PlannerInfo *root, const Path *path, List *conditions)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, conditions)
		if (!searches_with(root, path, calls_of(root, lfirst(lc))))
			result = lappend(result, lfirst(lc));
	return result;
}

static void
filter_scans(PlannerInfo *root, RelOptInfo *rel, Index rtindex,
			 RangeTblEntry *entry)
{
	List	   *batched = NIL;
	Reader		reader = {.root = root,.batched = &batched};
	List	   *conditions;
	ListCell   *lc;

	if (next_hook)
		next_hook(root, rel, rtindex, entry);

	/* Children of an inheritance tree come by themselves. */
	if (!inf_guc_batching || entry->inh || entry->self_reference ||
		entry->rtekind == RTE_RESULT ||
		!inf_batch_has_calls((Node *) extract_actual_clauses(rel->baserestrictinfo, false), NULL))
		return;
	conditions = find_conditions(root, rel);
	if (conditions == NIL ||
		inf_has_volatile_rows(root, root->parse->limitCount || inf_batch_may_stop(root)))
		return;
	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);
		List	   *left = conditions_for_rows(root, path, conditions);
		Path	   *filter;

		if (left == NIL)
			continue;
		reader.first_rows = first_rows(root, path);
		reader.reads_all = is_taken_in_full(root, path) || inf_batch_is_read_in_full(root);
		filter = filter_scan(reader, path, left);
		if (filter)
			lfirst(lc) = filter;
	}
}

/*
 * ----------
 * What has been done
 * ----------
 */

static bool
is_filtered(const RelOptInfo *rel)
{
	ListCell   *lc;

	foreach(lc, rel->pathlist)
	{
		const Path *path = lfirst(lc);

		/* The planner has put what the query computes above it. */
		if (IsA(path, ProjectionPath))
			path = ((const ProjectionPath *) path)->subpath;
		if (inf_batch_has_quals(path))
			return true;
	}
	return false;
}

/* The relation itself, or a child of it. */
static bool
is_filtered_below(const PlannerInfo *root, const RelOptInfo *rel)
{
	ListCell   *lc;

	if (is_filtered(rel))
		return true;
	foreach(lc, root->append_rel_list)
	{
		const AppendRelInfo *info = lfirst_node(AppendRelInfo, lc);

		if (info->parent_relid == rel->relid &&
			root->simple_rel_array[info->child_relid] != NULL &&
			is_filtered_below(root, root->simple_rel_array[info->child_relid]))
			return true;
	}
	return false;
}

List *
inf_filter_calls(PlannerInfo *root)
{
	List	   *calls = NIL;

	for (int i = 1; i < root->simple_rel_array_size; i++)
	{
		const RelOptInfo *rel = root->simple_rel_array[i];
		ListCell   *lc;

		if (rel == NULL || rel->reloptkind != RELOPT_BASEREL ||
			!is_filtered_below(root, rel))
			continue;
		foreach(lc, rel->baserestrictinfo)
			calls = list_concat_unique(calls, calls_of(root, lfirst(lc)));
	}
	return calls;
}

void
inf_filter_init(void)
{
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = filter_scans;
}
