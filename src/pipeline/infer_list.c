/*
 * infer_list.c
 *		Embeds a list of texts that may be long, in memory that is not.
 *
 * The list is read in pieces.  While one is waited for, the next is on its way;
 * what is handed on is forgotten.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/limits.h"
#include "pipeline/infer_list.h"
#include "pipeline/stream.h"

/* What the embeddings of a piece may take, once it is known how large they are. */
#define PIECE_BYTES (64 * 1024 * 1024)

/* The part of work_mem that remembers texts of earlier pieces. */
#define MEMO_SHARE 2

typedef struct Piece
{
	MemoryContext context;		/* of all of it */
	int			first;			/* in the list */
	int			ntexts;
	InferenceInput *inputs;		/* (ninputs) */
	int			ninputs;
	int		   *position;		/* of each text in inputs; -1: in none */
	InferenceJob *job;			/* NULL: nothing to embed */
} Piece;

typedef struct ListRun
{
	const InferenceModel *model;
	Jsonb	   *overrides;
	const InferenceList *list;
	MemoryContext context;		/* of stream, and contexts of pieces */
	InferenceStream *stream;	/* NULL: there was nothing to embed yet */
	int			next;			/* text to read */
	int			max_texts;		/* of a piece */
} ListRun;

/* A list without a text to embed needs no service. */
static void
open_stream(ListRun *run)
{
	MemoryContext caller;

	if (run->stream)
		return;
	caller = MemoryContextSwitchTo(run->context);
	run->stream = inf_stream_open(run->model, run->overrides);
	if (run->list->ntexts > INF_LIST_PIECE_TEXTS)
		inf_stream_remember(run->stream, (Size) work_mem * 1024 / MEMO_SHARE);
	MemoryContextSwitchTo(caller);
}

static void
read_texts(ListRun *run, Piece *piece, int max_texts)
{
	const InferenceList *list = run->list;
	int64		bytes = 0;

	piece->inputs = palloc(sizeof(InferenceInput) * max_texts);
	piece->position = palloc(sizeof(int) * max_texts);
	while (piece->ntexts < max_texts && bytes < INF_MAX_TEXT_BYTES)
	{
		InferenceInput *input = &piece->inputs[piece->ninputs];
		int			position = -1;

		CHECK_FOR_INTERRUPTS();
		if (list->read(list->state, run->next++, input))
		{
			bytes += input->length;
			position = piece->ninputs++;
		}
		piece->position[piece->ntexts++] = position;
	}
}

/* Reads the next piece and begins to send it; NULL at the end of the list. */
static Piece *
begin_piece(ListRun *run)
{
	int			nleft = run->list->ntexts - run->next;
	MemoryContext caller;
	MemoryContext context;
	Piece	   *piece;

	if (nleft == 0)
		return NULL;
	context = AllocSetContextCreate(run->context, "inference list piece",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	piece = palloc0(sizeof(Piece));
	piece->context = context;
	piece->first = run->next;
	read_texts(run, piece, Min(nleft, run->max_texts));
	if (piece->ninputs > 0)
	{
		open_stream(run);
		piece->job = inf_stream_submit(run->stream, piece->inputs, piece->ninputs);
	}
	MemoryContextSwitchTo(caller);
	return piece;
}

static Size
size_of(const InferenceEmbedding *embedding)
{
	return sizeof(float) * embedding->ndimensions +
		2 * sizeof(InferenceToken) * embedding->ntokens;
}

/* Waits for a piece, hands it on, and forgets it. */
static void
finish_piece(ListRun *run, Piece *piece)
{
	const InferenceList *list = run->list;
	MemoryContext caller = MemoryContextSwitchTo(piece->context);
	InferenceEmbedding *embeddings = NULL;
	Size		bytes = 0;

	if (piece->job)
		embeddings = inf_stream_finish(piece->job);
	for (int i = 0; i < piece->ntexts; i++)
	{
		int			position = piece->position[i];
		const InferenceEmbedding *embedding = position < 0 ? NULL :
			&embeddings[position];

		CHECK_FOR_INTERRUPTS();
		if (embedding)
			bytes += size_of(embedding);
		list->put(list->state, piece->first + i, embedding);
	}
	if (bytes > 0)
		run->max_texts = Max(PIECE_BYTES / (bytes / piece->ninputs + 1),
							 inf_stream_max_inputs(run->stream));
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(piece->context);
}

void
inf_infer_list(const InferenceModel *model, Jsonb *overrides,
			   const InferenceList *list)
{
	ListRun		run = {
		.model = model,
		.overrides = overrides,
		.list = list,
		.context = CurrentMemoryContext,
		.max_texts = INF_LIST_PIECE_TEXTS
	};

	/* As in inf_infer_embed(): requests end with the error, not with memory. */
	PG_TRY();
	{
		Piece	   *piece = begin_piece(&run);

		while (piece)
		{
			Piece	   *ahead = begin_piece(&run);

			finish_piece(&run, piece);
			piece = ahead;
		}
	}
	PG_CATCH();
	{
		if (run.stream)
			inf_stream_abandon(run.stream);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (run.stream)
		inf_stream_close(run.stream);
}
