/*
 * model_fns.c
 *		SQL functions that put, get, change and delete models.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "base/text_encoding.h"
#include "catalog/secret_store.h"
#include "pipeline/infer.h"
#include "pipeline/model_admin.h"
#include "pipeline/model_config.h"
#include "settings/setting_read.h"

PG_FUNCTION_INFO_V1(inference_put);
PG_FUNCTION_INFO_V1(inference_put_with_task);
PG_FUNCTION_INFO_V1(inference_get);
PG_FUNCTION_INFO_V1(inference_get_with_task);
PG_FUNCTION_INFO_V1(inference_update);
PG_FUNCTION_INFO_V1(inference_update_with_task);
PG_FUNCTION_INFO_V1(inference_update_validate);
PG_FUNCTION_INFO_V1(inference_update_with_task_validate);
PG_FUNCTION_INFO_V1(inference_delete);
PG_FUNCTION_INFO_V1(inference_delete_with_task);
PG_FUNCTION_INFO_V1(_inference_key_set_at);
PG_FUNCTION_INFO_V1(_inference_move_secrets);

typedef const InferenceModel *(*ModelChange) (const char *path_task,
											  const char *model_id,
											  Jsonb *config, bool validate);

/*
 * What changes models is not strict: an unset variable among its arguments
 * must not pass for success.
 */
static Datum
require_argument(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name),
				 errhint("Unset variables and sub-selects without rows give null.")));
	return PG_GETARG_DATUM(argument);
}

static char *
require_name(FunctionCallInfo fcinfo, int argument, const char *name)
{
	return inf_text_name(require_argument(fcinfo, argument, name));
}

static bool
require_bool(FunctionCallInfo fcinfo, int argument, const char *name)
{
	return DatumGetBool(require_argument(fcinfo, argument, name));
}

static char *
get_name(FunctionCallInfo fcinfo, int argument)
{
	return inf_text_name(PG_GETARG_DATUM(argument));
}

static Jsonb *
read_config(Datum config)
{
	return inf_setting_detoast(config, "settings of an inference model");
}

/*
 * Statements that carry a key must not reach the server log because they
 * failed, neither as STATEMENT nor within the context of a function.  That
 * context must not reach the client either, who may not be the function's
 * author: so the callbacks that were there before are not called.
 */
static void
hide_statement(void *arg)
{
	errhidestmt(true);
	errhidecontext(true);
}

static Datum
describe_model(const InferenceModel *model)
{
	StringInfoData json;

	initStringInfo(&json);
	inf_config_describe(&json, model);
	return JsonbPGetDatum(inf_setting_parse(json.data));
}

/*
 * Puts or changes a model.  task, model_id, config and validate are the numbers
 * of the function's arguments, -1 for one that it has not.  An error about an
 * argument must hide the statement as well, so they are read in here.
 */
static Datum
change_model(FunctionCallInfo fcinfo, ModelChange change, int task,
			 int model_id, int config, int validate)
{
	ErrorContextCallback *callers = error_context_stack;
	ErrorContextCallback callback = {.callback = hide_statement};
	const char *path_task;
	const char *id;
	Datum		settings;
	const InferenceModel *model;

	error_context_stack = &callback;
	path_task = task < 0 ? NULL : require_name(fcinfo, task, "task_type");
	id = require_name(fcinfo, model_id, "model_id");
	settings = require_argument(fcinfo, config, "config");
	model = change(path_task, id, read_config(settings),
				   validate >= 0 && require_bool(fcinfo, validate, "validate"));
	error_context_stack = callers;
	return describe_model(model);
}

/* inference_put(task_type text, model_id text, config jsonb, validate bool) */
Datum
inference_put_with_task(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(change_model(fcinfo, inf_admin_put, 0, 1, 2, 3));
}

/* inference_put(model_id text, config jsonb) */
Datum
inference_put(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(change_model(fcinfo, inf_admin_put, -1, 0, 1, -1));
}

/* inference_update(task_type text, model_id text, config jsonb) */
Datum
inference_update_with_task(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(change_model(fcinfo, inf_admin_update, 0, 1, 2, -1));
}

/* inference_update(task_type text, model_id text, config jsonb, validate bool) */
Datum
inference_update_with_task_validate(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(change_model(fcinfo, inf_admin_update, 0, 1, 2, 3));
}

/* inference_update(model_id text, config jsonb) */
Datum
inference_update(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(change_model(fcinfo, inf_admin_update, -1, 0, 1, -1));
}

/* inference_update(model_id text, validate bool, config jsonb) */
Datum
inference_update_validate(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(change_model(fcinfo, inf_admin_update, -1, 0, 2, 1));
}

/* {"models": [...]} */
static Datum
get_models(const char *path_task, const char *model_id)
{
	StringInfoData json;
	ListCell   *lc;
	bool		first = true;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"models\": [");
	foreach(lc, inf_admin_get(path_task, model_id))
	{
		if (!first)
			appendStringInfoString(&json, ", ");
		inf_config_describe(&json, lfirst(lc));
		first = false;
	}
	appendStringInfoString(&json, "]}");
	return JsonbPGetDatum(inf_setting_parse(json.data));
}

/* inference_get(task_type text, model_id text) */
Datum
inference_get_with_task(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(get_models(get_name(fcinfo, 0), get_name(fcinfo, 1)));
}

/* inference_get(model_id text) */
Datum
inference_get(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(get_models(NULL, get_name(fcinfo, 0)));
}

/*
 * {"acknowledged": true}; of a dry run, false and what uses the model.
 */
static Datum
delete_model(const char *path_task, const char *model_id, bool force,
			 bool dry_run)
{
	List	   *dependents = inf_admin_delete(path_task, model_id, force, dry_run);
	StringInfoData json;
	ListCell   *lc;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"acknowledged\": %s", dry_run ? "false" : "true");
	if (dry_run)
	{
		appendStringInfoString(&json, ", \"dependents\": [");
		foreach(lc, dependents)
		{
			if (lc != list_head(dependents))
				appendStringInfoString(&json, ", ");
			escape_json(&json, lfirst(lc));
		}
		appendStringInfoChar(&json, ']');
	}
	appendStringInfoChar(&json, '}');
	return JsonbPGetDatum(inf_setting_parse(json.data));
}

/* inference_delete(model_id text, force bool, dry_run bool) */
Datum
inference_delete(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(delete_model(NULL, require_name(fcinfo, 0, "model_id"),
								 require_bool(fcinfo, 1, "force"),
								 require_bool(fcinfo, 2, "dry_run")));
}

/* inference_delete(task_type text, model_id text, force bool, dry_run bool) */
Datum
inference_delete_with_task(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(delete_model(require_name(fcinfo, 0, "task_type"),
								 require_name(fcinfo, 1, "model_id"),
								 require_bool(fcinfo, 2, "force"),
								 require_bool(fcinfo, 3, "dry_run")));
}

/* _inference_key_set_at(model_id text) */
Datum
_inference_key_set_at(PG_FUNCTION_ARGS)
{
	TimestampTz set_at;

	if (!inf_catalog_key_set_at(get_name(fcinfo, 0), &set_at))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(set_at);
}

/* _inference_move_secrets(from_table regclass), for one upgrade script alone */
Datum
_inference_move_secrets(PG_FUNCTION_ARGS)
{
	inf_catalog_move_secrets(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}
