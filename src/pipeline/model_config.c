/*
 * model_config.c
 *		From the JSON that a user gives to a model, and back.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "base/limits.h"
#include "base/text_encoding.h"
#include "http/http_url.h"
#include "pipeline/model_config.h"
#include "settings/setting_read.h"

/* Keys of a configuration itself. */
static const char *const put_keys[] = {
	"task_type", "service", INF_SERVICE_SETTINGS, INF_TASK_SETTINGS, NULL
};
static const char *const update_keys[] = {
	"task_type", INF_SERVICE_SETTINGS, INF_TASK_SETTINGS, NULL
};

#define TASK_TYPES_HINT "Task types are sparse_embedding and text_embedding."

/*
 * ----------
 * Parts of a configuration
 * ----------
 */

InferenceTask
inf_config_task(const char *name)
{
	InferenceTask task;

	if (!inf_task_parse(name, &task))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("Unknown task_type [%s]", inf_text_clip(name)),
				 errhint(TASK_TYPES_HINT)));
	return task;
}

/*
 * As Elasticsearch's later versions have it, at most as long as the name of a
 * foreign server: 63 bytes.
 */
static void
check_model_id(SettingCheck *check, const char *model_id)
{
	static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char any[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
	size_t		length = strlen(model_id);

	if (length == 0 || strspn(model_id, any) != length ||
		strchr(alphanumeric, model_id[0]) == NULL ||
		strchr(alphanumeric, model_id[length - 1]) == NULL)
		inf_setting_add_fault(check,
							  "Invalid model_id; '%s' can contain lowercase alphanumeric (a-z and 0-9), hyphens, underscores or dots; must start and end with alphanumeric",
							  inf_text_clip(model_id));
	else if (length >= NAMEDATALEN)
		inf_setting_add_fault(check,
							  "Invalid model_id; '%s' is longer than %d bytes",
							  inf_text_clip(model_id), NAMEDATALEN - 1);
}

/* A string member of config; NULL if absent.  Another type is a fault. */
static char *
read_string(SettingCheck *check, Jsonb *config, const char *key)
{
	char	   *text;

	if (!inf_setting_is_set(config, key))
		return NULL;
	text = inf_setting_string(config, key);
	if (text == NULL)
		inf_setting_add_fault(check,
							  "field [%s] is not of the expected type. The value cannot be converted to a [String]",
							  key);
	return text;
}

/* An object member of config; NULL if absent.  Another type is a fault. */
static Jsonb *
read_object(SettingCheck *check, Jsonb *config, const char *key)
{
	Jsonb	   *object;

	if (!inf_setting_is_set(config, key))
		return NULL;
	object = inf_setting_object(config, key);

	/* The value is not quoted: a key may be in it. */
	if (object == NULL)
		inf_setting_add_fault(check,
							  "field [%s] is not of the expected type. The value cannot be converted to a [Map]",
							  key);
	return object;
}

/* A setting of the service that stands beside its group. */
static void
add_place_hint(SettingCheck *check, const SettingField *fields,
			   const char *group, const char *key)
{
	for (const SettingField *f = fields; f && f->name; f++)
		if (strcmp(f->name, key) == 0)
			appendStringInfo(&check->hints, "%s\"%s\" belongs in %s.",
							 check->hints.len > 0 ? " " : "", key, group);
}

static void
check_keys(SettingCheck *check, const InferenceServiceOps *service,
		   Jsonb *config, const char *const *accepted)
{
	JsonbIterator *it = JsonbIteratorInit(&config->root);
	JsonbValue	value;

	(void) JsonbIteratorNext(&it, &value, true);	/* WJB_BEGIN_OBJECT */
	while (JsonbIteratorNext(&it, &value, true) == WJB_KEY)
	{
		char	   *key = pnstrdup(value.val.string.val, value.val.string.len);
		bool		known = false;

		for (int i = 0; accepted[i] && !known; i++)
			known = strcmp(key, accepted[i]) == 0;
		(void) JsonbIteratorNext(&it, &value, true);
		if (!known && value.type != jbvNull)
		{
			inf_setting_add_unknown(check, "the configuration", accepted, key);
			if (service)
			{
				add_place_hint(check, service->service_fields,
							   INF_SERVICE_SETTINGS, key);
				add_place_hint(check, service->task_fields,
							   INF_TASK_SETTINGS, key);
			}
		}
		pfree(key);
	}
}

static void
require_object(Jsonb *config)
{
	if (!JB_ROOT_IS_OBJECT(config))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the configuration of an inference model must be a JSON object"),
				 errhint("For example '{\"service\": \"openai\", \"service_settings\": {\"api_key\": \"...\"}}'.")));
}

