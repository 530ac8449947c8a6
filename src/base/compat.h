/*
 * compat.h
 *		The only place that asks which server or library we are built with.
 *		Older versions are given the newer name, so that call sites read like
 *		the newest server.  Tested on 15, in part on 14, 17, 18 and 19rc1; 16 follows
 *		the headers.
 */
#ifndef INFERENCE_BASE_COMPAT_H
#define INFERENCE_BASE_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 140000
#error "inference needs PostgreSQL 14 or later"
#endif

/* 19: no longer comes with postgres.h */
#include <limits.h>

#include "access/table.h"
#include "catalog/pg_database.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/wait_event.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif

/*
 * 16 (afbfc02983f8): one function for all object kinds in place of one for
 * each.
 */
#if PG_VERSION_NUM < 160000
static inline AclResult
object_aclcheck(Oid classid, Oid objectid, Oid roleid, AclMode mode)
{
	if (classid == ForeignServerRelationId)
		return pg_foreign_server_aclcheck(objectid, roleid, mode);
	if (classid == ForeignDataWrapperRelationId)
		return pg_foreign_data_wrapper_aclcheck(objectid, roleid, mode);
	if (classid == ProcedureRelationId)
		return pg_proc_aclcheck(objectid, roleid, mode);
	elog(ERROR, "unexpected object class %u", classid);
	return ACLCHECK_NO_PRIV;	/* keep compilers quiet */
}

static inline bool
object_ownercheck(Oid classid, Oid objectid, Oid roleid)
{
	if (classid == ForeignServerRelationId)
		return pg_foreign_server_ownercheck(objectid, roleid);
	if (classid == DatabaseRelationId)
		return pg_database_ownercheck(objectid, roleid);
	elog(ERROR, "unexpected object class %u", classid);
	return false;				/* keep compilers quiet */
}
#endif

/* 18: stands before a declaration, as in C23. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 17 (24b55cd9497d): a wait event set may belong to a resource owner. */
#if PG_VERSION_NUM >= 170000
#define inf_create_wait_event_set(context, nevents) \
	CreateWaitEventSet(NULL, (nevents))
#else
#define inf_create_wait_event_set(context, nevents) \
	CreateWaitEventSet((context), (nevents))
#endif

/* What a session waits for. */
typedef enum InferenceWait
{
	INF_WAIT_HTTP,				/* the network */
	INF_WAIT_RETRY,				/* to send again what failed */
	INF_WAIT_RATE_LIMIT			/* the rate_limit of a model */
} InferenceWait;

/* 17 (c9af054653e8): extensions name their wait events. */
#if PG_VERSION_NUM >= 170000
static inline uint32
inf_wait_event(InferenceWait wait)
{
	static const char *const names[] = {
		"InferenceHttp", "InferenceRetryDelay", "InferenceRateLimit"
	};
	static uint32 events[lengthof(names)];

	if (events[wait] == 0)
		events[wait] = WaitEventExtensionNew(names[wait]);
	return events[wait];
}
#else
#define inf_wait_event(wait) PG_WAIT_EXTENSION
#endif

/* 18 (9324c8c58065): modules tell their name and version. */
#if PG_VERSION_NUM < 180000
#define INF_PG_MODULE_MAGIC PG_MODULE_MAGIC
#else
#define INF_PG_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "inference", .version = INFERENCE_VERSION)
#endif

/* 15 (9e98583898c3): one call to set up a set-returning function. */
#if PG_VERSION_NUM >= 150000
#define inf_init_materialized_srf(fcinfo) InitMaterializedSRF((fcinfo), 0)
#else
static inline void
inf_init_materialized_srf(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		!(rsinfo->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("materialize mode required, but it is not allowed in this context")));
	caller = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &rsinfo->setDesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult =
		tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
							  false, work_mem);
	MemoryContextSwitchTo(caller);
}
#endif

/* 15 (88103567cb8f): replaced EmitWarningsOnPlaceholders(). */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* 15 (3804539e48e7): the server's own generator, seeded for each process. */
#if PG_VERSION_NUM >= 150000
#include "common/pg_prng.h"
#define inf_random_fraction() pg_prng_double(&pg_global_prng_state)
#else
#define inf_random_fraction() \
	((double) random() / ((double) MAX_RANDOM_VALUE + 1))
#endif

/* 16: takes relations in place of sets of them. */
#include "optimizer/appendinfo.h"
#if PG_VERSION_NUM >= 160000
#define inf_translate_to_child(root, node, child, parent) \
	adjust_appendrel_attrs_multilevel((root), (node), (child), (parent))
#else
#define inf_translate_to_child(root, node, child, parent) \
	adjust_appendrel_attrs_multilevel((root), (node), (child)->relids, \
									  (parent)->relids)
#endif

/*
 * 19 (24225ad9aafc): the path of a Unique node lost its "Upper", when another
 * kind of UniquePath went.
 */
#include "nodes/pathnodes.h"
#if PG_VERSION_NUM >= 190000
typedef UniquePath InfUniquePath;
#define T_InfUniquePath T_UniquePath
#else
typedef UpperUniquePath InfUniquePath;
#define T_InfUniquePath T_UpperUniquePath
#endif

