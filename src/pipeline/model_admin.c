/*
 * model_admin.c
 *		Putting, changing and deleting models.
 *
 * Order of a put: may the user put at all, is the configuration good, does the
 * probe (if wanted) succeed, and only then the lock on the id and the rows, so
 * that no lock is held while a service is asked.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "catalog/dependents.h"
#include "catalog/model_cache.h"
#include "catalog/model_server.h"
#include "catalog/model_store.h"
#include "catalog/remains.h"
#include "catalog/server_dependents.h"
#include "pipeline/discovery.h"
#include "pipeline/infer.h"
#include "pipeline/model_admin.h"
#include "pipeline/model_config.h"
#include "settings/setting_read.h"

/* What Elasticsearch embeds to see whether a model works. */
#define PROBE_TEXT "how big"

/* Most that two embeddings of it may differ, as a part of their length. */
#define MAX_DIFFERENCE 0.05

static void
throw_duplicate(const char *model_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("Model [%s] already exists", model_id),
			 errhint("Delete it with inference_delete(), change it with inference_update(), or choose another id.")));
}

static void
check_task_matches(const char *path_task, const InferenceModel *model)
{
	InferenceTask task;

	if (path_task == NULL)
		return;
	task = inf_config_task(path_task);
	if (task != model->task)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("Requested task type [%s] does not match the model's task type [%s]",
						inf_task_name(task), inf_task_name(model->task)),
				 errdetail("The model is \"%s\".", model->model_id)));
}

/*
 * Compares vectors in the form that calls will request with the same vectors as
 * plain numbers.  Rounding, and what else a service computes at the time, makes
 * far less difference than another type, scale or byte order of numbers.
 */
static void
check_encodings(const InferenceModel *model, const InferenceEmbedding *plain)
{
	const InferenceServiceOps *service = inf_infer_service(model);
	InferenceEmbedding *encoded;
	double		difference = 0;
	double		norm = 0;

	if (service->has_encodings == NULL || !service->has_encodings(model))
		return;
	encoded = inf_infer_probe(model, PROBE_TEXT, false);
	for (int i = 0; i < plain->ndimensions && i < encoded->ndimensions; i++)
	{
		double		distance = (double) encoded->values[i] - plain->values[i];

		difference += distance * distance;
		norm += (double) plain->values[i] * plain->values[i];
	}
	if (encoded->ndimensions == plain->ndimensions &&
		difference <= MAX_DIFFERENCE * MAX_DIFFERENCE * norm)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("inference model \"%s\" returns different embeddings as base64 and as plain numbers",
					model->model_id),
			 errhint("Set encoding_format to \"float\" in the service_settings of the model.")));
}

/*
 * Embeds the probe.  Vectors of another width than the user set are refused
 * with the words that Elasticsearch has for it.
 */
static void
probe_model(InferenceModel *model)
{
	int			wanted = inf_setting_integer(model->service_settings,
											 "dimensions", 0);
	InferenceEmbedding *result;

	/* What was found out before must not decide how the answer is read. */
	model->discovered = inf_setting_empty();
	inf_discovery_forget(model);
	result = inf_infer_probe(model, PROBE_TEXT, true);
	if (model->task != INF_TASK_TEXT_EMBEDDING)
		return;
	if (wanted > 0 && result->ndimensions != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("The retrieved embeddings size [%d] does not match the size specified in the settings [%d]. Please recreate the [%s] configuration with the correct dimensions",
						result->ndimensions, wanted, model->model_id)));
	model->discovered = inf_discovery_make(inf_infer_service(model),
										   result->ndimensions);
	check_encodings(model, result);
}

/* Each call would fail; whoever put the model has no reason to expect that. */
static void
notice_no_url(const InferenceModel *model)
{
	const InferenceServiceOps *service = inf_infer_service(model);
	ServiceRoute route = {0};

	if (service->url == NULL || service->url(model, &route) != NULL)
		return;
	ereport(NOTICE,
			(errmsg("inference model \"%s\" is stored, but cannot be used yet",
					model->model_id),
			 errdetail_internal("%s", route.missing_detail),
			 errhint("%s", route.missing_hint)));
}

