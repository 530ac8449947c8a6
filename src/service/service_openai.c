/*
 * service_openai.c
 *		OpenAI's embeddings, and whatever speaks as it does.
 *
 * Source: the reference of POST /v1/embeddings.  A url of the user's replaces
 * the whole URL; nothing is appended to it.  Vectors are asked for as base64,
 * a third of the bytes and a fifth of the work; servers that ignore that are
 * understood too.
 */
#include "postgres.h"

#include "base/errors.h"
#include "http/http_url.h"
#include "json/json_write.h"
#include "service/request_body.h"
#include "service/service.h"
#include "settings/setting_read.h"
#include "settings/settings_common.h"

#define DEFAULT_URL "https://api.openai.com/v1/embeddings"

static const char *const openai_encoding_formats[] = {"base64", "float", NULL};

static const SettingField openai_service_fields[] = {
	INF_SETTING_API_KEY(SETTING_REQUIRED, "key of the OpenAI account"),
	INF_SETTING_API_KEY_HEADER,
	INF_SETTING_API_KEY_SCHEME("Bearer"),
	INF_SETTING_DIMENSIONS(0, "the model's own",
						   "dimensions to ask the model for; sent only if set"),
	{.name = "encoding_format",.type = SETTING_ENUM,
		.choices = openai_encoding_formats,
		.default_text = "base64, if the server supports it",
	.description = "form in which vectors are requested"},
	INF_SETTING_MAX_INPUT_TOKENS(0),
	INF_SETTING_MODEL_ID("name of the model; the same as task_settings.model"),
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
	.description = "end user, sent to OpenAI to help detect abuse"},
	{.name = NULL}
};

static char *
openai_url(const InferenceModel *model, ServiceRoute *route)
{
	char	   *url = inf_setting_utf8(model->service_settings, "url");

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
	char	   *format;
	int			dimensions;

	inf_request_start(request, url, "Bearer", call->model);
	organization = inf_setting_utf8(service_settings, "organization_id");
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
	format = inf_setting_string(service_settings, "encoding_format");
	append_text_setting(&body, "encoding_format",
						format ? format : call->plain_numbers ? NULL : "base64");
	appendStringInfoChar(&body, '}');

	request->body = body.data;
	request->body_bytes = body.len;
}

/* A model that names a format is asked for that, and for no other. */
static bool
openai_has_encodings(const InferenceModel *model)
{
	return !inf_setting_is_set(model->service_settings, "encoding_format");
}

static const ReplyShape *
openai_reply_shape(const InferenceCall *call, const char *url)
{
	/* Ollama's /api/embed: {"embeddings": [[...], ...]} */
	static const ReplyShape ollama_shape = {
		.list = "embeddings",
		.tokens = "prompt_eval_count"
	};
	static const ReplyShape shape = {
		.list = "data",
		.embedding = "embedding",
		.index = "index",
		.usage = "usage",
		.tokens = "prompt_tokens",
		.otherwise = &ollama_shape
	};

	return &shape;
}

/* Of OpenAI, and of servers and gateways that speak as it does. */
static const TooLongWords openai_too_long[] = {
	/* OpenAI and Azure: "Invalid 'input[0]': maximum input length is 8192 tokens." */
	{"maximum input length is", {400}},
	/* the same until 2024; vLLM, LiteLLM: "This model's maximum context length is 512 tokens." */
	{"maximum context length", {400, 500}},
	{"Please reduce your prompt", {400}},
	/* OpenAI: "Requested 319487 tokens, max 300000 tokens per request" */
	{"tokens per request", {400}},
	/* Ollama: "the input length exceeds the context length" */
	{"exceeds the context length", {400, 500}},
	/* Ollama before 0.5: "input length exceeds maximum context length" */
	{"exceeds context length", {400, 500}},
	/* vLLM, and Xinference over it: "The decoder prompt (length 600) is longer than the maximum model length of 512." */
	{"maximum model length", {400, 500}},
	/* llama.cpp: "input (992 tokens) is too large to process. increase the physical batch size" */
	{"too large to process", {400, 500}},
	/* llama.cpp: "the request exceeds the available context size, try increasing it" */
	{"exceeds the available context size", {400, 500}},
	/* llama-box: "prefill 744 tokens exceed n_ctx_per_seq"; "input prompt is too big compared to KV size" */
	{"exceed n_ctx_per_seq", {400, 500}},
	{"too big compared to KV size", {400, 500}},
	INF_TOO_LONG_TEXT_EMBEDDINGS_INFERENCE,
	/* NVIDIA: "Input length 851 exceeds maximum allowed token size 512" */
	{"exceeds maximum allowed token size", {400, 422}},
	/* Google: "The input token count (2100) exceeds the maximum number of tokens allowed (2048)." */
	{"exceeds the maximum number of tokens", {400}},
	/* Volcano Engine: "Input length of input_ids is `4498` and exceed max_sequence_length: `4096`!" */
	{"exceed max_sequence_length", {400}},
	/* Alibaba: "Range of input length should be [1, 2048]" */
	{"Range of input length should be", {400}},
	/* Voyage: "The example at index 0 in your batch has too many tokens and does not fit into the model's context window" */
	{"does not fit into the model's context window", {400}},
	/* Mistral: "Too many tokens in batch. Max is 16384 got 17555" */
	{"Too many tokens in batch", {400, 422}},
	{0}
};

/* A url stands for itself; clients of OpenAI's libraries give a base, to which those append. */
static const char *
openai_url_hint(const char *url)
{
	if (inf_http_url_path_ends(url, "/api/embeddings"))
		return "This looks like Ollama's older interface, for one text at a time. Use Ollama's /api/embed or /v1/embeddings.";
	if (inf_http_url_path_ends(url, "/embeddings") ||
		inf_http_url_path_ends(url, "/embed"))
		return NULL;
	return "The url of the model must name the endpoint itself, such as https://example.org/v1/embeddings; nothing is appended to it.";
}

const InferenceServiceOps inf_service_openai = {
	.name = "openai",
	.tasks = INF_TASK_TEXT_EMBEDDING,
	.service_fields = openai_service_fields,
	.task_fields = openai_task_fields,
	.default_similarity = "dot_product",
	.max_batch_inputs = 2048,	/* OpenAI's own limits */
	.max_batch_tokens = 300000,
	.url = openai_url,
	.build_request = openai_build_request,
	.has_encodings = openai_has_encodings,
	.reply_shape = openai_reply_shape,
	.too_long = openai_too_long,
	.url_hint = openai_url_hint,
};
