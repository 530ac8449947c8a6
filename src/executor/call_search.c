/*
 * call_search.c
 *		Finds calls in expressions, and takes them out.
 *
 * A call is looked for where it is made for each row whatever that holds.
 */
#include "postgres.h"

#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "executor/call_search.h"
#include "executor/constant_call.h"

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
	bool		in_scan;		/* what is looked at is computed by a scan */
	List	   *calls;			/* different ones found */
} CallSearch;

/*
 * Finds calls that are made for each row whatever it holds: not below a node
 * that may leave out an argument.
 */
static bool
find_calls(Node *node, void *context)
{
	CallSearch *search = context;
	BatchCallKind kind;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			if (inf_batch_is_call(((FuncExpr *) node)->funcid, &kind))
			{
				if (!contain_volatile_functions(node) &&
					inf_call_varies(((FuncExpr *) node)->args))
					search->calls = list_append_unique(search->calls, node);
				return false;
			}
			break;
		case T_PlaceHolderVar:
			/* above a scan it may come from below */
			if (!search->in_scan)
				return false;
			break;
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
		case T_NullTest:
		case T_BooleanTest:
		case T_TargetEntry:
		case T_List:
			break;
		case T_ArrayCoerceExpr:
			/* its other expression is over the elements */
			return find_calls((Node *) ((ArrayCoerceExpr *) node)->arg, search);
		default:
			return false;
	}
	return expression_tree_walker(node, find_calls, context);
}

bool
inf_batch_is_scan(const Path *path)
{
	return path->parent->reloptkind == RELOPT_BASEREL ||
		path->parent->reloptkind == RELOPT_OTHER_MEMBER_REL;
}

List *
inf_batch_calls_in(const Path *path, Node *expression)
{
	CallSearch	search = {inf_batch_is_scan(path), NIL};

	(void) find_calls(expression, &search);
	return search.calls;
}

Node *
inf_batch_without_calls(Node *node, void *calls)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, FuncExpr) && list_member((List *) calls, node))
		return (Node *) makeNullConst(((FuncExpr *) node)->funcresulttype, -1,
									  InvalidOid);
	return expression_tree_mutator(node, inf_batch_without_calls, calls);
}
