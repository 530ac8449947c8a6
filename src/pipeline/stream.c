/*
 * stream.c
 *		Texts of one model, taken on job by job and embedded in the meantime.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/errors.h"
#include "pipeline/batch.h"
#include "pipeline/discovery.h"
#include "pipeline/embedding_cache.h"
#include "pipeline/infer.h"
#include "pipeline/memo.h"
#include "pipeline/stream.h"
#include "settings/setting_read.h"

/* Texts that a service embeds here between two looks at interrupts. */
#define LOCAL_CHUNK 64
#define LOCAL_CHUNK_BYTES (64 * 1024)

struct InferenceStream
{
	const InferenceServiceOps *service;
	const InferenceModel *model;
	Jsonb	   *task_settings;
	Exchange   *exchange;		/* NULL: the service runs here */
	bool		is_probe;		/* of a model that is being tried */
	EmbeddingMemo *memo;		/* NULL: remembers nothing itself */

	/* For EXPLAIN */
	int64		ninputs;
	int64		ndeduplicated;
	int64		nremembered;
};

struct InferenceJob
{
	InferenceStream *stream;

	/* What is asked, and which of the different texts each is */
	int			ninputs;
	InferenceDistinct distinct;

	/* Different texts that are sent, in order, and which they are */
	InferenceInput *wanted;
	int		   *origin;			/* NULL: all, in order */
	int			nwanted;

	/* What comes back: of the texts sent, of different ones */
	InferenceEmbedding *fresh;
	InferenceEmbedding *of_distinct;
	ExchangeBatch *batch;
};

static void
add_context(void *arg)
{
	const InferenceModel *model = arg;

	errcontext("inference model \"%s\", task type %s",
			   model->model_id, inf_task_name(model->task));
}

static void
push_context(ErrorContextCallback *callback, const InferenceStream *stream)
{
	callback->previous = error_context_stack;
	callback->callback = add_context;
	callback->arg = unconstify(InferenceModel *, stream->model);
	error_context_stack = callback;
}

/*
 * ----------
 * Streams
 * ----------
 */

static InferenceStream *
open_stream(const InferenceModel *model, Jsonb *overrides)
{
	InferenceStream *stream = palloc0(sizeof(InferenceStream));
	ErrorContextCallback callback;

	stream->model = model;
	stream->service = inf_infer_service(model);
	push_context(&callback, stream);
	stream->task_settings = inf_infer_task_settings(stream->service, model,
													overrides);
	if (stream->service->run == NULL)
		stream->exchange = inf_exchange_open(stream->service, model,
											 inf_infer_url(stream->service, model),
											 stream->task_settings);
	error_context_stack = callback.previous;
	return stream;
}

InferenceStream *
inf_stream_open(const InferenceModel *model, Jsonb *overrides)
{
	return open_stream(model, overrides);
}

InferenceStream *
inf_stream_open_probe(const InferenceModel *model, bool plainly)
{
	InferenceStream *stream = open_stream(model, NULL);

	stream->is_probe = true;
	if (stream->exchange && plainly)
		inf_exchange_ask_plainly(stream->exchange);
	return stream;
}

void
inf_stream_remember(InferenceStream *stream, Size max_bytes)
{
	stream->memo = inf_memo_create(max_bytes);
}

void
inf_stream_poll(InferenceStream *stream)
{
	ErrorContextCallback callback;

	if (stream->exchange == NULL)
		return;
	push_context(&callback, stream);
	inf_exchange_poll(stream->exchange);
	error_context_stack = callback.previous;
}

int
inf_stream_max_inputs(const InferenceStream *stream)
{
	return stream->exchange ? inf_exchange_max_inputs(stream->exchange) :
		LOCAL_CHUNK;
}

void
inf_stream_add_counters(const InferenceStream *stream, StreamCounters *sum)
{
	const ExchangeCounters *exchange;

	sum->inputs += stream->ninputs;
	sum->deduplicated += stream->ndeduplicated;
	sum->remembered += stream->nremembered;
	if (stream->exchange == NULL)
		return;
	exchange = inf_exchange_counters(stream->exchange);
	sum->network.requests += exchange->requests;
	sum->network.retries += exchange->retries;
	sum->network.bytes_sent += exchange->bytes_sent;
	sum->network.bytes_received += exchange->bytes_received;
	sum->network.tokens += exchange->tokens;
	sum->network.wait_us += exchange->wait_us;
}

void
inf_stream_abandon(InferenceStream *stream)
{
	if (stream->exchange)
		inf_exchange_abandon(stream->exchange);
}

void
inf_stream_close(InferenceStream *stream)
{
	if (stream->exchange)
		inf_exchange_close(stream->exchange);
}

/*
 * ----------
 * Jobs
 * ----------
 */

/*
 * Batches were checked one by one; here they are held against each other, and
 * against what is known of the model.
 */
static void
check_dimensions(const InferenceStream *stream,
				 const InferenceEmbedding *results, int n)
{
	const InferenceModel *model = stream->model;
	InferenceFault fault = {.kind = INF_FAULT_NONE};
	int			expected;

	if (model->task != INF_TASK_TEXT_EMBEDDING || n == 0)
		return;
	for (int i = 1; i < n && fault.kind == INF_FAULT_NONE; i++)
		if (results[i].ndimensions != results[0].ndimensions)
			inf_fault_set(&fault, INF_FAULT_BAD_ANSWER,
						  "embeddings of different dimensions in one call: %d and %d",
						  results[0].ndimensions, results[i].ndimensions);
	if (fault.kind != INF_FAULT_NONE)
		inf_error_throw_fault(model, &fault, NULL, 1, NULL);
	expected = inf_discovery_dimensions(stream->service, model,
										stream->task_settings);
	if (expected == 0)
		expected = inf_discovery_learn(stream->service, model,
									   stream->task_settings,
									   results[0].ndimensions);
	if (results[0].ndimensions != expected)
		inf_discovery_throw(model->model_id, model->service,
							inf_setting_is_set(model->service_settings, "dimensions"),
							results[0].ndimensions, expected);
}