/* 15 (7103ebb7aae8): MERGE.  17 (0294df2f1f84): actions for rows that only the target has. */
#define INF_HAVE_MERGE (PG_VERSION_NUM >= 150000)
#if PG_VERSION_NUM >= 170000
#define INF_MERGE_MATCHED MERGE_WHEN_MATCHED
#define INF_MERGE_NOT_MATCHED MERGE_WHEN_NOT_MATCHED_BY_TARGET
#define INF_MERGE_NOT_MATCHED_BY_SOURCE MERGE_WHEN_NOT_MATCHED_BY_SOURCE
#define inf_merge_kind(action) ((action)->matchKind)
#define inf_merge_join_condition(query) ((query)->mergeJoinCondition)
#else
#define INF_MERGE_MATCHED true
#define INF_MERGE_NOT_MATCHED false
#define INF_MERGE_NOT_MATCHED_BY_SOURCE 2	/* none */
#define inf_merge_kind(action) ((action)->matched)
#define inf_merge_join_condition(query) ((Node *) NULL)
#endif
#if INF_HAVE_MERGE
#define inf_is_merge(query) ((query)->commandType == CMD_MERGE)
#define inf_merge_actions(query) ((query)->mergeActionList)
#else
#define inf_is_merge(query) false
#define inf_merge_actions(query) NIL
#endif

/* 15 (cbc7a7a10b5c): a custom path says whether it computes expressions. */
#include "nodes/extensible.h"
#if PG_VERSION_NUM < 150000
#define CUSTOMPATH_SUPPORT_PROJECTION 0
#endif

/* 16 (2489d76c4906): a column knows the outer joins that may make it null. */
#if PG_VERSION_NUM >= 160000
#define inf_set_nulling_join(var, join) \
	((var)->varnullingrels = bms_make_singleton(join))
#else
#define inf_set_nulling_join(var, join) ((void) 0)
#endif

/*
 * 16: JSON_OBJECT, JSON_ARRAY and the like have nodes of their own, which
 * evaluate all of their arguments.
 */
#if PG_VERSION_NUM >= 160000
#define inf_is_json_constructor(node) \
	(IsA(node, JsonConstructorExpr) || IsA(node, JsonValueExpr) || \
	 IsA(node, JsonIsPredicate))
#else
#define inf_is_json_constructor(node) false
#endif

/* 18 (3eea7a0c97e9): ExecutorRun is not told any more that it is the only one. */
#if PG_VERSION_NUM >= 180000
#define INF_EXECUTE_ONCE_PARAMETER
#define INF_EXECUTE_ONCE
#else
#define INF_EXECUTE_ONCE_PARAMETER , bool execute_once
#define INF_EXECUTE_ONCE , execute_once
#endif

/* 15 (7103ebb7aae8): MERGE. */
#if PG_VERSION_NUM >= 150000
#define inf_clear_merge_actions(query) ((query)->mergeActionList = NIL)
#else
#define inf_clear_merge_actions(query) ((void) (query))
#endif

/*
 * 18 (247dea89f761): expressions of GROUP BY have a range table entry, which
 * walkers go into, and what grouping sets may null is marked above them.
 */
#include "nodes/nodeFuncs.h"
#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteManip.h"
static inline Node *
inf_below_grouping_sets(const PlannerInfo *root, Node *node)
{
	return root->group_rtindex > 0 ?
		remove_nulling_relids(node, bms_make_singleton(root->group_rtindex), NULL) :
		node;
}
#else
#define QTW_IGNORE_GROUPEXPRS 0
#define inf_below_grouping_sets(root, node) (node)
#endif

/* 18 (e22253467942): paths count the disabled nodes in them. */
#if PG_VERSION_NUM >= 180000
#define inf_copy_disabled_nodes(to, from) \
	((to)->disabled_nodes = (from)->disabled_nodes)
#else
#define inf_copy_disabled_nodes(to, from) ((void) (from))
#endif

/* 18: EXPLAIN's state and formats have headers of their own. */
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/* 17: what EXPLAIN does for one query has a name. */
#if PG_VERSION_NUM < 170000
#include "tcop/tcopprot.h"
static inline void
standard_ExplainOneQuery(Query *query, int cursorOptions, IntoClause *into,
						 ExplainState *es, const char *queryString,
						 ParamListInfo params, QueryEnvironment *queryEnv)
{
	PlannedStmt *plan;
	instr_time	planstart;
	instr_time	planduration;
	BufferUsage bufusage_start = pgBufferUsage;
	BufferUsage bufusage = {0};

	INSTR_TIME_SET_CURRENT(planstart);
	plan = pg_plan_query(query, queryString, cursorOptions, params);
	INSTR_TIME_SET_CURRENT(planduration);
	INSTR_TIME_SUBTRACT(planduration, planstart);
	BufferUsageAccumDiff(&bufusage, &pgBufferUsage, &bufusage_start);
	ExplainOnePlan(plan, into, es, queryString, params, queryEnv,
				   &planduration, es->buffers ? &bufusage : NULL);
}
#endif

/* 19: extensions of EXPLAIN take part in planning. */
#if PG_VERSION_NUM < 190000
#define pg_plan_query(query, string, options, params, explain) \
	pg_plan_query((query), (string), (options), (params))
#endif

/* 7.87: give up a resolver thread in place of joining it. */
#define INF_HAVE_CURL_QUICK_EXIT (LIBCURL_VERSION_NUM >= 0x075700)

/* 7.80: a look at the connection before a request is sent on it. */
#define INF_HAVE_CURL_PREREQ (LIBCURL_VERSION_NUM >= 0x075000)

/* 7.85: protocols as a string; the bit mask is deprecated since. */
#define INF_HAVE_CURL_PROTOCOLS_STR (LIBCURL_VERSION_NUM >= 0x075500)

#endif							/* INFERENCE_BASE_COMPAT_H */
