/*
 * reply_reader.c
 *		Embeddings out of an answer, as its bytes arrive.
 *
 * The stream of JSON gives events; what one means depends on the place in the
 * answer.  Memory is asked for without throwing, and a fault is written down,
 * because libcurl is on the stack.
 */
#include "postgres.h"

#include "base/errors.h"
#include "json/json_number.h"
#include "json/json_stream.h"
#include "service/reply_check.h"
#include "service/reply_fault.h"
#include "service/reply_reader.h"
#include "service/token_builder.h"
#include "service/vector_builder.h"

/* Room for the first vector, whose width is not known; most have fewer. */
#define FIRST_DIMENSIONS 1024

typedef enum Place
{
	AT_ANSWER,					/* before its first byte */
	IN_ANSWER,					/* between its members */
	AT_LIST,					/* its list must follow */
	AT_USAGE,
	IN_USAGE,
	AT_TOKEN_COUNT,
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
	const ReplyShape *first_shape;
	const ReplyShape *shape;	/* of this answer */
	bool		is_sparse;

	/* What has been found */
	InferenceEmbedding *results;	/* (call->ninputs), as they came */
	int64	   *indexes;		/* (call->ninputs), or INF_REPLY_... */
	int			nresults;		/* those beyond ninputs are only counted */
	bool		has_list;
	int64		ntokens;

	/* The result that is being read */
	InferenceEmbedding embedding;
	bool		has_embedding;	/* or what stands in its place */
	int64		index;
	VectorBuilder vector;
	TokenBuilder tokens;
	int64		token_id;		/* of a token in a list; -1: none so far */
	float		token_weight;
	bool		has_token_weight;

	/* Where it is */
	JsonStream	stream;
	Place		place;
	Place		after_other;	/* place behind a value that nobody wants */
	int			depth_of_other;
	bool		has_bytes;
	bool		has_ended;		/* the rest is ignored: see fault */

	/* Why it has ended, or else what is wrong with a result, the first such */
	char		fault[INF_REPLY_FAULT_BYTES];
	int			bad_result;		/* which; -1: none */
	int			nbad;			/* such results */
};

/*
 * Faults
 */

/* The answer makes no sense: ends the reading. */
#define refuse(reader, ...) \
	((reader)->bad_result = -1, inf_reply_fault((reader)->fault, __VA_ARGS__))

/*
 * A result is not what it should be.  The reading goes on: if the rest is good,
 * it is known which text this one belongs to.
 */
#define note(reader, ...) \
	do { \
		if ((reader)->bad_result < 0) \
			(void) inf_reply_fault((reader)->fault, __VA_ARGS__); \
		if ((reader)->bad_result < 0) \
			(reader)->bad_result = (reader)->nresults; \
		(reader)->nbad++; \
	} while (0)

static bool
is_named(const char *name, const char *text)
{
	return name != NULL && strcmp(name, text) == 0;
}

static bool
is_container(JsonEvent event)
{
	return event == JSON_EVENT_ARRAY || event == JSON_EVENT_OBJECT;
}

/*
 * Numbers
 */

