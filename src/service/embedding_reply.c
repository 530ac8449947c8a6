/*
 * embedding_reply.c
 *		The shapes of answers that services share.
 */
#include "postgres.h"

#include "common/base64.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"

#include <math.h>

#include "base/errors.h"
#include "json/json_write.h"
#include "service/embedding_reply.h"

bool
inf_reply_parse(const InferenceCall *call, const HttpResponse *response,
				InfJson **root, InferenceFault *fault)
{
	const char *reason;

	if (response->body_bytes == 0)
	{
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER, "the answer is empty");
		return false;
	}
	if (inf_json_parse(response->body, response->body_bytes, call->scratch,
					   root, &reason))
		return true;
	inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
				  "the answer is not valid JSON: %s%s%s%s", reason,
				  response->content_type[0] ? " (content type " : "",
				  response->content_type,
				  response->content_type[0] ? ")" : "");
	return false;
}

bool
inf_reply_check_list(const InfJson *value, const char *name, int ninputs,
					 InferenceFault *fault)
{
	if (value == NULL && name)
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
					  "failed to find required field [%s] in the answer", name);
	else if (inf_json_type(value) != INF_JSON_ARRAY)
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
					  "%s%s%s is of type %s where an array was expected",
					  name ? "field [" : "the answer", name ? name : "",
					  name ? "]" : "",
					  inf_json_type_name(inf_json_type(value)));
	else if (inf_json_array_length(value) != ninputs)
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
					  "the number of embeddings [%zu] does not equal the number of inputs [%d]",
					  inf_json_array_length(value), ninputs);
	else
		return true;
	return false;
}

static bool
read_number_array(const InfJson *value, InferenceEmbedding *embedding,
				  InferenceFault *fault)
{
	int			n = inf_json_array_length(value);
	float	   *values = palloc(sizeof(float) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		InfJson    *element = inf_json_array_element(value, i);

		if (inf_json_float(element, &values[i]))
			continue;
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
					  inf_json_type(element) == INF_JSON_NUMBER ?
					  "element %d of an embedding is out of range for type real" :
					  "element %d of an embedding is of type %s where a number was expected",
					  i, inf_json_type_name(inf_json_type(element)));
		return false;
	}
	embedding->ndimensions = n;
	embedding->values = values;
	return true;
}

static bool
read_base64(const char *text, size_t length, InferenceEmbedding *embedding,
			InferenceFault *fault)
{
	int			bytes;
	void	   *decoded;
	uint32	   *words;

	if (length > MaxAllocSize / 2)
		bytes = -1;
	else
	{
		decoded = palloc(pg_b64_dec_len(length) + 1);
		bytes = pg_b64_decode(text, length, decoded, pg_b64_dec_len(length));
	}
	if (bytes < 0 || bytes % sizeof(float) != 0)
	{
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
					  "an embedding is not valid base64 of 32-bit floats");
		return false;
	}
	embedding->ndimensions = bytes / sizeof(float);
	embedding->values = decoded;
	words = decoded;
	for (int i = 0; i < embedding->ndimensions; i++)
	{
#ifdef WORDS_BIGENDIAN
		words[i] = pg_bswap32(words[i]);
#endif
		/* All exponent bits set: infinity or not a number. */
		if ((words[i] & 0x7f800000) == 0x7f800000)
		{
			inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
						  "element %d of an embedding is not finite", i);
			return false;
		}
	}
	return true;
}

bool
inf_reply_read_vector(const InfJson *value, InferenceEmbedding *embedding,
					  InferenceFault *fault)
{
	size_t		length;
	const char *text;
	bool		read;

	switch (inf_json_type(value))
	{
		case INF_JSON_ARRAY:
			read = read_number_array(value, embedding, fault);
			break;
		case INF_JSON_STRING:
			text = inf_json_string(value, &length);
			read = read_base64(text, length, embedding, fault);
			break;
		default:
			inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
						  "an embedding is of type %s where an array of numbers was expected",
						  inf_json_type_name(inf_json_type(value)));
			return false;
	}
	if (read && embedding->ndimensions == 0)
	{
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER, "an embedding is empty");
		return false;
	}
	return read;
}

/*
 * ----------
 * Sparse
 * ----------
 */

static int
compare_tokens(const void *a, const void *b)
{
	return strcmp(((const InferenceToken *) a)->token,
				  ((const InferenceToken *) b)->token);
}

static int
compare_weights(const void *a, const void *b)
{
	float		x = ((const InferenceToken *) a)->weight;
	float		y = ((const InferenceToken *) b)->weight;

	if (x != y)
		return x > y ? -1 : 1;
	return compare_tokens(a, b);
}

void
inf_reply_sort_tokens(InferenceEmbedding *embedding)
{
	qsort(embedding->tokens, embedding->ntokens, sizeof(InferenceToken),
		  compare_weights);
}

