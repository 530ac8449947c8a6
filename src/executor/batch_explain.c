/*
 * batch_explain.c
 *		Says in EXPLAIN which calls over rows are not batched.
 *
 * Whoever wonders why a statement is slow should not have to know the rules of
 * batch_plan.c.  The planner tells, query by query, which calls it has batched;
 * the others that a query holds are listed below the plan, in text format: the
 * others have no place for it.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "nodes/nodeFuncs.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "executor/batch_explain.h"
#include "executor/batch_filter.h"
#include "executor/call_search.h"
#include "executor/constant_call.h"

static ExplainOneQuery_hook_type next_hook = NULL;

/* While EXPLAIN plans: names of the functions, one for each call. */
static bool is_explaining = false;
static List *not_batched = NIL;

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

void
inf_batch_note_calls(PlannerInfo *root, List *batched)
{
	Query	   *query = root->parse;
	CallWalk	of_rows = {batched, NIL};
	CallWalk	of_filters = {NIL, NIL};
	CallWalk	of_where = {NIL, NIL};

	if (!is_explaining)
		return;
	of_where.batched = inf_filter_calls(root);
	(void) find_others((Node *) query->targetList, &of_rows);
	(void) find_others(query->havingQual, &of_rows);
	(void) find_others((Node *) inf_merge_actions(query), &of_rows);

	(void) find_others((Node *) query->jointree, &of_where);

	/* Nothing here is ever batched, though the same call may be above. */
	(void) find_others((Node *) query->returningList, &of_filters);
	(void) find_others((Node *) query->onConflict, &of_filters);
	(void) range_table_walker(query->rtable, find_others, &of_filters,
							  QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES |
							  QTW_IGNORE_JOINALIASES | QTW_IGNORE_GROUPEXPRS);
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

static void
explain_query(Query *query, int cursor_options, IntoClause *into,
			  ExplainState *es, const char *text, ParamListInfo params,
			  QueryEnvironment *environment)
{
	List	   *calls = NIL;

	if (es->format == EXPLAIN_FORMAT_TEXT && query->commandType != CMD_UTILITY)
		calls = find_calls_not_batched(query, cursor_options, text, params);
	if (next_hook)
		next_hook(query, cursor_options, into, es, text, params, environment);
	else
		standard_ExplainOneQuery(query, cursor_options, into, es, text, params,
								 environment);
	if (calls != NIL)
		ExplainPropertyList("Calls Not Batched", calls, es);
}

void
inf_batch_explain_init(void)
{
	next_hook = ExplainOneQuery_hook;
	ExplainOneQuery_hook = explain_query;
}
