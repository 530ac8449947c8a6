/*
 * call_search.c
 *		Finds calls in expressions, and takes them out.
 *
 * A call may be made for each row whatever that holds, or only for some, if it
 * stands in CASE, COALESCE, AND or OR: then it is found if what decides about it
 * can be evaluated beforehand (call_condition.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "executor/call_condition.h"
#include "executor/call_search.h"
#include "executor/constant_call.h"
#include "executor/volatile_search.h"

bool
inf_batch_is_call(Oid function, BatchCallKind *kind)
{
	static const struct
	{
		const char *symbol;
		BatchCallKind kind;
	}			symbols[] = {
		{"inference_embed", BATCH_CALL_EMBED},
		{"inference_sparse", BATCH_CALL_SPARSE},
		{"inference_infer", BATCH_CALL_INFER},
		{"inference_infer_with_task", BATCH_CALL_INFER_TASK}
	};
	HeapTuple	tuple;
	Form_pg_proc proc;
	char	   *symbol;
	bool		found = false;

	/* Few functions have one, so this is cheap for all others. */
	if (!OidIsValid(get_func_support(function)))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	if (proc->prolang == ClanguageId)
	{
		bool		isnull;
		Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc,
											 &isnull);

		symbol = TextDatumGetCString(source);
		for (int i = 0; i < lengthof(symbols) && !found; i++)
		{
			found = strcmp(symbol, symbols[i].symbol) == 0;
			*kind = symbols[i].kind;
		}
	}
	ReleaseSysCache(tuple);
	return found;
}

bool
inf_batch_has_calls(Node *node, void *context)
{
	BatchCallKind kind;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && inf_batch_is_call(((FuncExpr *) node)->funcid, &kind))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, inf_batch_has_calls, context, 0);
	return expression_tree_walker(node, inf_batch_has_calls, context);
}

typedef struct CallSearch
{
	const BatchInputs *inputs;
	List	   *branches;		/* around what is looked at, outermost first */
	List	   *calls;			/* different ones found */
	List	   *conditions;		/* for each call: when it is made; NULL: always */
	List	   *places;			/* for each call: how often it stands there */
} CallSearch;

static bool find_calls(Node *node, void *context);

/*
 * A call has been found, in the branches that are being looked at.  Arguments of
 * one that may not be made are evaluated beside the answers of other calls, which
 * are not there yet: so they must not be made of these.
 */
static bool
add_call(CallSearch *search, FuncExpr *call)
{
	Expr	   *condition = search->branches ? inf_condition_of(search->branches) : NULL;
	ListCell   *other;
	ListCell   *its_condition;
	ListCell   *its_places;

	if (!inf_call_varies(call->args) ||
		inf_is_volatile(search->inputs->root, (Node *) call) ||
		inf_condition_has_case_test((Node *) call->args, NULL) ||
		inf_condition_has_case_test((Node *) condition, NULL))
		return true;
	if (condition && inf_batch_has_calls((Node *) call->args, NULL))
		return false;
	forthree(other, search->calls, its_condition, search->conditions,
			 its_places, search->places)
	{
		if (!equal(lfirst(other), call))
			continue;
		lfirst_int(its_places)++;
		lfirst(its_condition) = condition && lfirst(its_condition) ?
			inf_condition_either(lfirst(its_condition), condition) : NULL;
		return true;
	}
	search->calls = lappend(search->calls, call);
	search->conditions = lappend(search->conditions, condition);
	search->places = lappend_int(search->places, 1);
	return true;
}

/* Calls that are made for some rows only are found if it can be said for which. */
static void
find_in_branch(CallSearch *search, Expr *arg, List *before, Expr *last,
			   Expr *expression)
{
	Branch		branch = {arg, before, last};

	if (before == NIL && last == NULL)
		(void) find_calls((Node *) expression, search);
	else if (inf_batch_has_calls((Node *) expression, NULL) &&
			 inf_condition_is_decidable(&branch))
	{
		search->branches = lappend(search->branches, &branch);
		(void) find_calls((Node *) expression, search);
		search->branches = list_delete_last(search->branches);
	}
}

