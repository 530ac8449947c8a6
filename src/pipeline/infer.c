/*
 * infer.c
 *		The one path that every call takes, from texts to embeddings.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "base/guc.h"
#include "base/limits.h"
#include "base/text_encoding.h"
#include "catalog/model_cache.h"
#include "catalog/model_server.h"
#include "http/http_url.h"
#include "pipeline/infer.h"
#include "pipeline/model_config.h"
#include "pipeline/stream.h"
#include "settings/setting_read.h"

MemoryContext
inf_call_begin(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "inference call",
												  ALLOCSET_DEFAULT_SIZES);

	MemoryContextSwitchTo(context);
	return context;
}

void
inf_call_end(MemoryContext call_context)
{
	MemoryContextSwitchTo(MemoryContextGetParent(call_context));
	MemoryContextDelete(call_context);
}

/*
 * ----------
 * Models
 * ----------
 */

const InferenceServiceOps *
inf_infer_service(const InferenceModel *model)
{
	const InferenceServiceOps *service = inf_service_find(model->service);

	if (service == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("Unknown service [%s] for model [%s]",
						model->service, model->model_id),
				 errhint("The view inference_services lists the services of this version.")));

	/* A restored row was not checked. */
	if ((service->tasks & model->task) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("The [%s] service does not support task type [%s]",
						service->name, inf_task_name(model->task))));
	return service;
}

const InferenceModel *
inf_infer_open_model(const char *model_id, InferenceTask task, Oid role)
{
	const InferenceModel *model = inf_catalog_require_model(model_id);

	inf_catalog_check_may_use(model, role);
	inf_config_check_read(model);
	if (task != 0 && task != model->task)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("Incompatible task_type, the requested type [%s] does not match the model type [%s]",
						inf_task_name(task), inf_task_name(model->task)),
				 errdetail("The model is \"%s\".", model_id),
				 errhint(model->task == INF_TASK_TEXT_EMBEDDING ?
						 "Use inference_embed() or inference_embed_batch() with this model." :
						 "Use inference_sparse() or inference_sparse_batch() with this model.")));
	return model;
}

/* A restored model has its settings but not its key. */
static void
check_key(const InferenceServiceOps *service, const InferenceModel *model)
{
	if (model->api_key)
		return;
	for (const SettingField *f = service->service_fields; f->name; f++)
		if ((f->flags & SETTING_SECRET) && (f->flags & SETTING_REQUIRED))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("inference model \"%s\" has no key", model->model_id),
					 errdetail("Keys are not part of a dump."),
					 inf_is_restoring() ? errhint(INF_RESTORE_HINT) :
					 errhint("Set it with SELECT inference_update('%s', '{\"service_settings\": {\"%s\": \"...\"}}').",
							 model->model_id, f->name)));
}

/* A key goes only to the origin that it was given for. */
static void
check_binding(const InferenceModel *model, const char *url)
{
	char		origin[INF_HTTP_ORIGIN_BYTES];

	if (model->api_key == NULL || model->bound_to == NULL)
		return;
	if (!inf_http_url_origin(url, origin) || strcmp(origin, model->bound_to) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the key of inference model \"%s\" may only be sent to %s",
						model->model_id, model->bound_to),
				 errhint("Set the key again with inference_update().")));
}

char *
inf_infer_url(const InferenceServiceOps *service, const InferenceModel *model)
{
	ServiceRoute route = {0};
	char	   *url = service->url(model, &route);
	const char *reason;

	if (url == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not get embeddings from inference model \"%s\"",
						model->model_id),
				 errdetail_internal("%s", route.missing_detail),
				 errhint("%s", route.missing_hint)));
	reason = inf_http_check_url(url);
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the url of inference model \"%s\" cannot be used: %s",
						model->model_id, reason)));
	check_key(service, model);
	check_binding(model, url);
	return url;
}

Jsonb *
inf_infer_task_settings(const InferenceServiceOps *service,
						const InferenceModel *model, Jsonb *overrides)
{
	SettingCheck check;

	if (overrides == NULL || JB_ROOT_COUNT(overrides) == 0)
	{
		if (overrides == NULL || JB_ROOT_IS_OBJECT(overrides))
			return model->task_settings;
	}
	inf_setting_check_init(&check, model->task, model->service);
	if (!JB_ROOT_IS_OBJECT(overrides))
		inf_setting_add_fault(&check, "field [%s] is not of the expected type, an object",
							  INF_TASK_SETTINGS);
	else
		overrides = inf_setting_check_object(&check, service->task_fields,
											 INF_TASK_SETTINGS, overrides);
	inf_setting_check_finish(&check);
	return inf_setting_merge(model->task_settings, overrides);
}

static void
check_text_size(Size bytes, int position)
{
	if (bytes <= INF_MAX_TEXT_BYTES)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("text is too long to be embedded"),
			 position > 0 ?
			 errdetail("Text %d has %zu bytes, more than %d.",
					   position, bytes, INF_MAX_TEXT_BYTES) :
			 errdetail("It has %zu bytes, more than %d.",
					   bytes, INF_MAX_TEXT_BYTES),
			 errhint("Embed parts of it, such as left(..., 10000).")));
}

/* The size is known before it is read. */
void
inf_infer_read_input(InferenceInput *input, Datum text, int position)
{
	struct varlena *bytes;

	check_text_size(toast_raw_datum_size(text) - VARHDRSZ, position);
	bytes = PG_DETOAST_DATUM_PACKED(text);
	inf_infer_make_input(input, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes),
						 position);
	if ((Pointer) bytes != DatumGetPointer(text))
		pfree(bytes);
}

void
inf_infer_make_input(InferenceInput *input, const char *bytes, int length,
					 int position)
{
	check_text_size(length, position);
	input->text = inf_text_to_utf8(bytes, length, &input->length);
	input->position = position;
	input->row = 0;
	input->is_truncated = false;
}

/*
 * ----------
 * Embedding
 * ----------
 */

InferenceEmbedding *
inf_infer_probe(const InferenceModel *model, const char *utf8, bool plainly)
{
	InferenceInput input = {.text = utf8,.length = strlen(utf8)};
	InferenceStream *stream = inf_stream_open_probe(model, plainly);
	InferenceEmbedding *result;

	result = inf_stream_finish(inf_stream_submit(stream, &input, 1));
	inf_stream_close(stream);
	return result;
}

InferenceEmbedding *
inf_infer_embed(const InferenceModel *model, Jsonb *overrides,
				const InferenceInput *inputs, int ninputs)
{
	InferenceStream *stream = inf_stream_open(model, overrides);
	InferenceEmbedding *results;

	/*
	 * Not left to the end of the memory: a block that catches an error may
	 * keep it for long, and the requests with it.
	 */
	PG_TRY();
	{
		results = inf_stream_finish(inf_stream_submit(stream, inputs, ninputs));
	}
	PG_CATCH();
	{
		inf_stream_abandon(stream);
		PG_RE_THROW();
	}
	PG_END_TRY();
	inf_stream_close(stream);
	return results;
}