/* The task type of argument and configuration together; 0 after a fault. */
static InferenceTask
resolve_task(SettingCheck *check, const char *path_task, Jsonb *config)
{
	char	   *body_task = read_string(check, config, "task_type");
	InferenceTask path = 0;
	InferenceTask body = 0;

	if (path_task && !inf_task_parse(path_task, &path))
		inf_setting_add_fault(check, "Unknown task_type [%s]",
							  inf_text_clip(path_task));
	if (body_task && !inf_task_parse(body_task, &body))
		inf_setting_add_fault(check, "Unknown task_type [%s]",
							  inf_text_clip(body_task));
	if (path && body && path != body)
		inf_setting_add_fault(check,
							  "Cannot resolve conflicting task_type parameter in the request URL [%s] and the request body [%s]",
							  inf_task_name(path), inf_task_name(body));
	if (path_task == NULL && !inf_setting_is_set(config, "task_type"))
		inf_setting_add_fault(check,
							  "model is missing required setting [task_type]");
	if (!path && !body)
		appendStringInfoString(&check->hints, TASK_TYPES_HINT);
	return path ? path : body;
}

static void
append_service_hint(StringInfo hints)
{
	const InferenceServiceOps *const *service = inf_service_all();

	appendStringInfo(hints, "%sServices are ", hints->len > 0 ? " " : "");
	for (int i = 0; service[i]; i++)
		appendStringInfo(hints, "%s%s",
						 i == 0 ? "" : service[i + 1] ? ", " : " and ",
						 service[i]->name);
	appendStringInfoChar(hints, '.');
}

static const InferenceServiceOps *
resolve_service(SettingCheck *check, Jsonb *config)
{
	char	   *name = read_string(check, config, "service");
	const InferenceServiceOps *service;

	if (name == NULL)
	{
		if (!inf_setting_is_set(config, "service"))
			inf_setting_add_fault(check, "Model configuration is missing a service");
		append_service_hint(&check->hints);
		return NULL;
	}
	service = inf_service_find(name);
	if (service == NULL)
	{
		inf_setting_add_fault(check, "Unknown service [%s]",
							  inf_text_clip(name));
		append_service_hint(&check->hints);
		return NULL;
	}
	check->service = service->name;
	if (check->task != 0 && (service->tasks & check->task) == 0)
	{
		inf_setting_add_fault(check,
							  "The [%s] service does not support task type [%s]",
							  name, inf_task_name(check->task));
		/* Its fields cannot be held against a task that it lacks. */
		check->task = 0;
	}
	return service;
}

/* Takes the secret that the check found, and binds it to where it may go. */
static void
take_secret(InferenceModel *model, const InferenceServiceOps *service,
			List *secrets)
{
	SettingSecret *secret;
	ServiceRoute route = {0};
	char		origin[INF_HTTP_ORIGIN_BYTES];
	char	   *url;

	if (secrets == NIL)
		return;
	secret = linitial(secrets);
	model->api_key = inf_secret_make(secret->value, strlen(secret->value));
	explicit_bzero(secret->value, strlen(secret->value));
	model->key_set_at = GetCurrentTransactionStartTimestamp();

	model->bound_to = NULL;
	url = service->url ? service->url(model, &route) : NULL;
	if (url && !route.by_superuser && inf_http_url_origin(url, origin))
		model->bound_to = pstrdup(origin);
}