static void
find_in_case(CaseExpr *expr, CallSearch *search)
{
	List	   *before = NIL;
	ListCell   *lc;

	(void) find_calls((Node *) expr->arg, search);
	foreach(lc, expr->args)
	{
		CaseWhen   *when = lfirst_node(CaseWhen, lc);

		find_in_branch(search, expr->arg, before, NULL, when->expr);
		find_in_branch(search, expr->arg, before, when->expr, when->result);
		before = lappend(before, when->expr);
	}
	find_in_branch(search, expr->arg, before, NULL, expr->defresult);
}

/* The first that is not null ends the evaluation. */
static void
find_in_coalesce(CoalesceExpr *expr, CallSearch *search)
{
	List	   *before = NIL;
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		find_in_branch(search, NULL, before, NULL, lfirst(lc));
		before = lappend(before, inf_condition_null_test(lfirst(lc), IS_NOT_NULL));
	}
}

/* The first that is false ends an AND, the first that is true an OR. */
static void
find_in_and_or(BoolExpr *expr, CallSearch *search)
{
	List	   *before = NIL;
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		find_in_branch(search, NULL, before, NULL, lfirst(lc));
		before = lappend(before,
						 inf_condition_boolean_test(lfirst(lc),
													expr->boolop == AND_EXPR ?
													IS_FALSE : IS_TRUE));
	}
}

/* Finds calls, but not in what comes from below, and when they are made. */
static bool
find_calls(Node *node, void *context)
{
	CallSearch *search = context;
	BatchCallKind kind;

	if (node == NULL || inf_batch_comes_from_below(search->inputs, node))
		return false;
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			if (inf_batch_is_call(((FuncExpr *) node)->funcid, &kind))
			{
				if (add_call(search, (FuncExpr *) node))
					return false;
			}
			break;
		case T_CaseExpr:
			find_in_case((CaseExpr *) node, search);
			return false;
		case T_CoalesceExpr:
			find_in_coalesce((CoalesceExpr *) node, search);
			return false;
		case T_BoolExpr:
			if (((BoolExpr *) node)->boolop == NOT_EXPR)
				break;
			find_in_and_or((BoolExpr *) node, search);
			return false;
		case T_PlaceHolderVar:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ConvertRowtypeExpr:
		case T_CoerceToDomain:
		case T_CollateExpr:
		case T_FieldSelect:
		case T_SubscriptingRef:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_MinMaxExpr:
		case T_XmlExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_TargetEntry:
		case T_List:
			break;
		case T_ArrayCoerceExpr:
			/* its other expression is over the elements */
			return find_calls((Node *) ((ArrayCoerceExpr *) node)->arg, search);
		default:
			if (!inf_is_json_constructor(node))
				return false;
	}
	return expression_tree_walker(node, find_calls, context);
}

List *
inf_batch_calls_in(const BatchInputs *inputs, Node *expression)
{
	CallSearch	search = {.inputs = inputs};

	(void) find_calls(expression, &search);
	return search.calls;
}

Expr *
inf_batch_condition(const BatchInputs *inputs, Node *expression,
					const FuncExpr *call)
{
	CallSearch	search = {.inputs = inputs};
	ListCell   *found;
	ListCell   *condition;

	(void) find_calls(expression, &search);
	forboth(found, search.calls, condition, search.conditions)
		if (equal(lfirst(found), call))
			return lfirst(condition);
	return NULL;
}

typedef struct PlaceCount
{
	const BatchInputs *inputs;
	const FuncExpr *call;
	int			nplaces;
} PlaceCount;

static bool
count_places(Node *node, void *context)
{
	PlaceCount *count = context;

	if (node == NULL || inf_batch_comes_from_below(count->inputs, node))
		return false;
	if (equal(node, count->call))
	{
		count->nplaces++;
		return false;
	}
	return expression_tree_walker(node, count_places, context);
}

List *
inf_batch_calls_known_in(const BatchInputs *inputs, Node *expression,
						 Node *computed)
{
	CallSearch	search = {.inputs = inputs};
	List	   *calls = NIL;
	ListCell   *call;
	ListCell   *condition;
	ListCell   *places;

	(void) find_calls(expression, &search);
	forthree(call, search.calls, condition, search.conditions, places, search.places)
	{
		PlaceCount	count = {inputs, lfirst_node(FuncExpr, call), 0};

		if (lfirst(condition))
			(void) count_places(computed, &count);
		if (lfirst(condition) == NULL || count.nplaces == lfirst_int(places))
			calls = lappend(calls, lfirst(call));
	}
	return calls;
}
