/*
 * reply_reader.c
 *		Embeddings out of an answer, as its bytes arrive.
 *
 * The stream of JSON gives events; what one means depends on the place in the
 * answer.  Memory is asked for without throwing, and a fault is written down,
 * because libcurl is on the stack.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "json/json_number.h"
#include "json/json_stream.h"
#include "service/reply_reader.h"
#include "service/token_list.h"

/* Room for the first vector, whose width is not known; most have fewer. */
#define FIRST_DIMENSIONS 1024

/* Most dimensions of a vector: an array of them fits into a value. */
#define MAX_DIMENSIONS ((int) (MaxAllocSize / sizeof(float4) / 2))

/* Tokens of a sparse vector at first; ELSER gives 50 to 250. */
#define FIRST_TOKENS 128

typedef enum Place
{
	AT_ANSWER,					/* before its first byte */
	IN_ANSWER,					/* between its members */
	AT_LIST,					/* its list must follow */
	AT_USAGE,
	IN_USAGE,
	AT_USAGE_TOKENS,
	IN_LIST,					/* between results */
	IN_RESULT,					/* between its members */
	AT_EMBEDDING,
	AT_INDEX,
	AT_TRUNCATED,
	IN_TOKEN_MAP,				/* {"token": weight} */
	AT_WEIGHT,
	IN_TOKEN_LIST,				/* [{"index": id, "value": weight}] */
	IN_TOKEN,
	AT_TOKEN_INDEX,
	AT_TOKEN_VALUE,
	AT_OTHER,					/* a value that nobody wants */
	IN_OTHER,
	BEHIND_ANSWER
} Place;

struct ReplyReader
{
	/* What is asked */
	const InferenceCall *call;
	const ReplyShape *shape;
	bool		is_sparse;
	MemoryContext context;

	/* What has been found */
	InferenceEmbedding *results;	/* (call->ninputs), as they came */
	int		   *positions;		/* (call->ninputs): index of each; -1: none */
	int			nresults;		/* those beyond ninputs are only counted */
	bool		has_list;
	int64		ntokens;

	/* The result that is being read */
	InferenceEmbedding embedding;
	bool		has_embedding;
	int			token_room;
	int			position;
	int64		token_id;		/* of a token in a list; -1: none so far */
	float		token_weight;
	bool		has_token_weight;

	/* Where it is */
	JsonStream	stream;
	JsonFloats	floats;
	Place		place;
	Place		after_other;	/* place behind a value that nobody wants */
	int			depth_of_other;
	bool		has_bytes;
	bool		has_ended;		/* a fault was found: the rest is ignored */
	char		fault[256];
};

/*
 * Faults
 */

static bool
refuse(ReplyReader *reader, const char *format,...) pg_attribute_printf(2, 3);

static bool
refuse(ReplyReader *reader, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(reader->fault, sizeof(reader->fault), format, args);
	va_end(args);
	return false;
}

static const char *
type_name(JsonEvent event)
{
	switch (event)
	{
		case JSON_EVENT_NULL:
			return "null";
		case JSON_EVENT_TRUE:
		case JSON_EVENT_FALSE:
			return "boolean";
		case JSON_EVENT_NUMBER:
			return "number";
		case JSON_EVENT_STRING:
		case JSON_EVENT_KEY:
			return "string";
		case JSON_EVENT_OBJECT:
		case JSON_EVENT_OBJECT_END:
			return "object";
		default:
			return "array";
	}
}

static bool
is_named(const char *name, const char *text)
{
	return name != NULL && strcmp(name, text) == 0;
}

/*
 * Dense vectors
 */

