/*
 * service_openai.c
 *		OpenAI's embeddings, and whatever speaks as it does.
 *
 * Source: the reference of POST /v1/embeddings.  A url of the user's replaces
 * the whole URL; nothing is appended to it.
 */
#include "postgres.h"

#include "base/errors.h"
#include "http/http_url.h"
#include "json/json_write.h"
#include "service/embedding_reply.h"
#include "service/service.h"
#include "settings/setting_read.h"
#include "settings/settings_common.h"

#define DEFAULT_URL "https://api.openai.com/v1/embeddings"

static const SettingField openai_service_fields[] = {
	INF_SETTING_API_KEY(SETTING_REQUIRED, "key of the OpenAI account"),
	INF_SETTING_DIMENSIONS(0, "the model's own",
						   "dimensions to ask the model for; sent only if set"),
	INF_SETTING_MAX_INPUT_TOKENS(0),
	INF_SETTING_MODEL_ID("name of the model; task_settings.model says the same"),
	{.name = "organization_id",.type = SETTING_STRING,
		.check = inf_setting_check_header,
	.description = "organization that is billed"},
	INF_SETTING_RATE_LIMIT(0),
	INF_SETTING_SIMILARITY(0, "dot_product"),
	{.name = "url",.type = SETTING_STRING,.check = inf_http_check_url,
		.default_text = DEFAULT_URL,
	.description = "URL of the embeddings endpoint"},
	{.name = NULL}
};

static const SettingField openai_task_fields[] = {
	{.name = "model",.type = SETTING_STRING,.flags = SETTING_FIXED,
		.default_text = "service_settings.model_id",
	.description = "name of the model"},
	{.name = "user",.type = SETTING_STRING,
	.description = "end user that OpenAI is told, to find abuse"},
	{.name = NULL}
};

static char *
openai_url(const InferenceModel *model, ServiceRoute *route)
{
	char	   *url = inf_setting_string(model->service_settings, "url");

	return url ? url : pstrdup(DEFAULT_URL);
}

static void
append_text_setting(StringInfo body, const char *key, const char *utf8)
{
	if (utf8 == NULL)
		return;
	appendStringInfo(body, ",\"%s\":", key);
	inf_json_append_string(body, utf8);
}

static void
openai_build_request(const InferenceCall *call, const char *url,
					 HttpRequest *request)
{
	Jsonb	   *service_settings = call->model->service_settings;
	StringInfoData body;
	char	   *organization;
	char	   *model;
	int			dimensions;

	inf_request_start(request, url, "Bearer", call->model->api_key);
	organization = inf_setting_string(service_settings, "organization_id");
	if (organization)
		inf_http_add_header(request, "OpenAI-Organization", organization, false);

	initStringInfo(&body);
	appendStringInfoString(&body, "{\"input\":");
	inf_json_append_string_array(&body, call->inputs, call->ninputs);
	model = inf_setting_utf8(call->task_settings, "model");
	append_text_setting(&body, "model",
						model ? model : inf_setting_utf8(service_settings, "model_id"));
	append_text_setting(&body, "user",
						inf_setting_utf8(call->task_settings, "user"));
	dimensions = inf_setting_integer(service_settings, "dimensions", 0);
	if (dimensions > 0)
		appendStringInfo(&body, ",\"dimensions\":%d", dimensions);
	appendStringInfoChar(&body, '}');

	request->body = body.data;
	request->body_bytes = body.len;
}

/*
 * The position that each element belongs to: its "index" if all of them
 * together are a permutation, else its place in the array, since compatible
 * servers are known to send 0 throughout or nothing.
 */
static int *
openai_positions(const InfJson *data, int n)
{
	int		   *positions = palloc(sizeof(int) * n);
	bool	   *taken = palloc0(sizeof(bool) * n);
	bool		permutation = true;

	for (int i = 0; i < n && permutation; i++)
	{
		InfJson    *element = inf_json_array_element(data, i);
		int64		index;

		permutation = inf_json_int64(inf_json_member(element, "index"), &index) &&
			index >= 0 && index < n && !taken[index];
		if (permutation)
		{
			taken[index] = true;
			positions[i] = index;
		}
	}
	for (int i = 0; i < n && !permutation; i++)
		positions[i] = i;
	return positions;
}

static bool
openai_parse_response(const InferenceCall *call, const char *url,
					  const HttpResponse *response,
					  InferenceEmbedding *results, InferenceFault *fault)
{
	InfJson    *root;
	InfJson    *data;
	int		   *positions;

	if (!inf_reply_parse(call, response, &root, fault))
		return false;
	data = inf_json_member(root, "data");
	if (!inf_reply_check_list(data, "data", call->ninputs, fault))
		return false;
	positions = openai_positions(data, call->ninputs);
	for (int i = 0; i < call->ninputs; i++)
	{
		InfJson    *element = inf_json_array_element(data, i);
		InfJson    *embedding = inf_json_member(element, "embedding");

		if (embedding == NULL)
		{
			inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
						  "failed to find required field [embedding] in the answer");
			return false;
		}
		if (!inf_reply_read_vector(embedding, &results[positions[i]], fault))
			return false;
	}
	return inf_reply_check_widths(results, call->ninputs, fault);
}

/* {"error": {"message": "..."}}; compatible servers also use a string. */
static char *
openai_parse_error(const HttpResponse *response)
{
	static const char *const paths[][3] = {
		{"error", "message"}, {"error"}, {"message"}, {"detail"}
	};

	return inf_reply_find_text(response, paths, lengthof(paths));
}

const InferenceServiceOps inf_service_openai = {
	.name = "openai",
	.tasks = INF_TASK_TEXT_EMBEDDING,
	.service_fields = openai_service_fields,
	.task_fields = openai_task_fields,
	.default_similarity = "dot_product",
	.max_batch_inputs = 2048,	/* OpenAI's own limit */
	.url = openai_url,
	.build_request = openai_build_request,
	.parse_response = openai_parse_response,
	.parse_error = openai_parse_error,
};
