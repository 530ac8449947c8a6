/*
 * service_elser.c
 *		ELSER, Elastic's learned sparse encoder, over HTTP.
 *
 * The specification's elser runs inside the cluster, so it has no address.
 * Ours is reached where the model's url or inference.elser_url says: an
 * Elasticsearch (POST _inference/sparse_embedding/<id>), or a server that
 * speaks as Hugging Face does.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/guc.h"
#include "base/text_encoding.h"
#include "http/http_url.h"
#include "service/hugging_face_like.h"
#include "service/request_body.h"
#include "service/service.h"
#include "settings/setting_read.h"
#include "settings/settings_common.h"

#define PROTOCOL_ELASTICSEARCH "elasticsearch"
#define PROTOCOL_HUGGING_FACE "hugging_face"

static const char *const elser_protocols[] = {
	PROTOCOL_ELASTICSEARCH, PROTOCOL_HUGGING_FACE, NULL
};

static const SettingField elser_service_fields[] = {
	INF_SETTING_API_KEY(0, "key of the server in url"),
	INF_SETTING_API_KEY_HEADER,
	INF_SETTING_API_KEY_SCHEME("ApiKey, or Bearer with protocol hugging_face"),
	INF_SETTING_MODEL_ID("name of the ELSER model; it has no effect"),
	{.name = "num_allocations",.type = SETTING_INTEGER,
		.flags = SETTING_REQUIRED,.min = 1,
	.description = "model allocations to create"},
	{.name = "num_threads",.type = SETTING_INTEGER,
		.flags = SETTING_REQUIRED | SETTING_POWER_OF_TWO | SETTING_FIXED,
		.min = 1,.max = 32,
	.description = "threads of each allocation, a power of 2"},
	{.name = "protocol",.type = SETTING_ENUM,.choices = elser_protocols,
		.default_text = "elasticsearch if the path of url contains /_inference/, else hugging_face",
	.description = "wire format of the server"},
	{.name = "url",.type = SETTING_STRING,.check = inf_http_check_url,
		.default_text = "inference.elser_url",
	.description = "URL of a server that runs ELSER"},
	{.name = NULL}
};

static char *
elser_url(const InferenceModel *model, ServiceRoute *route)
{
	char	   *url = inf_setting_utf8(model->service_settings, "url");

	if (url)
		return url;
	route->by_superuser = true;
	if (inf_guc_elser_url && inf_guc_elser_url[0])
		url = inf_text_to_utf8(inf_guc_elser_url, strlen(inf_guc_elser_url),
							   NULL);
	else
	{
		route->missing_detail = "No server is known: neither the model's url nor inference.elser_url is set.";
		route->missing_hint = OidIsValid(model->server) ?
			"Give the model a url with inference_update(), or have a superuser set inference.elser_url." :
			"Put the model with a url, or have a superuser set inference.elser_url.";
	}
	return url;
}

static bool
speaks_elasticsearch(const InferenceModel *model, const char *url)
{
	char	   *protocol = inf_setting_string(model->service_settings, "protocol");

	if (protocol)
		return strcmp(protocol, PROTOCOL_ELASTICSEARCH) == 0;
	return inf_http_url_path_contains(url, "/_inference/");
}

static void
elser_build_request(const InferenceCall *call, const char *url,
					HttpRequest *request)
{
	if (!speaks_elasticsearch(call->model, url))
	{
		inf_hugging_face_build_request(call, url, request);
		return;
	}
	inf_request_start(request, url, "ApiKey", call->model);
	inf_request_set_inputs(request, "input", call);
}

/* {"sparse_embedding": [{"is_truncated": false, "embedding": {...}}]} */
static const ReplyShape *
elser_reply_shape(const InferenceCall *call, const char *url)
{
	static const ReplyShape shape = {
		.list = "sparse_embedding",
		.embedding = "embedding",
		.truncated = "is_truncated"
	};

	return speaks_elasticsearch(call->model, url) ? &shape :
		inf_hugging_face_reply_shape(call, url);
}

static const TooLongWords elser_too_long[] = {
	/* Elasticsearch: "Input too large. The tokenized input length [600] exceeds the maximum sequence length [512]" */
	{"exceeds the maximum sequence length", {400}},
	INF_TOO_LONG_TEXT_EMBEDDINGS_INFERENCE,
	{0}
};

static const char *
elser_url_hint(const char *url)
{
	if (inf_http_url_path_contains(url, "/_inference/"))
		return "The url of the model must end in the id of an existing inference endpoint, such as /_inference/sparse_embedding/.elser-2-elasticsearch.";
	if (inf_http_url_path_ends(url, "/embed_sparse"))
		return NULL;
	return "The url of the model must name the endpoint itself, such as https://example.org:9200/_inference/sparse_embedding/.elser-2-elasticsearch.";
}

const InferenceServiceOps inf_service_elser = {
	.name = "elser",
	.tasks = INF_TASK_SPARSE_EMBEDDING,
	.service_fields = elser_service_fields,
	.max_batch_inputs = 16,		/* Elastic's own clients send as many */
	.url = elser_url,
	.build_request = elser_build_request,
	.reply_shape = elser_reply_shape,
	.too_long = elser_too_long,
	.url_hint = elser_url_hint,
};
