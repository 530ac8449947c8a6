/*
 * batch_explain.c
 *		Says in EXPLAIN which calls over rows are not batched.
 *
 * Whoever wonders why a statement is slow should not have to know the rules of
 * batch_plan.c.  The planner tells, query by query, which calls it has batched;
 * the others that a query holds are listed below the plan.
 *
 * The first EXPLAIN of a session may be what loads this library, when it plans,
 * and then it has not come to our hook: its calls are listed in a NOTICE.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "base/compat.h"
#include "executor/batch_explain.h"
#include "executor/batch_filter.h"
#include "executor/call_search.h"
#include "executor/constant_call.h"

static ExplainOneQuery_hook_type next_hook = NULL;

/* While EXPLAIN plans: names of the functions, one for each call. */
static bool is_explaining = false;
static List *not_batched = NIL;

/* The EXPLAIN that has loaded this library is not done yet. */
static bool loaded_by_explain = false;

typedef struct CallWalk
{
	const List *batched;
	List	   *seen;
} CallWalk;

/* Other queries are planned by themselves. */
static bool
find_others(Node *node, void *context)
{
	CallWalk   *walk = context;
	BatchCallKind kind;
	FuncExpr   *call;

	if (node == NULL || IsA(node, Query))
		return false;
	call = IsA(node, FuncExpr) ? (FuncExpr *) node : NULL;
	if (call && inf_batch_is_call(call->funcid, &kind) && inf_call_varies(call->args) &&
		!list_member(walk->batched, call) && !list_member(walk->seen, call))
	{
		walk->seen = lappend(walk->seen, call);
		not_batched = lappend(not_batched, get_func_name(call->funcid));
	}
	return expression_tree_walker(node, find_others, context);
}

/* A table that is read for a relation: itself, or its first child; or NULL. */
static const RelOptInfo *
first_table(PlannerInfo *root, Index relid)
{
	ListCell   *lc;

	if (!planner_rt_fetch(relid, root)->inh)
		return root->simple_rel_array[relid];
	foreach(lc, root->append_rel_list)
		if (lfirst_node(AppendRelInfo, lc)->parent_relid == relid)
			return first_table(root, lfirst_node(AppendRelInfo, lc)->child_relid);
	return NULL;
}

/* The arms of a UNION ALL have become part of the query. */
static void
find_calls_of_arm(PlannerInfo *root, const AppendRelInfo *arm, CallWalk *walk)
{
	const RelOptInfo *table = first_table(root, arm->child_relid);

	if (planner_rt_fetch(arm->parent_relid, root)->rtekind == RTE_SUBQUERY && table)
		(void) find_others((Node *) table->reltarget->exprs, walk);
}

static void
find_calls_of_query(PlannerInfo *root, List *batched)
{
	Query	   *query = root->parse;
	CallWalk	of_rows = {batched, NIL};
	CallWalk	of_filters = {NIL, NIL};
	CallWalk	of_where = {inf_filter_calls(root), NIL};
	ListCell   *lc;

	(void) find_others((Node *) query->targetList, &of_rows);
	(void) find_others(query->havingQual, &of_rows);
	(void) find_others((Node *) inf_merge_actions(query), &of_rows);

	(void) find_others((Node *) query->jointree, &of_where);

	foreach(lc, root->append_rel_list)
		find_calls_of_arm(root, lfirst_node(AppendRelInfo, lc), &of_rows);

	/* Nothing here is ever batched, though the same call may be above. */
	(void) find_others((Node *) query->returningList, &of_filters);
	(void) find_others((Node *) query->onConflict, &of_filters);
	(void) range_table_walker(query->rtable, find_others, &of_filters,
							  QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES |
							  QTW_IGNORE_JOINALIASES | QTW_IGNORE_GROUPEXPRS);
}

/* Whether the statement that runs is an EXPLAIN. */
static bool
in_explain(void)
{
	return ActivePortal != NULL && ActivePortal->commandTag == CMDTAG_EXPLAIN;
}