/* Refuses a token that occurs twice; sorts heaviest first. */
static bool
finish_tokens(InferenceEmbedding *embedding, InferenceFault *fault)
{
	InferenceToken *tokens = embedding->tokens;

	qsort(tokens, embedding->ntokens, sizeof(InferenceToken), compare_tokens);
	for (int i = 1; i < embedding->ntokens; i++)
	{
		if (strcmp(tokens[i - 1].token, tokens[i].token) != 0)
			continue;
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
					  "token \"%s\" occurs twice in an embedding",
					  tokens[i].token);
		return false;
	}
	inf_reply_sort_tokens(embedding);
	return true;
}

typedef struct TokenReader
{
	InferenceEmbedding *embedding;
	InferenceFault *fault;
} TokenReader;

static bool
read_weight(const InfJson *value, const char *token, float *weight,
			InferenceFault *fault)
{
	if (inf_json_float(value, weight))
		return true;
	inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
				  "the weight of token \"%s\" is not a number that type real can hold",
				  token);
	return false;
}

static bool
read_member(const char *name, InfJson *value, void *state)
{
	TokenReader *reader = state;
	InferenceToken *token =
		&reader->embedding->tokens[reader->embedding->ntokens];

	if (!read_weight(value, name, &token->weight, reader->fault))
		return false;
	token->token = pstrdup(name);
	reader->embedding->ntokens++;
	return true;
}

bool
inf_reply_read_token_map(const InfJson *value, InferenceEmbedding *embedding,
						 InferenceFault *fault)
{
	TokenReader reader = {embedding, fault};

	if (inf_json_type(value) != INF_JSON_OBJECT)
	{
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
					  "a sparse embedding is of type %s where an object was expected",
					  inf_json_type_name(inf_json_type(value)));
		return false;
	}
	embedding->ntokens = 0;
	embedding->tokens = palloc(sizeof(InferenceToken) *
							   (inf_json_object_size(value) + 1));
	return inf_json_visit_members(value, read_member, &reader) &&
		finish_tokens(embedding, fault);
}

bool
inf_reply_read_token_list(const InfJson *value, InferenceEmbedding *embedding,
						  InferenceFault *fault)
{
	int			n = inf_json_array_length(value);

	embedding->ntokens = n;
	embedding->tokens = palloc(sizeof(InferenceToken) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		InfJson    *element = inf_json_array_element(value, i);
		InferenceToken *token = &embedding->tokens[i];
		int64		index;

		if (!inf_json_int64(inf_json_member(element, "index"), &index) ||
			index < 0)
		{
			inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
						  "a sparse embedding lacks field [index], a token id, in element %d", i);
			return false;
		}
		token->token = psprintf(INT64_FORMAT, index);
		if (!read_weight(inf_json_member(element, "value"), token->token,
						 &token->weight, fault))
			return false;
	}
	return finish_tokens(embedding, fault);
}

bool
inf_reply_check_widths(const InferenceEmbedding *embeddings, int n,
					   InferenceFault *fault)
{
	for (int i = 1; i < n; i++)
	{
		if (embeddings[i].ndimensions == embeddings[0].ndimensions)
			continue;
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
					  "embeddings of different dimensions in one answer: %d and %d",
					  embeddings[0].ndimensions, embeddings[i].ndimensions);
		return false;
	}
	return true;
}

/*
 * ----------
 * Errors and requests
 * ----------
 */

char *
inf_reply_find_text(const HttpResponse *response,
					const char *const (*paths)[3], int npaths)
{
	InfJson    *root;
	const char *reason;

	if (response->body_bytes == 0 ||
		!inf_json_parse(response->body, response->body_bytes,
						CurrentMemoryContext, &root, &reason))
		return NULL;
	for (int i = 0; i < npaths; i++)
	{
		InfJson    *value = root;
		const char *text;

		for (int j = 0; j < 3 && paths[i][j]; j++)
			value = inf_json_member(value, paths[i][j]);
		text = inf_json_string(value, NULL);
		if (text && text[0])
			return pstrdup(text);
	}
	return NULL;
}

void
inf_request_start(HttpRequest *request, const char *url, const char *scheme,
				  const InferenceSecret *key)
{
	request->url = url;
	inf_http_add_header(request, "Content-Type", "application/json", false);
	if (key)
		inf_http_add_header(request, "Authorization",
							psprintf("%s %s", scheme, inf_secret_reveal(key)),
							true);
}

void
inf_request_set_inputs(HttpRequest *request, const char *name,
					   const InferenceCall *call)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfo(&body, "{\"%s\":", name);
	inf_json_append_string_array(&body, call->inputs, call->ninputs);
	appendStringInfoChar(&body, '}');
	request->body = body.data;
	request->body_bytes = body.len;
}