static void
truncate_inputs(const InferenceModel *model, InferenceInput *inputs, int ninputs)
{
	int			max_tokens = inf_setting_integer(model->service_settings,
												 "max_input_tokens", 0);

	for (int i = 0; i < ninputs && max_tokens > 0; i++)
		inf_batch_truncate(&inputs[i], max_tokens);
}

static void
run_here(const InferenceServiceOps *service, const InferenceModel *model,
		 Jsonb *task_settings, const InferenceInput *inputs, int ninputs,
		 InferenceEmbedding *results)
{
	for (int i = 0; i < ninputs;)
	{
		InferenceCall call = {
			.model = model,
			.task_settings = task_settings,
			.inputs = &inputs[i]
		};
		int			bytes = 0;

		while (i + call.ninputs < ninputs && call.ninputs < LOCAL_CHUNK &&
			   bytes < LOCAL_CHUNK_BYTES)
			bytes += call.inputs[call.ninputs++].length;
		CHECK_FOR_INTERRUPTS();
		service->run(&call, &results[i]);
		i += call.ninputs;
	}
}

/* A probe always makes its request, even if the cache has the answer. */
static bool
uses_cache(const InferenceStream *stream)
{
	return !stream->is_probe && inf_embedding_cache_enabled();
}

static bool
recall(const InferenceStream *stream, const InferenceInput *input,
	   InferenceEmbedding *embedding)
{
	if (stream->memo && inf_memo_get(stream->memo, input, embedding))
		return true;
	return uses_cache(stream) &&
		inf_embedding_cache_get(stream->model, stream->task_settings, input,
								embedding);
}

/* Takes out the texts that are remembered. */
static void
recall_inputs(InferenceJob *job)
{
	const InferenceStream *stream = job->stream;
	const InferenceDistinct *distinct = &job->distinct;

	job->wanted = palloc(sizeof(InferenceInput) * Max(distinct->ninputs, 1));
	job->origin = palloc(sizeof(int) * Max(distinct->ninputs, 1));
	job->of_distinct = palloc0(sizeof(InferenceEmbedding) * Max(distinct->ninputs, 1));
	for (int i = 0; i < distinct->ninputs; i++)
	{
		if (recall(stream, &distinct->inputs[i], &job->of_distinct[i]))
			continue;
		job->origin[job->nwanted] = i;
		job->wanted[job->nwanted++] = distinct->inputs[i];
	}
}

static void
remember(InferenceJob *job)
{
	const InferenceStream *stream = job->stream;

	for (int i = 0; i < job->nwanted; i++)
	{
		job->of_distinct[job->origin[i]] = job->fresh[i];
		if (stream->memo)
			inf_memo_put(stream->memo, &job->wanted[i], &job->fresh[i]);
		if (uses_cache(stream))
			inf_embedding_cache_put(stream->model, stream->task_settings,
									&job->wanted[i], &job->fresh[i]);
	}
}

InferenceJob *
inf_stream_submit(InferenceStream *stream, const InferenceInput *inputs,
				  int ninputs)
{
	InferenceJob *job = palloc0(sizeof(InferenceJob));
	InferenceDistinct *distinct = &job->distinct;
	ErrorContextCallback callback;

	push_context(&callback, stream);
	job->stream = stream;
	job->ninputs = ninputs;
	inf_batch_distinct(inputs, ninputs, distinct);
	truncate_inputs(stream->model, distinct->inputs, distinct->ninputs);
	if (stream->memo || uses_cache(stream))
		recall_inputs(job);
	else
	{
		job->wanted = distinct->inputs;
		job->nwanted = distinct->ninputs;
	}
	stream->ninputs += ninputs;
	stream->ndeduplicated += ninputs - distinct->ninputs;
	stream->nremembered += distinct->ninputs - job->nwanted;
	job->fresh = palloc0(sizeof(InferenceEmbedding) * Max(job->nwanted, 1));
	if (stream->exchange)
		job->batch = inf_exchange_submit(stream->exchange, job->wanted,
										 job->nwanted, job->fresh);
	error_context_stack = callback.previous;
	return job;
}

InferenceEmbedding *
inf_stream_finish(InferenceJob *job)
{
	InferenceStream *stream = job->stream;
	InferenceEmbedding *results = palloc(sizeof(InferenceEmbedding) * Max(job->ninputs, 1));
	ErrorContextCallback callback;

	push_context(&callback, stream);
	if (stream->exchange)
		inf_exchange_finish(stream->exchange, job->batch);
	else
		run_here(stream->service, stream->model, stream->task_settings,
				 job->wanted, job->nwanted, job->fresh);
	if (!stream->is_probe)
		check_dimensions(stream, job->fresh, job->nwanted);
	if (job->of_distinct)
		remember(job);
	else
		job->of_distinct = job->fresh;
	for (int i = 0; i < job->ninputs; i++)
	{
		int			position = job->distinct.position[i];

		results[i] = job->of_distinct[position];
		results[i].is_truncated |= job->distinct.inputs[position].is_truncated;
	}
	error_context_stack = callback.previous;
	return results;
}
