/*
 * batch_merge.c
 *		Calls in the actions of MERGE.
 *
 * The rows of a MERGE come from a join of the source and the target, and what an
 * action writes is computed by the node that writes it.  Calls there become
 * columns of the join's rows, made for the rows that come to the action: those
 * of its kind of match for which the conditions of the actions before it are
 * not true, and its own is.
 *
 * These conditions may look at the target, which the join has but does not hand
 * on: the planner is made to, as far as our node.  It must not go further: if
 * somebody else has changed the target's row meanwhile, the actions look at the
 * new one, but at the join's old row.  So calls over the target's columns are
 * left alone, and an action that a row comes to only then makes its call itself.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/tlist.h"

#include "base/compat.h"
#include "executor/batch_merge.h"
#include "executor/batch_node.h"
#include "executor/batch_target.h"
#include "executor/call_condition.h"
#include "executor/call_search.h"
#include "executor/volatile_search.h"

#if INF_HAVE_MERGE

/* Names columns that only our node is to see. */
#define COLUMN_FOR_US "inference merge condition"

/* Of the join that gives the rows, a MERGE's only item in FROM; NULL: unlike. */
static JoinExpr *
find_join(const Query *query)
{
	Node	   *item = query->jointree->fromlist ?
		linitial(query->jointree->fromlist) : NULL;

	return item && IsA(item, JoinExpr) ? (JoinExpr *) item : NULL;
}

/* Columns of the target that the conditions of the actions look at. */
static List *
columns_of_conditions(const Query *query)
{
	List	   *conditions = list_make1(inf_merge_join_condition(query));
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, query->mergeActionList)
		conditions = lappend(conditions, lfirst_node(MergeAction, lc)->qual);
	foreach(lc, pull_var_clause((Node *) conditions, PVC_INCLUDE_PLACEHOLDERS))
	{
		Var		   *var = lfirst(lc);

		if (IsA(var, Var) && var->varno == query->resultRelation && var->varattno > 0)
			columns = list_append_unique(columns, var);
	}
	return columns;
}

void
inf_merge_want_columns(PlannerInfo *root)
{
	Query	   *query = root->parse;
	JoinExpr   *join = find_join(query);
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		const char *name = lfirst_node(TargetEntry, lc)->resname;

		if (name && strcmp(name, COLUMN_FOR_US) == 0)
			return;				/* another call was found before */
	}
	if (join == NULL)
		return;
	foreach(lc, columns_of_conditions(query))
	{
		Var		   *var = copyObject(lfirst_node(Var, lc));

		if (join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL)
			inf_set_nulling_join(var, join->rtindex);
		query->targetList = lappend(query->targetList,
									makeTargetEntry((Expr *) var,
													list_length(query->targetList) + 1,
													pstrdup(COLUMN_FOR_US), true));
	}
}

/*
 * What the actions for one kind of match evaluate for a row, as an expression:
 * CASE WHEN it is of another kind THEN nothing WHEN condition THEN targets ...
 */
static Node *
evaluated_by_kind(const Query *query, int kind, Expr *is_other)
{
	CaseExpr   *expr = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	ListCell   *lc;

	when->expr = is_other;
	when->result = (Expr *) makeBoolConst(false, true);
	expr->args = list_make1(when);
	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		if (inf_merge_kind(action) != kind)
			continue;
		if (action->qual == NULL)
		{
			/* All rows that are left; there is nothing behind it. */
			expr->defresult = (Expr *) action->targetList;
			break;
		}
		when = makeNode(CaseWhen);
		when->expr = make_ands_explicit((List *) action->qual);
		when->result = (Expr *) action->targetList;
		expr->args = lappend(expr->args, when);
	}
	return (Node *) expr;
}

