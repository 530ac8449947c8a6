/*
 * constant_call.c
 *		Makes a call without columns run once per statement.
 *
 * A STABLE function with constant arguments is evaluated while planning, to
 * estimate selectivities and to prune partitions, and then again for each row
 * that sorts by it.  Each would be a request.  So the planner is given, in
 * place of such a call, a scalar sub-select over a twin of the function, which
 * it turns into an InitPlan: nothing is asked while planning, and the executor
 * asks once.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/guc.h"
#include "executor/batch_merge.h"
#include "executor/batch_values.h"
#include "executor/call_search.h"
#include "executor/constant_call.h"

PG_FUNCTION_INFO_V1(_inference_call_support);

static bool
varies(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Aggref:
		case T_GroupingFunc:
		case T_WindowFunc:
		case T_SubLink:
		case T_SubPlan:
		case T_AlternativeSubPlan:
		case T_PlaceHolderVar:
		case T_CaseTestExpr:
		case T_CoerceToDomainValue:
		case T_SetToDefault:
		case T_CurrentOfExpr:
		case T_NextValueExpr:
			return true;
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN;
		case T_FuncExpr:
			if (((FuncExpr *) node)->funcretset)
				return true;
			break;
		case T_OpExpr:
			if (((OpExpr *) node)->opretset)
				return true;
			break;
		default:
			break;
	}
	return expression_tree_walker(node, varies, context);
}

bool
inf_call_varies(List *args)
{
	return varies((Node *) args, NULL);
}

/* The twin of a function: "_" name "_once" (regprocedure, its arguments). */
static Oid
find_twin(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	Oid			types[FUNC_MAX_ARGS];
	char	   *name;
	Oid			twin;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	types[0] = REGPROCEDUREOID;
	memcpy(&types[1], proc->proargtypes.values, proc->pronargs * sizeof(Oid));
	name = psprintf("_%s_once", NameStr(proc->proname));
	twin = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(types, proc->pronargs + 1)),
						   ObjectIdGetDatum(proc->pronamespace));
	ReleaseSysCache(tuple);
	return twin;
}

/* twin(function, arguments ...) */
static FuncExpr *
make_twin_call(const FuncExpr *call, Oid twin)
{
	Const	   *stands_for = makeConst(REGPROCEDUREOID, -1, InvalidOid,
									   sizeof(Oid),
									   ObjectIdGetDatum(call->funcid),
									   false, true);

	return makeFuncExpr(twin, call->funcresulttype,
						lcons(stands_for, copyObject(call->args)),
						call->funccollid, call->inputcollid,
						COERCE_EXPLICIT_CALL);
}

/* (SELECT twin(function, arguments ...)) */
static Node *
make_sub_select(const FuncExpr *call, Oid twin)
{
	Query	   *query = makeNode(Query);
	SubLink    *sublink = makeNode(SubLink);

	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->jointree = makeFromExpr(NIL, NULL);
	query->targetList = list_make1(makeTargetEntry((Expr *) make_twin_call(call, twin),
												   1, pstrdup("embedding"), false));
	sublink->subLinkType = EXPR_SUBLINK;
	sublink->subselect = (Node *) query;
	sublink->location = call->location;
	return (Node *) sublink;
}

/*
 * Whether this is a query of one bare expression, SELECT f(...), which is
 * evaluated once anyway.  PL/pgSQL takes the expression out of such a plan and
 * evaluates it by itself, without the InitPlans that stand beside it; this is
 * its test (exec_is_simple_query) as things stand here, where the planner has
 * given the query without a table its one RTE_RESULT.  It must take in all
 * that PL/pgSQL's does, but no sub-select, which may run once per row, and no
 * LIMIT, which the planner evaluates for its estimate.
 */
static bool
is_bare_expression(const PlannerInfo *root)
{
	const Query *query = root->parse;

	return root->query_level == 1 &&
		query->commandType == CMD_SELECT &&
		list_length(query->rtable) == 1 &&
		linitial_node(RangeTblEntry, query->rtable)->rtekind == RTE_RESULT &&
		query->cteList == NIL &&
		query->jointree->quals == NULL &&
		query->limitOffset == NULL &&
		query->limitCount == NULL &&
		query->setOperations == NULL &&
		!query->hasTargetSRFs &&
		list_length(query->targetList) == 1;
}

Node *
inf_call_make_once(Node *node, void *context)
{
	BatchCallKind kind;
	Node	   *result;
	Oid			twin;

	if (node == NULL)
		return NULL;
	result = expression_tree_mutator(node, inf_call_make_once, context);
	if (!IsA(node, FuncExpr) ||
		!inf_batch_is_call(((FuncExpr *) node)->funcid, &kind) ||
		inf_call_varies(((FuncExpr *) node)->args) ||
		contain_volatile_functions((Node *) ((FuncExpr *) node)->args))
		return result;
	twin = find_twin(((FuncExpr *) node)->funcid);
	return OidIsValid(twin) ? (Node *) make_twin_call((FuncExpr *) result, twin) : result;
}

static Node *
simplify_call(SupportRequestSimplify *request)
{
	Oid			twin;

	/* Without a query around it there is nobody to plan a sub-select. */
	if (request->root == NULL || request->root->parse == NULL ||
		is_bare_expression(request->root))
		return NULL;
	if (inf_call_varies(request->fcall->args) ||
		contain_volatile_functions((Node *) request->fcall->args))
	{
		if (inf_guc_batching && inf_is_merge(request->root->parse))
			inf_merge_want_columns(request->root);
		return NULL;
	}
	twin = find_twin(request->fcall->funcid);
	if (!OidIsValid(twin))
		return NULL;

	/* Those are batched: see batch_values.c. */
	if (inf_guc_batching &&
		inf_values_hold_calls(request->root->parse, request->fcall->funcid))
		return NULL;

	/*
	 * Constants also come in late, when the arms of a UNION ALL take the
	 * place of its columns.  Sub-selects are not planned any more then, so
	 * the call stays where it is.
	 */
	if (request->root->simple_rel_array != NULL)
		return (Node *) make_twin_call(request->fcall, twin);
	request->root->parse->hasSubLinks = true;
	return make_sub_select(request->fcall, twin);
}

Datum
_inference_call_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(simplify_call((SupportRequestSimplify *) request));
	PG_RETURN_POINTER(NULL);
}