/* For the EXPLAIN that has loaded us. */
static void
tell_calls(void)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, not_batched)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", (char *) lfirst(lc));
	if (names.len > 0)
		ereport(NOTICE,
				(errmsg("calls not batched: %s", names.data),
				 errdetail("From now on, EXPLAIN in this session shows them below the plan.")));
}

void
inf_batch_note_calls(PlannerInfo *root, List *batched)
{
	bool		is_first = loaded_by_explain && in_explain();

	if (!is_explaining && !is_first)
		return;
	find_calls_of_query(root, batched);
	if (is_explaining || root->query_level > 1)
		return;
	tell_calls();
	loaded_by_explain = false;
	not_batched = NIL;
}

/* Plans once more, only to be told. */
static List *
find_calls_not_batched(Query *query, int cursor_options, const char *text,
					   ParamListInfo params)
{
	not_batched = NIL;
	is_explaining = true;
	PG_TRY();
	{
		(void) pg_plan_query(copyObject(query), text, cursor_options, params, NULL);
	}
	PG_FINALLY();
	{
		is_explaining = false;
	}
	PG_END_TRY();
	return not_batched;
}

/* Takes back what closed the group of a query, so that more can go into it. */
static bool
reopen_query(ExplainState *es)
{
	char	   *end = "";
	int			length;

	if (es->format == EXPLAIN_FORMAT_JSON)
		end = psprintf("\n%*s}", 2 * es->indent, "");
	else if (es->format == EXPLAIN_FORMAT_XML)
		end = psprintf("%*s</Query>\n", 2 * es->indent, "");
	length = strlen(end);
	if (es->str->len < length ||
		strcmp(es->str->data + es->str->len - length, end) != 0)
		return false;
	es->str->len -= length;
	es->str->data[es->str->len] = '\0';
	es->indent++;
	if (es->format != EXPLAIN_FORMAT_XML)
		es->grouping_stack = lcons_int(1, es->grouping_stack);
	return true;
}

static void
list_calls(List *calls, ExplainState *es)
{
	if (es->format == EXPLAIN_FORMAT_TEXT)
		ExplainPropertyList("Calls Not Batched", calls, es);
	else if (reopen_query(es))
	{
		ExplainPropertyList("Calls Not Batched", calls, es);
		ExplainCloseGroup("Query", NULL, true, es);
	}
}

static void
explain_query(Query *query, int cursor_options, IntoClause *into,
			  ExplainState *es, const char *text, ParamListInfo params,
			  QueryEnvironment *environment)
{
	List	   *calls = NIL;

	loaded_by_explain = false;
	if (query->commandType != CMD_UTILITY)
		calls = find_calls_not_batched(query, cursor_options, text, params);
	if (next_hook)
		next_hook(query, cursor_options, into, es, text, params, environment);
	else
		standard_ExplainOneQuery(query, cursor_options, into, es, text, params,
								 environment);
	if (calls != NIL)
		list_calls(calls, es);
}

static Node *
without_windows(Node *node, void *context)
{
	if (node && IsA(node, WindowFunc))
	{
		const WindowFunc *window = (const WindowFunc *) node;

		node = (Node *) makeFuncExpr(window->winfnoid, window->wintype, window->args,
									 window->wincollid, window->inputcollid,
									 COERCE_EXPLICIT_CALL);
	}
	return node ? expression_tree_mutator(node, without_windows, context) : NULL;
}

/*
 * From 18 on a window function can be written out at its WindowAgg only, and is
 * an error at any other node, even if that error ends a statement that
 * auto_explain looks at.  The columns of our child are not computed here, so they
 * may say less.  Not before, since it is by them that the planner finds columns.
 */
void
inf_batch_name_windows(CustomScan *scan)
{
	MemoryContext caller;

	if (!contain_windowfuncs((Node *) scan->custom_scan_tlist))
		return;
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(scan));
	scan->custom_scan_tlist =
		(List *) without_windows((Node *) scan->custom_scan_tlist, NULL);
	MemoryContextSwitchTo(caller);
}

void
inf_batch_explain_init(void)
{
	loaded_by_explain = in_explain();
	next_hook = ExplainOneQuery_hook;
	ExplainOneQuery_hook = explain_query;
}