/* What the actions evaluate for rows of the join. */
static List *
evaluated_by_actions(const Query *query, Expr *row_identity)
{
	/* a row of the join has one of the target, or has not */
	Expr	   *target = inf_condition_null_test(row_identity, IS_NOT_NULL);
	Expr	   *no_target = inf_condition_null_test(row_identity, IS_NULL);
	Expr	   *matches = make_ands_explicit((List *) inf_merge_join_condition(query));
	Expr	   *matches_not = inf_condition_boolean_test(matches, IS_NOT_TRUE);

	return list_make3(evaluated_by_kind(query, INF_MERGE_NOT_MATCHED, target),
					  evaluated_by_kind(query, INF_MERGE_MATCHED,
										make_orclause(list_make2(no_target, matches_not))),
					  evaluated_by_kind(query, INF_MERGE_NOT_MATCHED_BY_SOURCE,
										make_orclause(list_make2(no_target,
																 inf_condition_boolean_test(matches, IS_TRUE)))));
}

typedef struct Columns
{
	Index		target;			/* relation */
	List	   *available;		/* in the rows of the join */
	bool		is_missing;		/* there is one that is not */
} Columns;

/* Columns of the target, as actions name them, as the join gives them. */
static Node *
name_as_join(Node *node, void *context)
{
	Columns    *columns = context;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var) || ((Var *) node)->varno != columns->target)
		return expression_tree_mutator(node, name_as_join, context);
	foreach(lc, columns->available)
	{
		Var		   *var = lfirst(lc);

		if (IsA(var, Var) && var->varno == columns->target &&
			var->varattno == ((Var *) node)->varattno)
			return copyObject((Node *) var);
	}
	columns->is_missing = true;
	return node;
}

static bool
has_column_of(Node *node, Index relation)
{
	ListCell   *lc;

	foreach(lc, pull_var_clause(node, PVC_INCLUDE_PLACEHOLDERS))
		if (!IsA(lfirst(lc), Var) || lfirst_node(Var, lc)->varno == relation)
			return true;
	return false;
}

/* Of the calls of the actions, those that can be made over rows of the join. */
static List *
find_calls(const BatchInputs *join, List *evaluated, List **conditions)
{
	Index		target = join->root->parse->resultRelation;
	List	   *calls = NIL;
	ListCell   *lc;

	*conditions = NIL;
	foreach(lc, inf_batch_calls_in(join, (Node *) evaluated))
	{
		FuncExpr   *call = lfirst_node(FuncExpr, lc);
		Columns		columns = {target, join->exprs, false};
		Expr	   *condition = inf_batch_condition(join, (Node *) evaluated, call);

		condition = (Expr *) name_as_join((Node *) condition, &columns);
		if (columns.is_missing || has_column_of((Node *) call->args, target) ||
			!inf_batch_can_compute(join, list_make2(call->args, condition)))
			continue;
		calls = lappend(calls, call);
		*conditions = lappend(*conditions, condition);
	}
	return calls;
}

/*
 * The column that has the answer of a call.  It must not look like the call, or
 * that would be taken for it wherever it stands.
 */
static Expr *
make_column(FuncExpr *call)
{
	return (Expr *) makeRelabelType((Expr *) copyObject(call), call->funcresulttype,
									-1, InvalidOid, COERCE_IMPLICIT_CAST);
}

/* In place of a call: the column, or if that is null, the call. */
static Node *
use_column(Node *node, void *context)
{
	List	   *calls = context;
	CoalesceExpr *expr;

	if (node == NULL)
		return NULL;
	if (!list_member(calls, node))
		return expression_tree_mutator(node, use_column, context);
	expr = makeNode(CoalesceExpr);
	expr->coalescetype = ((FuncExpr *) node)->funcresulttype;
	expr->args = list_make2(make_column((FuncExpr *) node), node);
	expr->location = -1;
	return (Node *) expr;
}

