/*
 * batch_plan.c
 *		Finds calls over rows in a plan, and has them made in batches.
 *
 * A call over the rows of a query would be a request for each row, one after
 * the other.  So in the finished paths of a query we look for the node whose
 * target computes the call.  That node is made to compute the call's arguments
 * instead, and a node of ours above it computes the old target: it reads rows
 * ahead, and embeds their texts together (batch_scan.c).
 *
 * The planner loads this module no later than it simplifies the first call,
 * through the support function of the calls; the hook is asked after that.
 *
 * Calls in WHERE are taken from the scans (batch_filter.c), those of MERGE from
 * its actions (batch_merge.c).  Left alone are calls of which it cannot be said
 * beforehand for which rows they are made, and calls over rows that volatile
 * functions make, which must not be evaluated ahead.
 */
#include "postgres.h"

#include "optimizer/planner.h"
#include "parser/parsetree.h"

#include "base/compat.h"
#include "base/guc.h"
#include "executor/batch_demand.h"
#include "executor/batch_explain.h"
#include "executor/batch_filter.h"
#include "executor/batch_merge.h"
#include "executor/batch_path.h"
#include "executor/batch_plan.h"
#include "executor/batch_scan.h"
#include "executor/batch_values.h"
#include "executor/call_search.h"
#include "executor/volatile_search.h"

static create_upper_paths_hook_type next_hook = NULL;

/*
 * The WITH query of its parent that a query is, or NULL.  Those are planned one
 * after the other, before anything else of the parent.
 */
static const CommonTableExpr *
with_query(const PlannerInfo *root)
{
	const PlannerInfo *parent = root->parent_root;
	int			nplanned = list_length(parent->cte_plan_ids);

	if (parent->simple_rel_array != NULL ||
		nplanned >= list_length(parent->parse->cteList))
		return NULL;
	return list_nth_node(CommonTableExpr, parent->parse->cteList, nplanned);
}

/*
 * Whether all that a query reads is that WITH query, of the query so many levels
 * out, from the first row to the last.
 */
static bool
reads_all_of(const Query *query, const CommonTableExpr *cte, Index levels)
{
	const RangeTblEntry *entry;

	if (query->limitCount != NULL || list_length(query->jointree->fromlist) != 1 ||
		!IsA(linitial(query->jointree->fromlist), RangeTblRef))
		return false;
	entry = rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex,
					 query->rtable);
	if (entry->rtekind == RTE_SUBQUERY)
		return reads_all_of(entry->subquery, cte, levels + 1);
	return entry->rtekind == RTE_CTE && entry->ctelevelsup == levels &&
		strcmp(entry->ctename, cte->ctename) == 0;
}

/* Whether the parent of a query may leave some of its rows alone. */
static bool
parent_may_stop(const PlannerInfo *root)
{
	const PlannerInfo *parent = root->parent_root;
	const CommonTableExpr *cte = with_query(root);

	return parent->tuple_fraction > 0 || parent->parse->limitCount != NULL ||
		bms_num_members(parent->all_baserels) > 1 ||
		(cte != NULL && !reads_all_of(parent->parse, cte, 0));
}

bool
inf_batch_may_stop(PlannerInfo *root)
{
	bool		has_limit = root->parse->limitCount != NULL;

	if (!has_limit && root->tuple_fraction > 0)
		return true;
	for (; root->parent_root != NULL; root = root->parent_root)
	{
		/* Changes are all made, whatever is read of what they return. */
		if (root->parse->commandType != CMD_SELECT)
			return false;
		if (parent_may_stop(root))
			return true;
	}
	return false;
}

bool
inf_batch_takes_all(const Query *query)
{
	return query->sortClause || query->groupClause || query->distinctClause ||
		query->hasAggs || query->hasWindowFuncs;
}

bool
inf_batch_is_read_in_full(const PlannerInfo *root)
{
	for (; root->parent_root != NULL; root = root->parent_root)
	{
		bool		is_expression = root->parent_root->simple_rel_array == NULL &&
			with_query(root) == NULL;

		if (is_expression || root->parse->commandType != CMD_SELECT ||
			inf_batch_takes_all(root->parent_root->parse))
			return true;
	}
	return root->parse->commandType != CMD_SELECT;
}

static void
make_once(PlannerInfo *root, List *paths)
{
	ListCell   *lc;

	foreach(lc, paths)
		inf_values_make_others_once(root, lfirst(lc));
}

static void
batch_final_paths(PlannerInfo *root, UpperRelationKind stage,
				  RelOptInfo *input_rel, RelOptInfo *output_rel, void *extra)
{
	List	   *batched = NIL;
	Reader		reader = {.root = root, .batched = &batched};
	bool		may_batch;

	if (next_hook)
		next_hook(root, stage, input_rel, output_rel, extra);
	if (stage != UPPERREL_FINAL)
		return;
	may_batch = inf_guc_batching && inf_batch_has_calls((Node *) root->parse, NULL) &&
		!inf_has_volatile_rows(root, inf_batch_may_stop(root));
	reader.reads_all = inf_batch_is_read_in_full(root);
	if (inf_batch_may_stop(root))
		reader.first_rows = 1;
	if (inf_guc_batching)
		make_once(root, output_rel->pathlist);
	if (may_batch)
		inf_batch_subpaths(reader, output_rel->pathlist);
	if (inf_is_merge(root->parse))
		inf_merge_batch(reader, output_rel, may_batch);
	inf_batch_note_calls(root, batched);
}

void
inf_batch_plan_init(void)
{
	next_hook = create_upper_paths_hook;
	create_upper_paths_hook = batch_final_paths;
	inf_filter_init();
	inf_demand_init();
	RegisterCustomScanMethods(&inf_batch_scan_methods);
}
