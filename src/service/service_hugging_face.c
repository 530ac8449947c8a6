/*
 * service_hugging_face.c
 *		Hugging Face inference endpoints, and text-embeddings-inference.
 */
#include "postgres.h"

#include "http/http_url.h"
#include "service/hugging_face_like.h"
#include "service/service.h"
#include "settings/setting_read.h"
#include "settings/settings_common.h"

static const SettingField hugging_face_service_fields[] = {
	INF_SETTING_API_KEY(SETTING_REQUIRED, "access token of the Hugging Face account"),
	INF_SETTING_API_KEY_HEADER,
	INF_SETTING_API_KEY_SCHEME("Bearer"),
	INF_SETTING_DIMENSIONS(INF_TASK_TEXT_EMBEDDING, "whatever the model gives",
						   "dimensions that vectors must have; not sent"),
	INF_SETTING_MAX_INPUT_TOKENS(INF_TASK_TEXT_EMBEDDING),
	INF_SETTING_RATE_LIMIT(0),
	INF_SETTING_SIMILARITY(INF_TASK_TEXT_EMBEDDING, "cosine"),
	{.name = "url",.type = SETTING_STRING,.flags = SETTING_REQUIRED,
		.check = inf_http_check_url,
	.description = "URL of the inference endpoint"},
	{.name = NULL}
};

static char *
hugging_face_url(const InferenceModel *model, ServiceRoute *route)
{
	char	   *url = inf_setting_utf8(model->service_settings, "url");

	if (url == NULL)
	{
		route->missing_detail = "The model has no url.";
		route->missing_hint = "Give one with inference_update().";
	}
	return url;
}

const InferenceServiceOps inf_service_hugging_face = {
	.name = "hugging_face",
	.tasks = INF_TASK_TEXT_EMBEDDING | INF_TASK_SPARSE_EMBEDDING,
	.service_fields = hugging_face_service_fields,
	.default_similarity = "cosine",
	.max_batch_inputs = 32,		/* text-embeddings-inference's default */
	.url = hugging_face_url,
	.build_request = inf_hugging_face_build_request,
	.reply_shape = inf_hugging_face_reply_shape,
	.too_long = inf_hugging_face_too_long,
	.url_hint = inf_hugging_face_url_hint,
};
