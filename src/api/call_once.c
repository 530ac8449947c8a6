/*
 * call_once.c
 *		Calls without columns, which are made once per statement.
 *
 * The planner puts a twin in place of such a call (executor/constant_call.c): a
 * function that calls its original, and remembers the answer for as long as the
 * statement runs, so that equal calls of it are one request wherever they stand.
 * It may be called by hand, too, and then must not do what its original would
 * not.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/text_encoding.h"
#include "catalog/catalog.h"
#include "pipeline/infer.h"

PG_FUNCTION_INFO_V1(_inference_infer_once);
PG_FUNCTION_INFO_V1(_inference_infer_with_task_once);
PG_FUNCTION_INFO_V1(_inference_embed_once);
PG_FUNCTION_INFO_V1(_inference_sparse_once);

/* Most arguments of an original; the twin has one more, in front. */
#define MAX_ARGUMENTS 3

/*
 * ----------
 * Originals
 * ----------
 */

/* Of a twin "_" name "_once": the function name with the other arguments. */
static Oid
find_original(Oid twin)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(twin));
	Form_pg_proc proc;
	char	   *name;
	Oid			original;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", twin);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	name = pstrdup(NameStr(proc->proname));
	if (strlen(name) > strlen("__once"))
		name[strlen(name) - strlen("_once")] = '\0';
	original = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
							   CStringGetDatum(name + 1),
							   PointerGetDatum(buildoidvector(&proc->proargtypes.values[1],
															  proc->pronargs - 1)),
							   ObjectIdGetDatum(proc->pronamespace));
	ReleaseSysCache(tuple);
	return original;
}

/*
 * The original of the twin that is called.  Whoever calls a twin by hand may
 * name any function as the one it stands for; only its own original counts.
 */
static FmgrInfo *
get_original(FunctionCallInfo fcinfo)
{
	FmgrInfo   *twin = fcinfo->flinfo;
	Oid			original;

	if (twin->fn_extra)
		return twin->fn_extra;
	original = find_original(twin->fn_oid);
	if (!OidIsValid(original) || original != PG_GETARG_OID(0) ||
		getExtensionOfObject(ProcedureRelationId, original) !=
		get_extension_oid(INF_EXTENSION_NAME, true))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function %s cannot be used in place of function %s",
						format_procedure(twin->fn_oid),
						format_procedure(PG_GETARG_OID(0))),
				 errhint("Call inference_embed(), inference_sparse() or inference_infer().")));
	twin->fn_extra = MemoryContextAlloc(twin->fn_mcxt, sizeof(FmgrInfo));
	fmgr_info_cxt(original, twin->fn_extra, twin->fn_mcxt);
	return twin->fn_extra;
}

static Datum
call_original(FunctionCallInfo fcinfo, FmgrInfo *original)
{
	LOCAL_FCINFO(call, MAX_ARGUMENTS);
	Datum		result;

	InitFunctionCallInfoData(*call, original, PG_NARGS() - 1,
							 fcinfo->fncollation, NULL, NULL);
	memcpy(call->args, &fcinfo->args[1], sizeof(NullableDatum) * call->nargs);
	result = FunctionCallInvoke(call);
	fcinfo->isnull = call->isnull;
	return result;
}

/*
 * ----------
 * Answers of a statement
 * ----------
 */

/*
 * A call and its answer.  The model is held, so that no other can have its
 * address: if it changes, or is deleted, the next call finds another.
 */
typedef struct Answer
{
	slist_node	node;
	Oid			twin;
	const InferenceModel *model;
	int			nargs;
	Datum		args[MAX_ARGUMENTS];
	Datum		value;
	bool		isnull;
} Answer;

/* What a statement, known by the context its executor works in, has asked. */
typedef struct Answers
{
	dlist_node	node;
	MemoryContext statement;
	slist_head	list;
	MemoryContextCallback end;
} Answers;

static dlist_head all_answers = DLIST_STATIC_INIT(all_answers);

static void
forget_answers(void *arg)
{
	dlist_delete(&((Answers *) arg)->node);
}

static Answers *
answers_of(MemoryContext statement)
{
	Answers    *answers;
	dlist_iter	iter;

	dlist_foreach(iter, &all_answers)
	{
		answers = dlist_container(Answers, node, iter.cur);
		if (answers->statement == statement)
			return answers;
	}
	answers = MemoryContextAllocZero(statement, sizeof(Answers));
	answers->statement = statement;
	slist_init(&answers->list);
	answers->end.func = forget_answers;
	answers->end.arg = answers;
	MemoryContextRegisterResetCallback(statement, &answers->end);
	dlist_push_head(&all_answers, &answers->node);
	return answers;
}