/* Who puts a model over what another left should know. */
static void
notice_remains(const char *model_id)
{
	ModelRemains remains;

	if (inf_catalog_find_remains(model_id, &remains) && !OidIsValid(remains.server))
		ereport(NOTICE,
				(errmsg("inference model \"%s\" replaces %s left by a model of this name",
						model_id, remains.has_row ? "settings" : "a key")));
}

const InferenceModel *
inf_admin_put(const char *path_task, const char *model_id, Jsonb *config,
			  bool validate)
{
	InferenceModel *model;

	PreventCommandIfReadOnly("inference_put()");
	inf_catalog_check_may_put();
	model = inf_config_parse(path_task, model_id, config);
	if (OidIsValid(inf_catalog_find_server(model_id)) &&
		inf_catalog_has_row(model_id))
		throw_duplicate(model_id);

	/* What runs here tells its dimensions for nothing. */
	if (validate || inf_infer_service(model)->run)
		probe_model(model);

	inf_catalog_lock_id(model_id);
	if (OidIsValid(inf_catalog_find_server(model_id)) &&
		inf_catalog_has_row(model_id))
		throw_duplicate(model_id);
	notice_remains(model_id);
	model->server = inf_catalog_create_server(model_id);
	inf_catalog_insert_model(model);
	notice_no_url(model);
	return model;
}

/* The model under lock, for its owner to change. */
static InferenceModel *
lock_model(const char *path_task, const char *model_id)
{
	InferenceModel *model = inf_catalog_read_model(model_id);

	if (model == NULL)
		inf_catalog_throw_unknown_model(model_id);
	inf_catalog_check_owner(model_id, model->server);
	inf_catalog_lock_id(model_id);

	/* It may have changed or gone while we waited. */
	model = inf_catalog_read_model(model_id);
	if (model == NULL)
		inf_catalog_throw_unknown_model(model_id);
	inf_catalog_check_owner(model_id, model->server);
	check_task_matches(path_task, model);
	return model;
}

/*
 * What the model would be after a change, tried out.  No lock is held while a
 * service is asked.
 */
static InferenceModel *
probe_change(const char *path_task, const char *model_id, Jsonb *config)
{
	InferenceModel *model = inf_catalog_read_model(model_id);
	InferenceModel *changed;

	if (model == NULL)
		inf_catalog_throw_unknown_model(model_id);
	inf_catalog_check_owner(model->model_id, model->server);
	check_task_matches(path_task, model);
	inf_config_check_read(model);
	changed = inf_config_merge(path_task, model, config);
	if (changed == NULL)
		changed = model;
	probe_model(changed);
	return changed;
}

/* Tells the owner that stored vectors cannot be compared with new ones. */
static void
warn_of_width(const InferenceModel *model, const InferenceModel *changed)
{
	int			was = inf_setting_integer(model->discovered, "dimensions", 0);
	int			is = inf_setting_integer(changed->discovered, "dimensions", 0);

	if (was > 0 && is > 0 && was != is)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("inference model \"%s\" now has %d dimensions instead of %d",
						model->model_id, is, was),
				 errhint("Stored texts have to be embedded again.")));
}

const InferenceModel *
inf_admin_update(const char *path_task, const char *model_id, Jsonb *config,
				 bool validate)
{
	InferenceModel *probed = NULL;
	InferenceModel *model;
	InferenceModel *changed;

	PreventCommandIfReadOnly("inference_update()");
	if (validate)
		probed = probe_change(path_task, model_id, config);
	model = lock_model(path_task, model_id);
	if (probed && (probed->server != model->server ||
				   probed->updated_at != model->updated_at))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("inference model \"%s\" was changed by another transaction during validation",
						model_id),
				 errhint("Try again.")));
	inf_config_check_read(model);
	changed = inf_config_merge(path_task, model, config);
	if (changed == NULL &&
		(probed == NULL || inf_setting_equal(probed->discovered, model->discovered)))
		return model;
	if (changed == NULL)
	{
		changed = palloc(sizeof(InferenceModel));
		*changed = *model;
	}
	if (probed)
		changed->discovered = probed->discovered;
	warn_of_width(model, changed);
	inf_catalog_update_model(changed, changed->api_key != model->api_key);
	inf_catalog_touch_server(changed);
	inf_discovery_forget(changed);
	return changed;
}

