/*
 * catalog_guard.c
 *		Keeps the catalog tables and the foreign servers of models together.
 *
 * Our own code writes tuples directly and so never meets the guard; whoever
 * does came by SQL.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/objectaddress.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/array.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "catalog/catalog.h"
#include "catalog/model_server.h"
#include "catalog/model_store.h"
#include "trigger/catalog_guard.h"

PG_FUNCTION_INFO_V1(_inference_guard);
PG_FUNCTION_INFO_V1(_inference_server_dropped);
PG_FUNCTION_INFO_V1(_inference_server_altered);
PG_FUNCTION_INFO_V1(_inference_fdw_validator);

static void
refuse_change(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("cannot change table \"%s\" directly",
					RelationGetRelationName(rel)),
			 errhint("Use inference_put(), inference_update() and inference_delete().")));
}

/* Whether the current user may bring a model's row back from a dump. */
static bool
may_restore(Oid server)
{
	return object_ownercheck(ForeignServerRelationId, server, GetUserId()) ||
		object_ownercheck(DatabaseRelationId, MyDatabaseId, GetUserId());
}

/*
 * A dump holds CREATE SERVER for each model and the rows of inference_model;
 * an INSERT is the latter coming back, and must fit the former.
 */
static void
check_restored_row(Relation rel, HeapTuple tuple)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull);
	char	   *model_id;
	Oid			server;

	if (isnull)
		refuse_change(rel);
	model_id = TextDatumGetCString(value);
	server = inf_catalog_find_server(model_id);
	if (!OidIsValid(server) || !may_restore(server))
		refuse_change(rel);
}

/*
 * The guard of keys runs for replicas, too.  A subscription gets none, whatever
 * the publisher sends: keys are bound to servers, which are not replicated.
 */
static Datum
guard_replica(const TriggerData *data)
{
	if (IsLogicalWorker())
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ?
						   data->tg_newtuple : data->tg_trigtuple);
}

Datum
_inference_guard(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called as a trigger",
						"_inference_guard")));
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		return guard_replica(data);
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event) &&
		RelationGetRelid(data->tg_relation) == inf_catalog()->model_table)
		check_restored_row(data->tg_relation, data->tg_trigtuple);
	else
		refuse_change(data->tg_relation);
	return PointerGetDatum(data->tg_trigtuple);
}

EventTriggerData *
inf_event_trigger_data(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called as an event trigger",
						function)));
	return (EventTriggerData *) fcinfo->context;
}

Datum
_inference_server_dropped(PG_FUNCTION_ARGS)
{
	(void) inf_event_trigger_data(fcinfo, "_inference_server_dropped");
	inf_catalog_forget_serverless_models();
	PG_RETURN_NULL();
}

Datum
_inference_server_altered(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = inf_event_trigger_data(fcinfo,
													"_inference_server_altered");
	RenameStmt *rename = (RenameStmt *) data->parsetree;

	/* The new name now has the server; the row still has the old one. */
	if (IsA(rename, RenameStmt) &&
		rename->renameType == OBJECT_FOREIGN_SERVER &&
		inf_catalog_if_installed() != NULL &&
		OidIsValid(inf_catalog_find_server(rename->newname)) &&
		inf_catalog_has_row(strVal(rename->object)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot rename foreign server \"%s\" because it is an inference model",
						strVal(rename->object)),
				 errhint("Put the model under its new id and delete the old one.")));
	PG_RETURN_NULL();
}

Datum
_inference_fdw_validator(PG_FUNCTION_ARGS)
{
	ArrayType  *options = PG_GETARG_ARRAYTYPE_P(0);

	if (ARR_NDIM(options) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("foreign-data wrapper \"%s\" takes no options",
						INF_EXTENSION_NAME),
				 errhint("Use inference_update() to change the settings of a model.")));
	PG_RETURN_VOID();
}
