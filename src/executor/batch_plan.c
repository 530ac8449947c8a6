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

#include "base/compat.h"
#include "base/guc.h"
#include "executor/batch_explain.h"
#include "executor/batch_filter.h"
#include "executor/batch_merge.h"
#include "executor/batch_path.h"
#include "executor/batch_plan.h"
#include "executor/batch_scan.h"
#include "executor/call_search.h"
#include "executor/volatile_search.h"

static create_upper_paths_hook_type next_hook = NULL;

bool
inf_batch_may_stop(PlannerInfo *root)
{
	bool		has_limit = root->parse->limitCount != NULL;

	if (!has_limit && root->tuple_fraction > 0)
		return true;
	for (; root->parent_root != NULL; root = root->parent_root)
		if (root->parent_root->tuple_fraction > 0 ||
			root->parent_root->parse->limitCount != NULL ||
			bms_num_members(root->parent_root->all_baserels) > 1)
			return true;
	return false;
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
		!inf_has_volatile_rows(root);
	if (inf_batch_may_stop(root))
		reader.first_rows = 1;
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
	RegisterCustomScanMethods(&inf_batch_scan_methods);
}
