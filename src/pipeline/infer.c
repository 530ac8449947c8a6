/*
 * infer.c
 *		The one path that every call takes, from texts to embeddings.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "base/text_encoding.h"
#include "catalog/model_cache.h"
#include "catalog/model_server.h"
#include "http/http_url.h"
#include "pipeline/batch.h"
#include "pipeline/embedding_cache.h"
#include "pipeline/exchange.h"
#include "pipeline/infer.h"
#include "settings/setting_read.h"

/* Texts that a service embeds here between two looks at interrupts. */
#define LOCAL_CHUNK 64

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
					 errhint("Give it with SELECT inference_update('%s', '{\"service_settings\": {\"%s\": \"...\"}}').",
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
				 errhint("Give the key again with inference_update().")));
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

void
inf_infer_make_input(InferenceInput *input, const char *bytes, int length,
					 int position)
{
	input->text = inf_text_to_utf8(bytes, length, &input->length);
	input->position = position;
	input->is_truncated = false;
}

/*
 * ----------
 * Embedding
 * ----------
 */

static void
add_context(void *arg)
{
	const InferenceModel *model = arg;

	errcontext("inference model \"%s\", task type %s",
			   model->model_id, inf_task_name(model->task));
}

static void
run_here(const InferenceServiceOps *service, const InferenceModel *model,
		 Jsonb *task_settings, const InferenceInput *inputs, int ninputs,
		 InferenceEmbedding *results)
{
	for (int i = 0; i < ninputs; i += LOCAL_CHUNK)
	{
		InferenceCall call = {
			.model = model,
			.task_settings = task_settings,
			.inputs = &inputs[i],
			.ninputs = Min(LOCAL_CHUNK, ninputs - i)
		};

		CHECK_FOR_INTERRUPTS();
		service->run(&call, &results[i]);
	}
}

static void
run_service(const InferenceServiceOps *service, const InferenceModel *model,
			Jsonb *task_settings, const InferenceInput *inputs, int ninputs,
			InferenceEmbedding *results)
{
	if (service->run)
		run_here(service, model, task_settings, inputs, ninputs, results);
	else
		inf_exchange_run(service, model, inf_infer_url(service, model),
						 task_settings, inputs, ninputs, results);
}

/* Dimensions that the model's vectors have, or 0. */
static int
expected_dimensions(const InferenceModel *model)
{
	int			discovered = inf_setting_integer(model->discovered, "dimensions", 0);

	return inf_setting_integer(model->service_settings, "dimensions", discovered);
}

/* Batches were checked one by one; here they are held against each other. */
static void
check_dimensions(const InferenceModel *model,
				 const InferenceEmbedding *results, int n)
{
	int			expected = expected_dimensions(model);
	InferenceFault fault = {INF_FAULT_NONE, NULL};

	if (model->task != INF_TASK_TEXT_EMBEDDING || n == 0)
		return;
	if (expected > 0 && results[0].ndimensions != expected)
		inf_fault_set(&fault, INF_FAULT_BAD_ANSWER,
					  "the embeddings have %d dimensions where the model has %d",
					  results[0].ndimensions, expected);
	for (int i = 1; i < n && fault.kind == INF_FAULT_NONE; i++)
		if (results[i].ndimensions != results[0].ndimensions)
			inf_fault_set(&fault, INF_FAULT_BAD_ANSWER,
						  "embeddings of different dimensions in one call: %d and %d",
						  results[0].ndimensions, results[i].ndimensions);
	if (fault.kind != INF_FAULT_NONE)
		inf_error_throw_fault(model, &fault, NULL, 1, 0);
}

static void
truncate_inputs(const InferenceModel *model, InferenceInput *inputs, int ninputs)
{
	int			max_tokens = inf_setting_integer(model->service_settings,
												 "max_input_tokens", 0);

	for (int i = 0; i < ninputs && max_tokens > 0; i++)
		inf_batch_truncate(&inputs[i], max_tokens);
}

/* Embeds different texts, some of which the session may remember. */
static InferenceEmbedding *
embed_distinct(const InferenceServiceOps *service, const InferenceModel *model,
			   Jsonb *task_settings, InferenceInput *inputs, int ninputs)
{
	InferenceEmbedding *results = palloc0(sizeof(InferenceEmbedding) * Max(ninputs, 1));
	InferenceEmbedding *fresh;
	InferenceInput *wanted;
	int		   *origin;
	int			nwanted = 0;

	if (!inf_embedding_cache_enabled())
	{
		run_service(service, model, task_settings, inputs, ninputs, results);
		return results;
	}
	wanted = palloc(sizeof(InferenceInput) * Max(ninputs, 1));
	origin = palloc(sizeof(int) * Max(ninputs, 1));
	for (int i = 0; i < ninputs; i++)
	{
		if (inf_embedding_cache_get(model, task_settings, &inputs[i], &results[i]))
			continue;
		origin[nwanted] = i;
		wanted[nwanted++] = inputs[i];
	}
	if (nwanted == 0)
		return results;
	fresh = palloc0(sizeof(InferenceEmbedding) * nwanted);
	run_service(service, model, task_settings, wanted, nwanted, fresh);
	for (int i = 0; i < nwanted; i++)
	{
		results[origin[i]] = fresh[i];
		inf_embedding_cache_put(model, task_settings, &wanted[i], &fresh[i]);
	}
	return results;
}

InferenceEmbedding *
inf_infer_probe(const InferenceModel *model, const char *utf8)
{
	InferenceInput input = {.text = utf8,.length = strlen(utf8)};
	InferenceEmbedding *result = palloc0(sizeof(InferenceEmbedding));

	run_service(inf_infer_service(model), model, model->task_settings,
				&input, 1, result);
	return result;
}

InferenceEmbedding *
inf_infer_embed(const InferenceModel *model, Jsonb *overrides,
				const InferenceInput *inputs, int ninputs)
{
	const InferenceServiceOps *service = inf_infer_service(model);
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = add_context,
		.arg = unconstify(InferenceModel *, model)
	};
	InferenceDistinct distinct;
	InferenceEmbedding *of_distinct;
	InferenceEmbedding *results = palloc0(sizeof(InferenceEmbedding) * Max(ninputs, 1));
	Jsonb	   *task_settings;

	error_context_stack = &callback;
	task_settings = inf_infer_task_settings(service, model, overrides);
	inf_batch_distinct(inputs, ninputs, &distinct);
	truncate_inputs(model, distinct.inputs, distinct.ninputs);
	of_distinct = embed_distinct(service, model, task_settings,
								 distinct.inputs, distinct.ninputs);
	check_dimensions(model, of_distinct, distinct.ninputs);
	for (int i = 0; i < ninputs; i++)
	{
		results[i] = of_distinct[distinct.position[i]];
		results[i].is_truncated |= distinct.inputs[distinct.position[i]].is_truncated;
	}
	error_context_stack = callback.previous;
	return results;
}
