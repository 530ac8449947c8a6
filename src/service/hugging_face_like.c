/*
 * hugging_face_like.c
 *		The wire format of Hugging Face and text-embeddings-inference.
 *
 * Sources: the Inference Endpoints documentation (feature extraction) and
 * text-embeddings-inference's API (/embed, /embed_sparse).
 */
#include "postgres.h"

#include "base/errors.h"
#include "http/http_url.h"
#include "service/hugging_face_like.h"
#include "service/request_body.h"

void
inf_hugging_face_build_request(const InferenceCall *call, const char *url,
							   HttpRequest *request)
{
	inf_request_start(request, url, "Bearer", call->model);
	inf_request_set_inputs(request, "inputs", call);
}

const ReplyShape *
inf_hugging_face_reply_shape(const InferenceCall *call, const char *url)
{
	static const ReplyShape dense = {.list = "embeddings",.may_be_bare = true};
	static const ReplyShape sparse = {.may_be_bare = true};

	return call->model->task == INF_TASK_TEXT_EMBEDDING ? &dense : &sparse;
}

const TooLongWords inf_hugging_face_too_long[] = {
	INF_TOO_LONG_TEXT_EMBEDDINGS_INFERENCE,
	/* transformers: "The size of tensor a (678) must match the size of tensor b (512) at non-singleton dimension 1" */
	{"must match the size of tensor b", {400, 500}},
	/* the same, of newer versions: "The expanded size of the tensor (1750) must match the existing size (512)" */
	{"must match the existing size", {400, 500}},
	/* tokenizers: "Token indices sequence length is longer than the specified maximum sequence length" */
	{"longer than the specified maximum sequence length", {400, 500}},
	{0}
};

/* Inference endpoints answer at any path, text-embeddings-inference at few. */
const char *
inf_hugging_face_url_hint(const char *url)
{
	if (inf_http_url_path_ends(url, "/v1/embeddings"))
		return "This looks like a server with OpenAI's API; use service openai for it.";
	if (inf_http_url_path_ends(url, "/embed") ||
		inf_http_url_path_ends(url, "/embed_sparse"))
		return NULL;
	return "The url of the model must name the endpoint itself; text-embeddings-inference has /embed and, for sparse vectors, /embed_sparse.";
}
