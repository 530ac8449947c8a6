/*
 * hugging_face_like.c
 *		The wire format of Hugging Face and text-embeddings-inference.
 *
 * Sources: the Inference Endpoints documentation (feature extraction) and
 * text-embeddings-inference's API (/embed, /embed_sparse).
 */
#include "postgres.h"

#include "base/errors.h"
#include "service/embedding_reply.h"
#include "service/hugging_face_like.h"

void
inf_hugging_face_build_request(const InferenceCall *call, const char *url,
							   HttpRequest *request)
{
	inf_request_start(request, url, "Bearer", call->model->api_key);
	inf_request_set_inputs(request, "inputs", call);
}

static bool
read_sparse(const InfJson *value, InferenceEmbedding *embedding,
			InferenceFault *fault)
{
	if (inf_json_type(value) == INF_JSON_ARRAY)
		return inf_reply_read_token_list(value, embedding, fault);
	return inf_reply_read_token_map(value, embedding, fault);
}

bool
inf_hugging_face_parse_response(const InferenceCall *call, const char *url,
								const HttpResponse *response,
								InferenceEmbedding *results,
								InferenceFault *fault)
{
	bool		dense = call->model->task == INF_TASK_TEXT_EMBEDDING;
	const char *name = NULL;
	InfJson    *list;

	if (!inf_reply_parse(call, response, &list, fault))
		return false;
	if (dense && inf_json_type(list) == INF_JSON_OBJECT)
	{
		name = "embeddings";
		list = inf_json_member(list, name);
	}
	if (!inf_reply_check_list(list, name, call->ninputs, fault))
		return false;
	for (int i = 0; i < call->ninputs; i++)
	{
		InfJson    *element = inf_json_array_element(list, i);

		if (!(dense ? inf_reply_read_vector(element, &results[i], fault) :
			  read_sparse(element, &results[i], fault)))
			return false;
	}
	return !dense || inf_reply_check_widths(results, call->ninputs, fault);
}

char *
inf_hugging_face_parse_error(const HttpResponse *response)
{
	static const char *const paths[][3] = {
		{"error"}, {"error", "message"}, {"message"}, {"detail"}
	};

	return inf_reply_find_text(response, paths, lengthof(paths));
}