/* Room for n values in an array of SQL. */
static bool
grow_floats(JsonFloats *floats, int n)
{
	ReplyReader *reader = (ReplyReader *)
		((char *) floats - offsetof(ReplyReader, floats));
	ArrayType  *old = reader->embedding.array;
	ArrayType  *array;

	if (n > floats->capacity)
		n = Max(n, Min(floats->capacity * 2, MAX_DIMENSIONS));
	if (n > MAX_DIMENSIONS)
		return refuse(reader, "an embedding has more than %d dimensions",
					  MAX_DIMENSIONS);
	array = MemoryContextAllocExtended(reader->context,
									   ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * n,
									   MCXT_ALLOC_NO_OOM);
	if (array == NULL)
		return refuse(reader, "out of memory");
	if (old != NULL)
	{
		/* base64 writes beyond the n that it counts at its end */
		memcpy(ARR_OVERHEAD_NONULLS(1) + (char *) array, floats->values,
			   sizeof(float4) * floats->capacity);
		pfree(old);
	}
	reader->embedding.array = array;
	floats->values = (float *) (ARR_OVERHEAD_NONULLS(1) + (char *) array);
	floats->capacity = n;
	return true;
}

/* The next value, if it is an array of numbers or base64, is a vector. */
static bool
expect_vector(ReplyReader *reader)
{
	int			width = reader->nresults > 0 ? reader->results[0].ndimensions :
		FIRST_DIMENSIONS;

	reader->embedding.array = NULL;
	reader->floats.capacity = 0;
	reader->floats.n = 0;

	/* one more than the width, and what base64 may write beyond */
	if (!grow_floats(&reader->floats, width + 2))
		return false;
	reader->stream.floats = &reader->floats;
	return true;
}

static bool
finish_vector(ReplyReader *reader)
{
	ArrayType  *array = reader->embedding.array;
	int			n = reader->floats.n;

	if (n == 0)
		return refuse(reader, "an embedding is empty");
	SET_VARSIZE(array, ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * n);
	array->ndim = 1;
	array->dataoffset = 0;		/* no nulls */
	array->elemtype = FLOAT4OID;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	reader->embedding.ndimensions = n;
	reader->embedding.values = (float *) ARR_DATA_PTR(array);
	reader->has_embedding = true;
	return true;
}

/*
 * Sparse vectors
 */

static bool
begin_tokens(ReplyReader *reader)
{
	reader->embedding.ntokens = 0;
	reader->token_room = FIRST_TOKENS;
	reader->embedding.tokens =
		MemoryContextAllocExtended(reader->context,
								   sizeof(InferenceToken) * FIRST_TOKENS,
								   MCXT_ALLOC_NO_OOM);
	return reader->embedding.tokens != NULL || refuse(reader, "out of memory");
}