/*
 * ----------
 * New models
 * ----------
 */

InferenceModel *
inf_config_parse(const char *path_task, const char *model_id, Jsonb *config)
{
	InferenceModel *model = palloc0(sizeof(InferenceModel));
	const InferenceServiceOps *service;
	SettingCheck check;
	Jsonb	   *service_settings;
	Jsonb	   *task_settings;

	require_object(config);
	inf_setting_check_init(&check, 0, "unknown");
	check_model_id(&check, model_id);
	model->model_id = pstrdup(model_id);
	check.task = model->task = resolve_task(&check, path_task, config);
	service = resolve_service(&check, config);
	service_settings = read_object(&check, config, INF_SERVICE_SETTINGS);
	task_settings = read_object(&check, config, INF_TASK_SETTINGS);
	if (!inf_setting_is_set(config, INF_SERVICE_SETTINGS) &&
		!(service && service->settings_optional))
		inf_setting_add_fault(&check, "Missing required field [%s]",
							  INF_SERVICE_SETTINGS);
	else if (service && (service_settings || service->settings_optional))
		model->service_settings =
			inf_setting_check_object(&check, service->service_fields,
									 INF_SERVICE_SETTINGS, service_settings);
	if (service)
		model->task_settings =
			inf_setting_check_object(&check, service->task_fields,
									 INF_TASK_SETTINGS, task_settings);
	check_keys(&check, service, config, put_keys);
	inf_setting_check_finish(&check);

	model->service = pstrdup(service->name);
	model->discovered = inf_setting_empty();
	take_secret(model, service, check.secrets);
	return model;
}

/*
 * ----------
 * Changed models
 * ----------
 */

/* Adds a fault for each field that may not change and would. */
static void
check_fixed(SettingCheck *check, const SettingField *fields, Jsonb *before,
			Jsonb *after)
{
	for (const SettingField *f = fields; f && f->name; f++)
	{
		JsonbValue *was;
		JsonbValue *is;

		if (!(f->flags & SETTING_FIXED) || !inf_setting_is_set(after, f->name))
			continue;
		was = inf_setting_find(before, f->name);
		is = inf_setting_find(after, f->name);
		if (was == NULL || strcmp(inf_setting_value_text(was),
								  inf_setting_value_text(is)) != 0)
			inf_setting_add_fault(check,
								  "Request contained fields which cannot be updated, remove these fields and try again [{%s=%s}]",
								  f->name, inf_setting_quote(f, is));
	}
}

/* A key that stays behind must not follow the model to another origin. */
static void
check_key_stays_bound(SettingCheck *check, const InferenceServiceOps *service,
					  const InferenceModel *changed)
{
	ServiceRoute route = {0};
	char		origin[INF_HTTP_ORIGIN_BYTES];
	char	   *url = service->url ? service->url(changed, &route) : NULL;

	if (changed->api_key == NULL || url == NULL ||
		!inf_http_url_origin(url, origin))
		return;
	if (changed->bound_to == NULL ? !route.by_superuser :
		strcmp(origin, changed->bound_to) != 0)
		inf_setting_add_fault(check,
							  "[%s] The key of the model was given for %s; give [api_key] again to send it to [%s]",
							  INF_SERVICE_SETTINGS,
							  changed->bound_to ? changed->bound_to : "inference.elser_url",
							  origin);
}

/* Stored settings overlaid with changes that were found good. */
static Jsonb *
merge_settings(SettingCheck *check, const SettingField *fields,
			   const char *scope, Jsonb *stored, Jsonb *changes)
{
	if (changes == NULL)
		return stored;
	inf_setting_check_nulls(check, fields, scope, changes);
	check_fixed(check, fields, stored, changes);
	return inf_setting_check_object(check, fields, scope,
									inf_setting_merge(stored,
													  inf_setting_strip_nulls(changes)));
}