List *
inf_admin_get(const char *path_task, const char *model_id)
{
	InferenceTask task = path_task ? inf_config_task(path_task) : 0;
	InferenceModel *model;
	List	   *models;
	ListCell   *lc;

	if (strcmp(model_id, "_all") == 0 || strcmp(model_id, "*") == 0)
	{
		models = inf_catalog_list_models();
		foreach(lc, models)
		{
			model = lfirst(lc);
			if (task != 0 && model->task != task)
				models = foreach_delete_current(models, lc);
		}
		return models;
	}
	model = inf_catalog_read_model(model_id);
	if (model == NULL)
		inf_catalog_throw_unknown_model(model_id);
	check_task_matches(path_task, model);
	return list_make1(model);
}

static char *
describe_dependents(const char *model_id, List *dependents)
{
	StringInfoData detail;
	ListCell   *lc;

	initStringInfo(&detail);
	foreach(lc, dependents)
		appendStringInfo(&detail, "%s%s uses inference model %s.",
						 detail.len ? "\n" : "", (char *) lfirst(lc), model_id);
	return detail.data;
}

static void
throw_used(const char *model_id, List *dependents)
{
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot delete inference model \"%s\" because other objects use it",
					model_id),
			 errdetail_internal("%s", describe_dependents(model_id, dependents)),
			 errhint("Drop them first, or use force => true to delete the model anyway.")));
}

/*
 * Locks what is left of a model that is not whole; InvalidOid: its server is
 * gone.  What is left then belongs to nobody, and whoever may put models may
 * replace it, so may delete it too.  Throws if there is nothing.
 */
static Oid
lock_remains(const char *path_task, const char *model_id)
{
	ModelRemains remains;

	if (!inf_catalog_find_remains(model_id, &remains))
		inf_catalog_throw_unknown_model(model_id);
	if (OidIsValid(remains.server))
		inf_catalog_check_owner(model_id, remains.server);
	else
		inf_catalog_check_may_put();
	inf_catalog_lock_id(model_id);

	/* Another session may have put the model, or done this, while we waited. */
	if (inf_catalog_read_model(model_id) != NULL)
		return lock_model(path_task, model_id)->server;
	if (!inf_catalog_find_remains(model_id, &remains))
		inf_catalog_throw_unknown_model(model_id);
	if (OidIsValid(remains.server))
		inf_catalog_check_owner(model_id, remains.server);
	return remains.server;
}

List *
inf_admin_delete(const char *path_task, const char *model_id, bool force,
				 bool dry_run)
{
	Oid			server;
	List	   *dependents;

	PreventCommandIfReadOnly("inference_delete()");
	if (inf_catalog_read_model(model_id) != NULL)
		server = lock_model(path_task, model_id)->server;
	else
		server = lock_remains(path_task, model_id);
	dependents = inf_catalog_list_dependents(model_id);
	if (OidIsValid(server) && (dry_run || !force))
		dependents = list_concat(dependents,
								 inf_catalog_list_server_dependents(server));
	if (dry_run)
		return dependents;
	if (dependents != NIL && !force)
		throw_used(model_id, dependents);
	inf_catalog_delete_model(model_id);
	if (OidIsValid(server))
		inf_catalog_drop_server(server, force);
	if (dependents != NIL)
		ereport(NOTICE,
				(errmsg("objects that use inference model \"%s\" will fail until it is put again",
						model_id),
				 errdetail_internal("%s", describe_dependents(model_id, dependents))));
	return dependents;
}
