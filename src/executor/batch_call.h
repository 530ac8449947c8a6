/*
 * batch_call.h
 *		What calls over rows ask for: which texts, of which model, and what
 *		their answers are as values of SQL.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_CALL_H
#define INFERENCE_EXECUTOR_BATCH_CALL_H

#include "base/types.h"
#include "executor/batch_scan.h"
#include "pipeline/stream.h"

/* Most arguments of a call. */
#define BATCH_MAX_ARGUMENTS 3

/* A model with task settings; most scans ask one. */
typedef struct BatchStream
{
	struct BatchStream *next;
	char	   *model_id;
	Jsonb	   *overrides;		/* NULL: none */
	InferenceTask task;			/* 0: any */
	const InferenceModel *model;
	InferenceStream *stream;
	Size		embedding_bytes;	/* as large as the last; a guess before */
} BatchStream;

/* The texts of a batch that go to one stream. */
typedef struct BatchJob
{
	struct BatchJob *next;
	BatchStream *stream;
	InferenceInput *inputs;
	int			ninputs;
	int			room;
	InferenceJob *job;			/* NULL: not sent yet */
	InferenceEmbedding *embeddings;	/* NULL: not waited for yet */
} BatchJob;

/* What a row asks for in a call: nothing, or some texts of a job. */
typedef struct BatchCell
{
	BatchJob   *job;			/* NULL: the answer is null */
	int			first;
	int			ninputs;
	Jsonb	   *body;			/* NULL, or a body that is answered by itself */
} BatchCell;

/* How many arguments a call has. */
extern int	inf_batch_argument_count(BatchCallKind kind);

/*
 * Adds the texts that a call with these arguments asks for to the jobs, as those
 * of a row, which errors count from 1, and notes in cell where they are.  Streams are opened in stream_context when first
 * asked for; all else is in the current memory context.  Returns the bytes of
 * the texts.  Throws as the call itself would.
 */
extern Size inf_batch_take_call(BatchCallKind kind, const Datum *args,
								int64 row,
								MemoryContext stream_context,
								BatchStream **streams, BatchJob **jobs,
								BatchCell *cell);

/* Sends jobs, in the current memory context. */
extern void inf_batch_send(BatchJob *jobs);

/*
 * The answer that cell, which has a job, asks for.  Waits for the job if need
 * be, in job_context; the value lives as long as that, or as the current one.
 */
extern Datum inf_batch_answer(BatchCallKind kind, const BatchCell *cell,
							  MemoryContext job_context);

#endif							/* INFERENCE_EXECUTOR_BATCH_CALL_H */
