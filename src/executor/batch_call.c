/*
 * batch_call.c
 *		What calls over rows ask for: which texts, of which model, and what
 *		their answers are as values of SQL.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/text_encoding.h"
#include "executor/batch_call.h"
#include "pipeline/embedding_value.h"
#include "pipeline/infer.h"
#include "pipeline/infer_answer.h"
#include "pipeline/infer_body.h"
#include "pipeline/infer_list.h"
#include "pipeline/model_config.h"
#include "settings/setting_read.h"

/* Room for the texts of a job at first. */
#define FIRST_INPUTS 64

/* The part of work_mem that a stream may use to remember texts. */
#define MEMO_SHARE 2

/* What an embedding is taken for before the first has come: 768 dimensions. */
#define FIRST_EMBEDDING_BYTES 3072

/* The call that is being taken in. */
typedef struct Asking
{
	MemoryContext stream_context;
	BatchStream **streams;
	BatchJob  **jobs;
	BatchCell  *cell;
	int64		row;
	Size		bytes;
} Asking;

static bool
same_settings(Jsonb *a, Jsonb *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/* The stream for a model and settings; opened when first asked for. */
static BatchStream *
find_stream(Asking *asking, const char *model_id, InferenceTask task,
			Jsonb *overrides)
{
	MemoryContext caller;
	BatchStream *stream;

	for (stream = *asking->streams; stream; stream = stream->next)
		if (strcmp(stream->model_id, model_id) == 0 && stream->task == task &&
			same_settings(stream->overrides, overrides))
			return stream;

	caller = MemoryContextSwitchTo(asking->stream_context);
	stream = palloc0(sizeof(BatchStream));
	stream->model_id = pstrdup(model_id);
	stream->task = task;
	if (overrides)
	{
		stream->overrides = palloc(VARSIZE(overrides));
		memcpy(stream->overrides, overrides, VARSIZE(overrides));
	}
	stream->model = inf_infer_open_model(model_id, task, GetUserId());
	stream->stream = inf_stream_open(stream->model, stream->overrides);
	stream->embedding_bytes = FIRST_EMBEDDING_BYTES;
	inf_stream_remember(stream->stream, (Size) work_mem * 1024 / MEMO_SHARE);
	stream->next = *asking->streams;
	*asking->streams = stream;
	MemoryContextSwitchTo(caller);
	return stream;
}

static BatchJob *
find_job(Asking *asking, BatchStream *stream)
{
	BatchJob   *job;

	for (job = *asking->jobs; job; job = job->next)
		if (job->stream == stream)
			return job;
	job = palloc0(sizeof(BatchJob));
	job->stream = stream;
	job->room = FIRST_INPUTS;
	job->inputs = palloc(sizeof(InferenceInput) * job->room);
	job->next = *asking->jobs;
	*asking->jobs = job;
	return job;
}

/* Adds texts to a job; they are in the batch's memory already. */
static void
add_inputs(Asking *asking, BatchStream *stream, const InferenceInput *inputs,
		   int ninputs)
{
	BatchJob   *job = find_job(asking, stream);
	BatchCell  *cell = asking->cell;

	while (job->ninputs + ninputs > job->room)
	{
		job->room *= 2;
		job->inputs = repalloc_huge(job->inputs, sizeof(InferenceInput) * job->room);
	}
	memcpy(&job->inputs[job->ninputs], inputs, sizeof(InferenceInput) * ninputs);
	cell->job = job;
	cell->first = job->ninputs;
	cell->ninputs = ninputs;
	job->ninputs += ninputs;
	for (int i = 0; i < ninputs; i++)
	{
		job->inputs[cell->first + i].row = asking->row;
		asking->bytes += inputs[i].length + stream->embedding_bytes;
	}
}

/* inference_embed and inference_sparse: a blank text has no embedding. */
static void
take_text(Asking *asking, BatchCallKind kind, const Datum *args)
{
	InferenceTask task = kind == BATCH_CALL_EMBED ? INF_TASK_TEXT_EMBEDDING :
		INF_TASK_SPARSE_EMBEDDING;
	char	   *model_id = inf_text_name(args[0]);
	Jsonb	   *overrides = inf_setting_detoast(args[2], INF_TASK_SETTINGS);
	BatchStream *stream = find_stream(asking, model_id, task, overrides);
	InferenceInput input;

	inf_infer_read_input(&input, args[1], 0);
	if (!inf_text_is_blank(input.text, input.length))
		add_inputs(asking, stream, &input, 1);
}

/*
 * inference_infer: texts as the body has them.  One with very many is kept as it
 * is: its answer is made piece by piece.
 */
static void
take_body(Asking *asking, BatchCallKind kind, const Datum *args)
{
	int			at = kind == BATCH_CALL_INFER_TASK ? 1 : 0;
	InferenceTask task = at ? inf_config_task(inf_text_name(args[0])) : 0;
	char	   *model_id = inf_text_name(args[at]);
	Jsonb	   *json = DatumGetJsonbPCopy(args[at + 1]);
	BatchStream *stream;
	InferenceBody body;
	InferenceInput *inputs;

	inf_body_read(json, &body);
	stream = find_stream(asking, model_id, task, body.task_settings);
	if (body.ninputs > INF_LIST_PIECE_TEXTS)
	{
		asking->cell->job = find_job(asking, stream);
		asking->cell->body = json;
		asking->bytes += VARSIZE(json);
		return;
	}
	inputs = palloc(sizeof(InferenceInput) * body.ninputs);
	for (int i = 0; i < body.ninputs; i++)
		inf_body_make_input(&body, i, &inputs[i]);
	add_inputs(asking, stream, inputs, body.ninputs);
}

static Jsonb *
answer_body(const BatchCell *cell)
{
	MemoryContext context = inf_call_begin();
	InferenceBody body;
	Jsonb	   *answer;

	inf_body_read(cell->body, &body);
	answer = inf_body_answer(cell->job->stream->model, &body,
							 MemoryContextGetParent(context));
	inf_call_end(context);
	return answer;
}

int
inf_batch_argument_count(BatchCallKind kind)
{
	return kind == BATCH_CALL_INFER ? 2 : 3;
}

Size
inf_batch_take_call(BatchCallKind kind, const Datum *args, int64 row,
					MemoryContext stream_context, BatchStream **streams,
					BatchJob **jobs, BatchCell *cell)
{
	Asking		asking = {stream_context, streams, jobs, cell, row, 0};

	if (kind == BATCH_CALL_EMBED || kind == BATCH_CALL_SPARSE)
		take_text(&asking, kind, args);
	else
		take_body(&asking, kind, args);
	return asking.bytes;
}

void
inf_batch_send(BatchJob *jobs)
{
	for (BatchJob *job = jobs; job; job = job->next)
		job->job = inf_stream_submit(job->stream->stream, job->inputs, job->ninputs);
}

static InferenceEmbedding *
wait_for(BatchJob *job, MemoryContext job_context)
{
	MemoryContext caller = MemoryContextSwitchTo(job_context);

	job->embeddings = inf_stream_finish(job->job);
	MemoryContextSwitchTo(caller);
	if (job->ninputs > 0 && job->embeddings[0].array)
		job->stream->embedding_bytes = VARSIZE(job->embeddings[0].array);
	return job->embeddings;
}

Datum
inf_batch_answer(BatchCallKind kind, const BatchCell *cell,
				 MemoryContext job_context)
{
	BatchJob   *job = cell->job;
	InferenceEmbedding *embeddings;

	if (cell->body)
		return JsonbPGetDatum(answer_body(cell));
	embeddings = job->embeddings ? job->embeddings : wait_for(job, job_context);
	embeddings += cell->first;
	switch (kind)
	{
		case BATCH_CALL_EMBED:
			/* straight from where it was decoded; else a copy */
			if (embeddings->array)
				return PointerGetDatum(embeddings->array);
			return PointerGetDatum(inf_value_real_array(embeddings));
		case BATCH_CALL_SPARSE:
			return JsonbPGetDatum(inf_value_token_map(embeddings));
		default:
			return JsonbPGetDatum(inf_answer_make(job->stream->model->task,
												  embeddings, cell->ninputs));
	}
}