static bool
double_token_room(ReplyReader *reader)
{
	Size		bytes = sizeof(InferenceToken) * reader->token_room;
	InferenceToken *tokens;

	tokens = MemoryContextAllocExtended(reader->context, bytes * 2,
										MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	if (tokens == NULL)
		return refuse(reader, "out of memory");
	memcpy(tokens, reader->embedding.tokens, bytes);
	pfree(reader->embedding.tokens);
	reader->embedding.tokens = tokens;
	reader->token_room *= 2;
	return true;
}

/* A token whose weight follows. */
static bool
add_token(ReplyReader *reader, const char *text, size_t length)
{
	InferenceEmbedding *embedding = &reader->embedding;
	char	   *copy;

	if (length > INF_JSON_MAX_TEXT)
		return refuse(reader, "a token has more than %d bytes", INF_JSON_MAX_TEXT);
	if (embedding->ntokens == reader->token_room && !double_token_room(reader))
		return false;
	copy = MemoryContextAllocExtended(reader->context, length + 1,
									  MCXT_ALLOC_NO_OOM);
	if (copy == NULL)
		return refuse(reader, "out of memory");
	memcpy(copy, text, length + 1);
	embedding->tokens[embedding->ntokens].token = copy;
	return true;
}

static bool
add_weight(ReplyReader *reader, bool is_number, float weight)
{
	InferenceToken *token = &reader->embedding.tokens[reader->embedding.ntokens];

	if (!is_number)
		return refuse(reader,
					  "the weight of token \"%s\" is not a number that type real can hold",
					  token->token);
	token->weight = weight;
	reader->embedding.ntokens++;
	return true;
}

static bool
read_weight(JsonEvent event, const char *text, float *weight)
{
	bool		in_range;

	return event == JSON_EVENT_NUMBER &&
		inf_json_read_float(text, weight, &in_range);
}

static bool
finish_tokens(ReplyReader *reader)
{
	const char *twice = inf_tokens_sort_distinct(&reader->embedding);

	if (twice != NULL)
		return refuse(reader, "token \"%s\" occurs twice in an embedding", twice);
	reader->has_embedding = true;
	return true;
}

/* A number without sign, point or exponent; -1: another. */
static int64
read_count(JsonEvent event, const char *text)
{
	char	   *end;
	int64		value;

	if (event != JSON_EVENT_NUMBER || strlen(text) > 18)
		return -1;
	value = strtoll(text, &end, 10);
	return *end == '\0' && text[0] != '-' ? value : -1;
}

/*
 * Results
 */

static bool
begin_result(ReplyReader *reader)
{
	memset(&reader->embedding, 0, sizeof(reader->embedding));
	reader->has_embedding = false;
	reader->position = -1;
	return true;
}

static bool
finish_result(ReplyReader *reader)
{
	if (!reader->has_embedding)
		return refuse(reader, "failed to find required field [%s] in the answer",
					  reader->shape->embedding);
	if (reader->nresults < reader->call->ninputs)
	{
		reader->results[reader->nresults] = reader->embedding;
		reader->positions[reader->nresults] = reader->position;
	}
	reader->nresults++;
	reader->place = IN_LIST;
	return true;
}

/* Behind the embedding of a result. */
static bool
leave_embedding(ReplyReader *reader)
{
	reader->place = IN_RESULT;
	return reader->shape->embedding != NULL || finish_result(reader);
}

/* A value that nobody wants; goes on at place. */
static bool
ignore_value(ReplyReader *reader, JsonEvent event, Place place)
{
	reader->place = place;
	if (event == JSON_EVENT_ARRAY || event == JSON_EVENT_OBJECT)
	{
		reader->after_other = place;
		reader->place = IN_OTHER;
		reader->depth_of_other = 1;
	}
	return true;
}

static bool
take_embedding(ReplyReader *reader, JsonEvent event)
{
	if (!reader->is_sparse)
	{
		if (event == JSON_EVENT_FLOATS)
			return finish_vector(reader) && leave_embedding(reader);
		return refuse(reader,
					  "an embedding is of type %s where an array of numbers was expected",
					  type_name(event));
	}
	if (event == JSON_EVENT_OBJECT)
		reader->place = IN_TOKEN_MAP;
	else if (event == JSON_EVENT_ARRAY && reader->shape->embedding == NULL)
		reader->place = IN_TOKEN_LIST;
	else
		return refuse(reader,
					  "a sparse embedding is of type %s where an object was expected",
					  type_name(event));
	return begin_tokens(reader);
}

/* The beginning of a result, or the end of the list. */
static bool
take_result(ReplyReader *reader, JsonEvent event)
{
	if (event == JSON_EVENT_ARRAY_END)
	{
		/* room for a vector that did not come */
		if (reader->stream.floats != NULL)
			pfree(reader->embedding.array);
		reader->stream.floats = NULL;
		reader->place = reader->stream.depth > 0 ? IN_ANSWER : BEHIND_ANSWER;
		return true;
	}
	if (reader->nresults >= reader->call->ninputs)
	{
		/* one too many: only counted */
		reader->nresults++;
		return event == JSON_EVENT_FLOATS || ignore_value(reader, event, IN_LIST);
	}
	if (reader->shape->embedding == NULL)
		return take_embedding(reader, event);
	if (event == JSON_EVENT_OBJECT)
	{
		reader->place = IN_RESULT;
		return begin_result(reader);
	}
	return refuse(reader, "failed to find required field [%s] in the answer",
				  reader->shape->embedding);
}

/* Between results, which may be embeddings themselves. */
static bool
expect_result(ReplyReader *reader)
{
	if (reader->shape->embedding != NULL)
		return true;
	(void) begin_result(reader);
	return reader->is_sparse || reader->nresults >= reader->call->ninputs ||
		expect_vector(reader);
}

static bool
begin_list(ReplyReader *reader, JsonEvent event)
{
	const char *name = reader->stream.depth > 1 ? reader->shape->list : NULL;

	if (event != JSON_EVENT_ARRAY)
		return refuse(reader, "%s%s%s is of type %s where an array was expected",
					  name ? "field [" : "the answer", name ? name : "",
					  name ? "]" : "", type_name(event));
	if (reader->has_list)
		return refuse(reader, "field [%s] occurs twice in the answer", name);
	reader->has_list = true;
	reader->place = IN_LIST;
	return true;
}

/*
 * Members
 */

static bool
take_answer_key(ReplyReader *reader, const char *key)
{
	const ReplyShape *shape = reader->shape;

	reader->after_other = IN_ANSWER;
	reader->place = is_named(shape->list, key) ? AT_LIST :
		is_named(shape->usage, key) ? AT_USAGE : AT_OTHER;
	return true;
}

static bool
take_result_key(ReplyReader *reader, const char *key)
{
	const ReplyShape *shape = reader->shape;

	reader->after_other = IN_RESULT;
	reader->place = is_named(shape->index, key) ? AT_INDEX :
		is_named(shape->truncated, key) ? AT_TRUNCATED : AT_OTHER;
	if (!is_named(shape->embedding, key))
		return true;
	if (reader->has_embedding)
		return refuse(reader, "field [%s] occurs twice in a result", key);
	reader->place = AT_EMBEDDING;
	return reader->is_sparse || expect_vector(reader);
}

static bool
refuse_token(ReplyReader *reader)
{
	return refuse(reader,
				  "a sparse embedding lacks field [index], a token id, in element %d",
				  reader->embedding.ntokens);
}

/* Between tokens of a list. */
static bool
take_listed_token(ReplyReader *reader, JsonEvent event)
{
	if (event == JSON_EVENT_ARRAY_END)
		return finish_tokens(reader) && leave_embedding(reader);
	if (event != JSON_EVENT_OBJECT)
		return refuse_token(reader);
	reader->token_id = -1;
	reader->has_token_weight = false;
	reader->place = IN_TOKEN;
	return true;
}

/* {"index": id, "value": weight}, in either order. */
static bool
take_token_member(ReplyReader *reader, JsonEvent event, const char *text)
{
	char		id[24];

	if (event == JSON_EVENT_KEY)
	{
		reader->after_other = IN_TOKEN;
		reader->place = is_named("index", text) ? AT_TOKEN_INDEX :
			is_named("value", text) ? AT_TOKEN_VALUE : AT_OTHER;
		return true;
	}
	if (reader->token_id < 0)
		return refuse_token(reader);
	reader->place = IN_TOKEN_LIST;
	return add_token(reader, id, sprintf(id, INT64_FORMAT, reader->token_id)) &&
		add_weight(reader, reader->has_token_weight, reader->token_weight);
}

/* The token of a map, or the end of it. */
static bool
take_mapped_token(ReplyReader *reader, JsonEvent event, const char *text,
				  size_t length)
{
	if (event == JSON_EVENT_OBJECT_END)
		return finish_tokens(reader) && leave_embedding(reader);
	reader->place = AT_WEIGHT;
	return add_token(reader, text, length);
}

/*
 * Events
 */

/* Within a value that nobody wants, whose end is all that matters. */
static void
skip(ReplyReader *reader, JsonEvent event)
{
	if (event == JSON_EVENT_ARRAY || event == JSON_EVENT_OBJECT)
		reader->depth_of_other++;
	else if (event == JSON_EVENT_ARRAY_END || event == JSON_EVENT_OBJECT_END)
		reader->depth_of_other--;
	if (reader->depth_of_other == 0)
		reader->place = reader->after_other;
}

static bool
take_answer(ReplyReader *reader, JsonEvent event)
{
	if (event == JSON_EVENT_OBJECT && reader->shape->list != NULL)
	{
		reader->place = IN_ANSWER;
		return true;
	}
	if (!reader->shape->may_be_bare)
		return refuse(reader, "failed to find required field [%s] in the answer",
					  reader->shape->list);
	return begin_list(reader, event);
}

/* A value of a member, or a member of usage. */
static bool
take_member(ReplyReader *reader, JsonEvent event, const char *text)
{
	switch (reader->place)
	{
		case AT_USAGE:
			if (event != JSON_EVENT_OBJECT)
				return ignore_value(reader, event, IN_ANSWER);
			reader->place = IN_USAGE;
			return true;
		case IN_USAGE:
			reader->after_other = IN_USAGE;
			reader->place = event == JSON_EVENT_OBJECT_END ? IN_ANSWER :
				is_named(reader->shape->tokens, text) ? AT_USAGE_TOKENS : AT_OTHER;
			return true;
		case AT_USAGE_TOKENS:
			reader->ntokens = Max(read_count(event, text), 0);
			return ignore_value(reader, event, IN_USAGE);
		case AT_INDEX:
			reader->position = Min(read_count(event, text), INT_MAX);
			return ignore_value(reader, event, IN_RESULT);
		case AT_TRUNCATED:
			reader->embedding.is_truncated = event == JSON_EVENT_TRUE;
			return ignore_value(reader, event, IN_RESULT);
		case AT_TOKEN_INDEX:
			reader->token_id = read_count(event, text);
			return ignore_value(reader, event, IN_TOKEN);
		case AT_TOKEN_VALUE:
			reader->has_token_weight = read_weight(event, text,
												   &reader->token_weight);
			return ignore_value(reader, event, IN_TOKEN);
		default:
			return ignore_value(reader, event, reader->after_other);
	}
}

/* A step of take_event(), before which nothing is done about the next result. */
static bool
take_at_place(ReplyReader *reader, JsonEvent event, const char *text,
			  size_t length)
{
	float		weight = 0;
	bool		is_number;

	switch (reader->place)
	{
		case AT_ANSWER:
			return take_answer(reader, event);
		case IN_ANSWER:
			if (event == JSON_EVENT_KEY)
				return take_answer_key(reader, text);
			reader->place = BEHIND_ANSWER;
			return true;
		case AT_LIST:
			return begin_list(reader, event);
		case IN_LIST:
			return take_result(reader, event);
		case IN_RESULT:
			if (event == JSON_EVENT_KEY)
				return take_result_key(reader, text);
			return finish_result(reader);
		case AT_EMBEDDING:
			return take_embedding(reader, event);
		case IN_TOKEN_MAP:
			return take_mapped_token(reader, event, text, length);
		case AT_WEIGHT:
			reader->place = IN_TOKEN_MAP;
			is_number = read_weight(event, text, &weight);
			return add_weight(reader, is_number, weight);
		case IN_TOKEN_LIST:
			return take_listed_token(reader, event);
		case IN_TOKEN:
			return take_token_member(reader, event, text);
		case IN_OTHER:
			skip(reader, event);
			return true;
		case BEHIND_ANSWER:
			return true;
		default:
			return take_member(reader, event, text);
	}
}

static bool
take_event(void *arg, JsonEvent event, const char *text, size_t length)
{
	ReplyReader *reader = arg;

	return take_at_place(reader, event, text, length) &&
		(reader->place != IN_LIST || expect_result(reader));
}

/*
 * Answers
 */

ReplyReader *
inf_reply_create(const InferenceCall *call, const ReplyShape *shape,
				 InferenceEmbedding *results)
{
	ReplyReader *reader = palloc0(sizeof(ReplyReader));

	reader->call = call;
	reader->shape = shape;
	reader->is_sparse = call->model->task == INF_TASK_SPARSE_EMBEDDING;
	reader->context = CurrentMemoryContext;
	reader->results = results;
	reader->positions = palloc(sizeof(int) * Max(call->ninputs, 1));
	reader->floats.grow = grow_floats;
	inf_reply_begin(reader);
	return reader;
}

void
inf_reply_begin(void *arg)
{
	ReplyReader *reader = arg;

	inf_json_stream_init(&reader->stream, take_event, reader);
	reader->place = AT_ANSWER;
	reader->nresults = 0;
	reader->has_list = false;
	reader->ntokens = 0;
	reader->has_bytes = false;
	reader->has_ended = false;
	reader->fault[0] = '\0';
}

/* After a fault it goes on in silence, so that the connection can be kept. */
void
inf_reply_take(void *arg, const char *bytes, size_t length)
{
	ReplyReader *reader = arg;

	reader->has_bytes |= length > 0;
	if (!reader->has_ended)
		reader->has_ended = !inf_json_stream_feed(&reader->stream, bytes, length);
}

/* What the stream has to say of numbers and base64. */
static bool
refuse_numbers(ReplyReader *reader)
{
	const JsonStream *stream = &reader->stream;

	if (stream->bad_base64)
		return refuse(reader, "an embedding is not valid base64 of 32-bit floats");
	if (stream->bad_event == JSON_EVENT_FLOATS)
		return refuse(reader, "element %d of an embedding is not finite",
					  stream->bad_element);
	if (stream->bad_event == JSON_EVENT_NUMBER)
		return refuse(reader, "element %d of an embedding is out of range for type real",
					  stream->bad_element);
	return refuse(reader, "element %d of an embedding is of type %s where a number was expected",
				  stream->bad_element, type_name(stream->bad_event));
}

/* Whether the answer was read to its end and is whole; else fault says why. */
static bool
check_answer(ReplyReader *reader)
{
	const JsonStream *stream = &reader->stream;
	const InferenceEmbedding *results = reader->results;

	if (!reader->has_bytes)
		return refuse(reader, "the answer is empty");
	if (!reader->has_ended)
		reader->has_ended = !inf_json_stream_end(&reader->stream);
	if (stream->fault != NULL)
		return refuse(reader, "the answer is not valid JSON: %s", stream->fault);
	if (stream->bad_element >= 0 || stream->bad_base64)
		return refuse_numbers(reader);
	if (reader->has_ended)
		return false;
	if (!reader->has_list)
		return refuse(reader, "failed to find required field [%s] in the answer",
					  reader->shape->list);
	if (reader->nresults != reader->call->ninputs)
		return refuse(reader,
					  "the number of embeddings [%d] does not equal the number of inputs [%d]",
					  reader->nresults, reader->call->ninputs);
	for (int i = 1; i < reader->nresults; i++)
		if (results[i].ndimensions != results[0].ndimensions)
			return refuse(reader,
						  "embeddings of different dimensions in one answer: %d and %d",
						  results[0].ndimensions, results[i].ndimensions);
	return true;
}

/*
 * Puts results where their "index" says, if all of them together are a
 * permutation; else they stay, since compatible servers are known to send 0
 * throughout or nothing.
 */
static void
order_results(ReplyReader *reader)
{
	int			n = reader->nresults;
	bool		in_order = true;
	InferenceEmbedding *ordered;
	bool	   *taken;

	for (int i = 0; i < n && in_order; i++)
		in_order = reader->positions[i] == i;
	if (in_order)
		return;
	ordered = palloc(sizeof(InferenceEmbedding) * n);
	taken = palloc0(sizeof(bool) * n);
	for (int i = 0; i < n; i++)
	{
		int			position = reader->positions[i];

		if (position < 0 || position >= n || taken[position])
			return;
		taken[position] = true;
		ordered[position] = reader->results[i];
	}
	memcpy(reader->results, ordered, sizeof(InferenceEmbedding) * n);
}

bool
inf_reply_finish(ReplyReader *reader, InferenceFault *fault)
{
	if (!check_answer(reader))
	{
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER, "%s", reader->fault);
		return false;
	}
	order_results(reader);
	return true;
}

int64
inf_reply_tokens(const ReplyReader *reader)
{
	return reader->ntokens;
}

void
inf_reply_free(ReplyReader *reader)
{
	pfree(reader->positions);
	pfree(reader);
}