/* Whether another server, perhaps another model, is asked from now on. */
static bool
url_differs(const InferenceModel *model, const InferenceModel *changed)
{
	char	   *was = inf_setting_string(model->service_settings, "url");
	char	   *is = inf_setting_string(changed->service_settings, "url");

	return is != NULL && (was == NULL || strcmp(was, is) != 0);
}

InferenceModel *
inf_config_merge(const char *path_task, const InferenceModel *model,
				 Jsonb *config)
{
	const InferenceServiceOps *service = inf_service_find(model->service);
	InferenceModel *changed = palloc(sizeof(InferenceModel));
	InferenceTask task = 0;
	SettingCheck check;
	char	   *body_task;

	require_object(config);
	*changed = *model;
	if (service == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("Unknown service [%s] for model [%s]",
						model->service, model->model_id)));
	inf_setting_check_init(&check, model->task, model->service);
	check.secrets_on_file = model->api_key != NULL;
	body_task = read_string(&check, config, "task_type");
	if (path_task)
		task = inf_config_task(path_task);
	if (task == 0 && body_task)
		task = inf_config_task(body_task);
	if ((task != 0 && task != model->task) ||
		(body_task && inf_config_task(body_task) != model->task))
		inf_setting_add_fault(&check,
							  "Task type must match the task type of the existing endpoint");
	changed->service_settings =
		merge_settings(&check, service->service_fields, INF_SERVICE_SETTINGS,
					   model->service_settings,
					   read_object(&check, config, INF_SERVICE_SETTINGS));
	changed->task_settings =
		merge_settings(&check, service->task_fields, INF_TASK_SETTINGS,
					   model->task_settings,
					   read_object(&check, config, INF_TASK_SETTINGS));
	check_keys(&check, service, config, update_keys);
	inf_setting_check_size(VARSIZE(changed->service_settings) +
						   VARSIZE(changed->task_settings),
						   "settings of an inference model");
	if (check.secrets != NIL)
		take_secret(changed, service, check.secrets);
	else
		check_key_stays_bound(&check, service, changed);
	inf_setting_check_finish(&check);
	if (url_differs(model, changed))
		changed->discovered = inf_setting_empty();

	if (check.secrets == NIL &&
		inf_setting_equal(changed->service_settings, model->service_settings) &&
		inf_setting_equal(changed->task_settings, model->task_settings))
		return NULL;
	return changed;
}

void
inf_config_check_read(const InferenceModel *model)
{
	if (model->is_oversized)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("settings of inference model \"%s\" are too large",
						model->model_id),
				 errdetail("They have more than %d bytes, which inference_put() would refuse.",
						   INF_MAX_SETTINGS_BYTES),
				 errhint("Delete the model with inference_delete(), and put it again.")));
}

/*
 * ----------
 * Back to JSON
 * ----------
 */

static void
append_settings(StringInfo json, const char *key, Jsonb *settings)
{
	appendStringInfo(json, ", \"%s\": ", key);
	(void) JsonbToCString(json, &settings->root, VARSIZE(settings));
}

void
inf_config_describe(StringInfo json, const InferenceModel *model)
{
	if (model->is_oversized)
		ereport(WARNING,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("settings of inference model \"%s\" are too large to be shown",
						model->model_id)));
	appendStringInfoString(json, "{\"model_id\": ");
	escape_json(json, model->model_id);
	appendStringInfoString(json, ", \"task_type\": ");
	escape_json(json, inf_task_name(model->task));
	appendStringInfoString(json, ", \"service\": ");
	escape_json(json, model->service);
	append_settings(json, INF_SERVICE_SETTINGS, model->service_settings);
	append_settings(json, INF_TASK_SETTINGS, model->task_settings);
	appendStringInfoChar(json, '}');
}
