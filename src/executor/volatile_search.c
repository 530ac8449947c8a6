/*
 * volatile_search.c
 *		Finds what must not be evaluated ahead of its turn.
 *
 * contain_volatile_functions() does not look into the plans of sub-selects, nor
 * into a WITH query of another level.  We look at their queries.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

#include "base/compat.h"
#include "executor/volatile_search.h"

typedef struct HiddenSearch
{
	PlannerInfo *root;			/* of the query that this belongs to */
	int			depth;			/* how many queries further in we are */
	bool		finds_locks;	/* sub-selects that lock rows count, too */
} HiddenSearch;

static bool find_hidden(Node *node, void *context);

static bool
is_volatile_query(PlannerInfo *root, Query *query, bool finds_locks)
{
	HiddenSearch search = {root, -1, finds_locks};

	return contain_volatile_functions((Node *) query) ||
		find_hidden((Node *) query, &search);
}

/* The query of a WITH that is read here. */
static bool
is_volatile_cte(const RangeTblEntry *entry, const HiddenSearch *search)
{
	int			levels = (int) entry->ctelevelsup - search->depth;
	PlannerInfo *root = search->root;
	HiddenSearch in_cte = {NULL, 0, search->finds_locks};
	ListCell   *lc;

	/* A recursive one reads itself; one of a query further in is seen there. */
	if (entry->self_reference || levels < 0)
		return false;
	while (levels-- > 0 && root != NULL)
		root = root->parent_root;
	if (root == NULL)
		return false;
	in_cte.root = root;
	foreach(lc, root->parse->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

		if (strcmp(cte->ctename, entry->ctename) == 0)
			return contain_volatile_functions(cte->ctequery) ||
				find_hidden(cte->ctequery, &in_cte);
	}
	return false;
}

static bool
is_volatile_subplan(const PlannerInfo *root, const SubPlan *subplan)
{
	PlannerInfo *subroot = list_nth(root->glob->subroots, subplan->plan_id - 1);

	return subplan->subLinkType == MULTIEXPR_SUBLINK ||
		subroot->parse->rowMarks != NIL ||
		is_volatile_query(subroot, subroot->parse, true);
}

static bool
find_hidden(Node *node, void *context)
{
	HiddenSearch *search = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_SubPlan:
			if (is_volatile_subplan(search->root, (SubPlan *) node))
				return true;
			break;
		case T_RangeTblEntry:
			return ((RangeTblEntry *) node)->rtekind == RTE_CTE &&
				is_volatile_cte((RangeTblEntry *) node, search);
		case T_Query:
			{
				HiddenSearch inner = {search->root, search->depth + 1, search->finds_locks};

				/* Those of the query itself are taken above our nodes. */
				if (search->finds_locks && search->depth >= 0 &&
					((Query *) node)->rowMarks != NIL)
					return true;
				return query_tree_walker((Query *) node, find_hidden, &inner,
										 QTW_EXAMINE_RTES_BEFORE |
										 QTW_IGNORE_JOINALIASES);
			}
		default:
			break;
	}
	return expression_tree_walker(node, find_hidden, context);
}

bool
inf_is_volatile(PlannerInfo *root, Node *expression)
{
	HiddenSearch search = {root, 0, true};

	return contain_volatile_functions(expression) ||
		find_hidden(expression, &search);
}

bool
inf_reads_volatile(Node *node, void *context)
{
	PlannerInfo *root = context;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Param) || ((Param *) node)->paramkind != PARAM_EXEC)
		return expression_tree_walker(node, inf_reads_volatile, context);
	for (; root != NULL; root = root->parent_root)
		foreach(lc, root->init_plans)
			if (list_member_int(lfirst_node(SubPlan, lc)->setParam,
								((Param *) node)->paramid))
				return is_volatile_subplan(root, lfirst_node(SubPlan, lc));
	return false;
}

/* What is computed for a row that is there does not make the row. */
bool
inf_has_volatile_rows(PlannerInfo *root, bool may_stop)
{
	Query		rows = *root->parse;

	rows.targetList = NIL;
	rows.returningList = NIL;
	rows.onConflict = NULL;
	inf_clear_merge_actions(&rows);

	/* Those that are read are found by what reads them. */
	rows.cteList = NIL;
	return is_volatile_query(root, &rows, may_stop);
}

bool
inf_gives_volatile(PlannerInfo *root, const Path *path)
{
	ListCell   *lc;

	/* A sort has read all rows before it gives the first. */
	if (IsA(path, SortPath))
		return false;
	if (inf_is_volatile(root, (Node *) path->pathtarget->exprs))
		return true;
	switch (nodeTag(path))
	{
		case T_ProjectionPath:
			return inf_gives_volatile(root, ((const ProjectionPath *) path)->subpath);
		case T_ProjectSetPath:
			return inf_gives_volatile(root, ((const ProjectSetPath *) path)->subpath);
		case T_IncrementalSortPath:
			return inf_gives_volatile(root, ((const IncrementalSortPath *) path)->spath.subpath);
		case T_AggPath:
			return inf_gives_volatile(root, ((const AggPath *) path)->subpath);
		case T_GroupPath:
			return inf_gives_volatile(root, ((const GroupPath *) path)->subpath);
		case T_GroupingSetsPath:
			return inf_gives_volatile(root, ((const GroupingSetsPath *) path)->subpath);
		case T_WindowAggPath:
			return inf_gives_volatile(root, ((const WindowAggPath *) path)->subpath);
		case T_InfUniquePath:
			return inf_gives_volatile(root, ((const InfUniquePath *) path)->subpath);
		case T_CustomPath:
			return inf_gives_volatile(root, linitial(((const CustomPath *) path)->custom_paths));
		case T_AppendPath:
			foreach(lc, ((const AppendPath *) path)->subpaths)
				if (inf_gives_volatile(root, lfirst(lc)))
					return true;
			return false;
		case T_MergeAppendPath:
			foreach(lc, ((const MergeAppendPath *) path)->subpaths)
				if (inf_gives_volatile(root, lfirst(lc)))
					return true;
			return false;
		default:
			return false;
	}
}