static bool
read_weight(JsonEvent event, const char *text, float *weight)
{
	bool		in_range;

	return event == JSON_EVENT_NUMBER &&
		inf_json_read_float(text, weight, &in_range);
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

/* Some libraries write whole numbers as 1.0. */
static int64
read_index(JsonEvent event, const char *text)
{
	char		whole[INF_JSON_MAX_TEXT + 1];
	char	   *point;
	int64		index;

	if (event == JSON_EVENT_NULL)
		return INF_REPLY_NO_INDEX;
	strlcpy(whole, text, sizeof(whole));
	point = strchr(whole, '.');
	if (point != NULL && strspn(point + 1, "0") == strlen(point + 1))
		*point = '\0';
	index = read_count(event, whole);
	return index >= 0 ? index : INF_REPLY_BAD_INDEX;
}

/*
 * Results
 */

static bool
begin_result(ReplyReader *reader)
{
	memset(&reader->embedding, 0, sizeof(reader->embedding));
	reader->has_embedding = false;
	reader->index = INF_REPLY_NO_INDEX;
	return true;
}

static bool
finish_result(ReplyReader *reader)
{
	if (!reader->has_embedding)
		note(reader, "failed to find required field [%s] in the answer",
			 reader->shape->embedding);
	if (reader->nresults < reader->call->ninputs)
	{
		reader->results[reader->nresults] = reader->embedding;
		reader->indexes[reader->nresults] = reader->index;
	}
	reader->nresults++;
	reader->place = IN_LIST;
	return true;
}

/* Behind the embedding of a result. */
static bool
leave_embedding(ReplyReader *reader)
{
	reader->has_embedding = true;
	reader->place = IN_RESULT;
	return reader->shape->embedding != NULL || finish_result(reader);
}

/* A value that nobody wants; goes on at place. */
static bool
ignore_value(ReplyReader *reader, JsonEvent event, Place place)
{
	reader->place = place;
	if (is_container(event))
	{
		reader->after_other = place;
		reader->place = IN_OTHER;
		reader->depth_of_other = 1;
	}
	return true;
}

/* The next value, if it is an array of numbers or base64, is a vector. */
static bool
expect_vector(ReplyReader *reader)
{
	int			width = reader->nresults > 0 ? reader->results[0].ndimensions :
		reader->call->ndimensions;

	if (!inf_vector_begin(&reader->vector, width > 0 ? width : FIRST_DIMENSIONS))
		return refuse(reader, "%s", reader->vector.fault);
	reader->stream.floats = &reader->vector.floats;
	return true;
}

/* What stands in place of an embedding. */
static bool
take_no_embedding(ReplyReader *reader, JsonEvent event, const char *wanted)
{
	note(reader, "%s is of type %s where an %s was expected",
		 reader->is_sparse ? "a sparse embedding" : "an embedding",
		 inf_reply_type_name(event), wanted);
	reader->stream.floats = NULL;
	return leave_embedding(reader) && ignore_value(reader, event, reader->place);
}

static bool
take_embedding(ReplyReader *reader, JsonEvent event)
{
	if (!reader->is_sparse)
	{
		if (event != JSON_EVENT_FLOATS)
			return take_no_embedding(reader, event, "array of numbers");
		if (!inf_vector_finish(&reader->vector, &reader->stream,
							   &reader->embedding))
			note(reader, "%s", reader->vector.fault);
		return leave_embedding(reader);
	}
	if (event == JSON_EVENT_OBJECT)
		reader->place = IN_TOKEN_MAP;
	else if (event == JSON_EVENT_ARRAY && reader->shape->embedding == NULL)
		reader->place = IN_TOKEN_LIST;
	else
		return take_no_embedding(reader, event, "object");
	return inf_token_begin(&reader->tokens) ||
		refuse(reader, "%s", reader->tokens.fault);
}

static bool
finish_tokens(ReplyReader *reader)
{
	if (!inf_token_finish(&reader->tokens, &reader->embedding))
		note(reader, "%s", reader->tokens.fault);
	return leave_embedding(reader);
}

/* The beginning of a result, or the end of the list. */
static bool
take_result(ReplyReader *reader, JsonEvent event)
{
	if (event == JSON_EVENT_ARRAY_END)
	{
		/* room for a vector that did not come */
		inf_vector_discard(&reader->vector);
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
	(void) begin_result(reader);
	if (event != JSON_EVENT_OBJECT)
		return finish_result(reader) && ignore_value(reader, event, IN_LIST);
	reader->place = IN_RESULT;
	return true;
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
					  name ? "]" : "", inf_reply_type_name(event));
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

	if (shape->otherwise != NULL && !reader->has_list &&
		is_named(shape->otherwise->list, key))
		shape = reader->shape = shape->otherwise;
	reader->after_other = IN_ANSWER;
	reader->place = is_named(shape->list, key) ? AT_LIST :
		is_named(shape->usage, key) ? AT_USAGE :
		shape->usage == NULL && is_named(shape->tokens, key) ? AT_TOKEN_COUNT :
		AT_OTHER;
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

static void
spoil_tokens(ReplyReader *reader)
{
	inf_token_spoil(&reader->tokens,
					"a sparse embedding lacks field [index], a token id, in element %d",
					reader->tokens.ntokens);
}

/* Between tokens of a list. */
static bool
take_listed_token(ReplyReader *reader, JsonEvent event)
{
	if (event == JSON_EVENT_ARRAY_END)
		return finish_tokens(reader);
	if (event != JSON_EVENT_OBJECT)
	{
		spoil_tokens(reader);
		return ignore_value(reader, event, IN_TOKEN_LIST);
	}
	reader->token_id = -1;
	reader->has_token_weight = false;
	reader->place = IN_TOKEN;
	return true;
}

/* A token whose weight follows. */
static bool
add_token(ReplyReader *reader, const char *text, size_t length)
{
	return inf_token_add(&reader->tokens, text, length) ||
		refuse(reader, "%s", reader->tokens.fault);
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
	reader->place = IN_TOKEN_LIST;
	if (reader->token_id < 0)
		spoil_tokens(reader);
	if (!add_token(reader, id, sprintf(id, INT64_FORMAT, reader->token_id)))
		return false;
	inf_token_set_weight(&reader->tokens, reader->has_token_weight,
						 reader->token_weight);
	return true;
}

/* The token of a map, or the end of it. */
static bool
take_mapped_token(ReplyReader *reader, JsonEvent event, const char *text,
				  size_t length)
{
	if (event == JSON_EVENT_OBJECT_END)
		return finish_tokens(reader);
	reader->place = AT_WEIGHT;
	return add_token(reader, text, length);
}

static bool
take_weight(ReplyReader *reader, JsonEvent event, const char *text)
{
	float		weight = 0;
	bool		is_number = read_weight(event, text, &weight);

	inf_token_set_weight(&reader->tokens, is_number, weight);
	return ignore_value(reader, event, IN_TOKEN_MAP);
}

/*
 * Events
 */

/* Within a value that nobody wants, whose end is all that matters. */
static void
skip(ReplyReader *reader, JsonEvent event)
{
	if (is_container(event))
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
				is_named(reader->shape->tokens, text) ? AT_TOKEN_COUNT : AT_OTHER;
			return true;
		case AT_TOKEN_COUNT:
			reader->ntokens = Max(read_count(event, text), 0);
			return ignore_value(reader, event,
								reader->shape->usage ? IN_USAGE : IN_ANSWER);
		case AT_INDEX:
			reader->index = reader->index == INF_REPLY_NO_INDEX ?
				read_index(event, text) : INF_REPLY_BAD_INDEX;
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
			return take_weight(reader, event, text);
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
	reader->first_shape = shape;
	reader->is_sparse = call->model->task == INF_TASK_SPARSE_EMBEDDING;
	reader->results = results;
	reader->indexes = palloc(sizeof(int64) * Max(call->ninputs, 1));
	inf_vector_init(&reader->vector, call->ndimensions);
	inf_token_init(&reader->tokens);
	inf_reply_begin(reader);
	return reader;
}

void
inf_reply_begin(void *arg)
{
	ReplyReader *reader = arg;

	inf_json_stream_init(&reader->stream, take_event, reader);
	reader->shape = reader->first_shape;
	reader->place = AT_ANSWER;
	reader->nresults = 0;
	reader->has_list = false;
	reader->ntokens = 0;
	reader->has_bytes = false;
	reader->has_ended = false;
	reader->bad_result = -1;
	reader->nbad = 0;
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

/* Whether the answer was read to its end; else fault says why. */
static bool
check_end(ReplyReader *reader)
{
	const JsonStream *stream = &reader->stream;

	if (!reader->has_bytes)
		return refuse(reader, "the answer is empty");
	if (!reader->has_ended)
		reader->has_ended = !inf_json_stream_end(&reader->stream);
	if (stream->fault != NULL)
		return refuse(reader, "the answer is not valid JSON: %s", stream->fault);
	if (reader->has_ended)
		return false;
	if (!reader->has_list)
		return refuse(reader, "failed to find required field [%s] in the answer",
					  reader->shape->list);
	return true;
}

/*
 * Whether results are one for each input; places says whose.  Else fault says
 * why, and *input (from 1) which of the inputs it is about, if it is one.
 */
static bool
check_results(ReplyReader *reader, int *places, int *input)
{
	int			n = reader->nresults;
	int			bad = reader->bad_result;

	if (n != reader->call->ninputs)
		return bad < 0 &&
			refuse(reader, "the number of embeddings [%d] does not equal the number of inputs [%d]",
				   n, reader->call->ninputs);
	if (!inf_reply_find_places(reader->indexes, n, places, reader->fault))
		return false;
	if (bad < 0 &&
		inf_reply_check_widths(reader->results, n, reader->call->ndimensions,
							   &bad, reader->fault))
		return true;

	/* Where all are bad, no text is to blame. */
	if (bad >= 0 && (reader->nbad < n || n == 1))
		*input = places[bad] + 1;
	return false;
}

/* Puts results where they belong. */
static void
order_results(ReplyReader *reader, const int *places)
{
	int			n = reader->nresults;
	Size		bytes = sizeof(InferenceEmbedding) * n;
	InferenceEmbedding *as_they_came;
	bool		in_order = true;

	for (int i = 0; i < n && in_order; i++)
		in_order = places[i] == i;
	if (in_order)
		return;
	as_they_came = palloc(bytes);
	memcpy(as_they_came, reader->results, bytes);
	for (int i = 0; i < n; i++)
		reader->results[places[i]] = as_they_came[i];
	pfree(as_they_came);
}

bool
inf_reply_finish(ReplyReader *reader, InferenceFault *fault)
{
	int		   *places = palloc(sizeof(int) * Max(reader->call->ninputs, 1));
	int			input = 0;
	bool		is_good = check_end(reader) &&
		check_results(reader, places, &input);

	if (is_good)
		order_results(reader, places);
	else
	{
		inf_fault_set(fault, INF_FAULT_BAD_ANSWER, "%s", reader->fault);
		fault->input = input;
	}
	pfree(places);
	return is_good;
}

int64
inf_reply_tokens(const ReplyReader *reader)
{
	return reader->ntokens;
}

void
inf_reply_free(ReplyReader *reader)
{
	pfree(reader->indexes);
	pfree(reader);
}
