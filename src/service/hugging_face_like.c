/*
 * hugging_face_like.c
 *		The wire format of Hugging Face and text-embeddings-inference.
 *
 * Sources: the Inference Endpoints documentation (feature extraction) and
 * text-embeddings-inference's API (/embed, /embed_sparse).
 */
#include "postgres.h"

#include "base/errors.h"
#include "service/hugging_face_like.h"
#include "service/reply_error.h"
#include "service/request_body.h"

void
inf_hugging_face_build_request(const InferenceCall *call, const char *url,
							   HttpRequest *request)
{
	inf_request_start(request, url, "Bearer", call->model->api_key);
	inf_request_set_inputs(request, "inputs", call);
}

const ReplyShape *
inf_hugging_face_reply_shape(const InferenceCall *call, const char *url)
{
	static const ReplyShape dense = {.list = "embeddings",.may_be_bare = true};
	static const ReplyShape sparse = {.may_be_bare = true};

	return call->model->task == INF_TASK_TEXT_EMBEDDING ? &dense : &sparse;
}

char *
inf_hugging_face_parse_error(const HttpResponse *response)
{
	static const char *const paths[][3] = {
		{"error"}, {"error", "message"}, {"message"}, {"detail"}
	};

	return inf_reply_find_text(response, paths, lengthof(paths));
}