/* All arguments of these functions are of variable length. */
static bool
same_value(Datum a, Datum b)
{
	return VARSIZE_ANY_EXHDR(DatumGetPointer(a)) == VARSIZE_ANY_EXHDR(DatumGetPointer(b)) &&
		memcmp(VARDATA_ANY(DatumGetPointer(a)), VARDATA_ANY(DatumGetPointer(b)),
			   VARSIZE_ANY_EXHDR(DatumGetPointer(a))) == 0;
}

/* Too large to be kept: a copy costs more than a request. */
static bool
is_large(Datum value)
{
	return VARSIZE_ANY(DatumGetPointer(value)) > (Size) work_mem * 1024;
}

static Answer *
find_answer(Answers *answers, Oid twin, const InferenceModel *model,
			const Datum *args, int nargs)
{
	slist_iter	iter;

	slist_foreach(iter, &answers->list)
	{
		Answer	   *answer = slist_container(Answer, node, iter.cur);
		int			i = 0;

		if (answer->twin != twin || answer->model != model || answer->nargs != nargs)
			continue;
		while (i < nargs && same_value(answer->args[i], args[i]))
			i++;
		if (i == nargs)
			return answer;
	}
	return NULL;
}

static Answer *
add_answer(Answers *answers, FunctionCallInfo fcinfo, const char *model_id,
		   const Datum *args, int nargs)
{
	MemoryContext caller = MemoryContextSwitchTo(answers->statement);
	Answer	   *answer = palloc0(sizeof(Answer));
	Datum		value;

	answer->twin = fcinfo->flinfo->fn_oid;
	answer->model = inf_infer_open_model(model_id, 0, GetUserId());
	answer->nargs = nargs;
	for (int i = 0; i < nargs; i++)
		answer->args[i] = datumCopy(args[i], false, -1);
	MemoryContextSwitchTo(caller);

	value = call_original(fcinfo, fcinfo->flinfo->fn_extra);
	answer->isnull = fcinfo->isnull;
	answer->value = value;
	if (!answer->isnull && is_large(value))
		return answer;
	MemoryContextSwitchTo(answers->statement);
	if (!answer->isnull)
		answer->value = datumCopy(value, false, -1);
	MemoryContextSwitchTo(caller);
	slist_push_head(&answers->list, &answer->node);
	return answer;
}

/* Arguments that stay the same while the statement runs, so that answers are few. */
static bool
is_fixed(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (!get_fn_expr_arg_stable(fcinfo->flinfo, i))
			return false;
	return true;
}

/* A twin, whose model is named by this argument. */
static Datum
call_twin(FunctionCallInfo fcinfo, int model_argument)
{
	FmgrInfo   *original = get_original(fcinfo);
	int			nargs = PG_NARGS() - 1;
	Datum		args[MAX_ARGUMENTS];
	char	   *model_id;
	Answers    *answers;
	Answer	   *answer;

	/* the executor has seen the twin only */
	inf_catalog_check_may_execute(original->fn_oid);
	if (!is_fixed(fcinfo))
		return call_original(fcinfo, original);

	for (int i = 0; i < nargs; i++)
	{
		args[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(i + 1)));
		if (is_large(args[i]))
			return call_original(fcinfo, original);
	}
	model_id = inf_text_name(args[model_argument - 1]);
	answers = answers_of(fcinfo->flinfo->fn_mcxt);

	/* Who may use the model is asked each time. */
	answer = find_answer(answers, fcinfo->flinfo->fn_oid,
						 inf_infer_open_model(model_id, 0, GetUserId()), args, nargs);
	if (answer == NULL)
		answer = add_answer(answers, fcinfo, model_id, args, nargs);
	fcinfo->isnull = answer->isnull;
	return answer->value;
}

Datum
_inference_infer_with_task_once(PG_FUNCTION_ARGS)
{
	return call_twin(fcinfo, 2);
}

Datum
_inference_infer_once(PG_FUNCTION_ARGS)
{
	return call_twin(fcinfo, 1);
}

Datum
_inference_embed_once(PG_FUNCTION_ARGS)
{
	return call_twin(fcinfo, 1);
}

Datum
_inference_sparse_once(PG_FUNCTION_ARGS)
{
	return call_twin(fcinfo, 1);
}
