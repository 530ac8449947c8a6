/*
 * stream.h
 *		Texts of one model, taken on job by job and embedded in the meantime.
 *
 * A job is a list of texts: equal ones are sent once, those that the session
 * remembers not at all.  Several jobs may be under way, and are finished in any
 * order.
 */
#ifndef INFERENCE_PIPELINE_STREAM_H
#define INFERENCE_PIPELINE_STREAM_H

#include "base/types.h"
#include "pipeline/exchange.h"

typedef struct InferenceStream InferenceStream;
typedef struct InferenceJob InferenceJob;

/* What was done, for EXPLAIN. */
typedef struct StreamCounters
{
	int64		inputs;			/* texts */
	int64		deduplicated;	/* equal to another of their job */
	int64		remembered;		/* by the stream or the session */
	ExchangeCounters network;	/* of what was sent */
} StreamCounters;

/*
 * Opens a stream in the current memory context, which must hold the model and
 * outlive the contexts of jobs.  overrides (may be NULL) is the task_settings
 * of the call.  Throws if the model cannot be asked.
 */
extern InferenceStream *inf_stream_open(const InferenceModel *model,
										Jsonb *overrides);

/*
 * The same for a model that is being tried: dimensions are not checked, and no
 * embeddings are taken from the cache.  plainly: for plain numbers only.
 */
extern InferenceStream *inf_stream_open_probe(const InferenceModel *model,
											  bool plainly);

/* Has the stream remember what it embeds, in up to max_bytes. */
extern void inf_stream_remember(InferenceStream *stream, Size max_bytes);

/*
 * Takes a list of texts on and begins to send it; does not wait.  All of the
 * job is in the current memory context, and ends with it.
 */
extern InferenceJob *inf_stream_submit(InferenceStream *stream,
									   const InferenceInput *inputs, int ninputs);

/*
 * Waits for a job: one embedding for each text, in order.  Throws if any text
 * could not be embedded.
 */
extern InferenceEmbedding *inf_stream_finish(InferenceJob *job);

/* Lets requests move, without waiting. */
extern void inf_stream_poll(InferenceStream *stream);

/* Most texts that one request takes. */
extern int	inf_stream_max_inputs(const InferenceStream *stream);

/* What was done so far is added to sum. */
extern void inf_stream_add_counters(const InferenceStream *stream,
									StreamCounters *sum);

/* Ends requests that still move, because of an error. */
extern void inf_stream_abandon(InferenceStream *stream);

/* Ends it in good order. */
extern void inf_stream_close(InferenceStream *stream);

#endif							/* INFERENCE_PIPELINE_STREAM_H */