/* The actions for each table that is written, with columns in place of calls. */
static List *
use_columns(List *action_lists, List *calls)
{
	List	   *result = NIL;
	ListCell   *list;

	foreach(list, action_lists)
	{
		List	   *actions = NIL;
		ListCell   *lc;

		foreach(lc, lfirst_node(List, list))
		{
			MergeAction *action = copyObject(lfirst_node(MergeAction, lc));

			action->qual = use_column(action->qual, calls);
			action->targetList = (List *) use_column((Node *) action->targetList, calls);
			actions = lappend(actions, action);
		}
		result = lappend(result, actions);
	}
	return result;
}

/* What identifies the target's row; NULL: it is no table. */
static Expr *
find_row_identity(List *tlist)
{
	ListCell   *lc;

	foreach(lc, tlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (entry->resname && strcmp(entry->resname, "ctid") == 0)
			return entry->expr;
	}
	return NULL;
}

/* What the join gives, without what is only for us, and the answers of calls. */
static PathTarget *
make_target(PlannerInfo *root, List *calls)
{
	PathTarget *target = create_empty_pathtarget();
	List	   *tlist = NIL;
	ListCell   *lc;

	foreach(lc, root->processed_tlist)
	{
		TargetEntry *entry = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));

		if (entry->resname && strcmp(entry->resname, COLUMN_FOR_US) == 0)
			continue;
		entry->resno = list_length(tlist) + 1;
		tlist = lappend(tlist, entry);
		add_column_to_pathtarget(target, entry->expr, entry->ressortgroupref);
	}
	foreach(lc, calls)
	{
		Expr	   *column = make_column(lfirst_node(FuncExpr, lc));

		tlist = lappend(tlist, makeTargetEntry(column, list_length(tlist) + 1, NULL, true));
		add_column_to_pathtarget(target, column, 0);
	}
	root->processed_tlist = tlist;
	return set_pathtarget_cost_width(root, target);
}

static void
batch_actions(Reader reader, ModifyTablePath *path, bool may_batch)
{
	PlannerInfo *root = reader.root;
	Path	   *join = path->subpath;
	PathTarget *child_target = copy_pathtarget(join->pathtarget);
	BatchInputs inputs = {root, join->pathtarget->exprs, false, false, false};
	Expr	   *row_identity = find_row_identity(root->processed_tlist);
	List	   *calls = NIL;
	List	   *conditions = NIL;
	PathTarget *target;

	if (row_identity && may_batch && !inf_gives_volatile(root, join) &&
		inf_batch_can_name_rows(root, (Node *) join->pathtarget->exprs))
		calls = find_calls(&inputs, evaluated_by_actions(root->parse, row_identity),
						   &conditions);
	inf_batch_add_arguments(child_target, &inputs, calls, conditions);
	if (!inf_batch_has_room(child_target))
		calls = NIL;
	target = make_target(root, calls);
	if (calls == NIL)
	{
		if (list_length(target->exprs) < list_length(join->pathtarget->exprs))
			path->subpath = (Path *) create_projection_path(root, join->parent, join,
															target);
		return;
	}
	path->subpath = inf_batch_make_path(reader, join,
										set_pathtarget_cost_width(root, child_target),
										target, calls, conditions);
	path->mergeActionLists = use_columns(path->mergeActionLists, calls);
}

void
inf_merge_batch(Reader reader, RelOptInfo *rel, bool may_batch)
{
	Path	   *cheapest = NULL;
	ListCell   *lc;

	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);

		if (cheapest == NULL || path->total_cost < cheapest->total_cost)
			cheapest = path;
	}
	if (cheapest == NULL || !IsA(cheapest, ModifyTablePath))
		return;

	/* What all paths share is changed for this one. */
	rel->pathlist = list_make1(cheapest);
	batch_actions(reader, (ModifyTablePath *) cheapest, may_batch);
}

#else

void
inf_merge_want_columns(PlannerInfo *root)
{
}

void
inf_merge_batch(Reader reader, RelOptInfo *rel, bool may_batch)
{
}

#endif
