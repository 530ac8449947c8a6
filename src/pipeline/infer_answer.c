/*
 * infer_answer.c
 *		The answer of inference_infer, as Elasticsearch's API has it.
 *
 * It can have millions of numbers.  By way of a JSON text, or of the server's
 * tree of values, each would take a hundred bytes and more, so that the jsonb
 * is written as it is stored (utils/jsonb.h): embeddings are made one by one,
 * by the server's own functions, and what is around them is of one shape.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pipeline/embedding_value.h"
#include "pipeline/infer_answer.h"

#define KEY_EMBEDDING "embedding"
#define KEY_TRUNCATED "is_truncated"

/* What an array or an object can hold. */
#define MAX_CONTAINER_BYTES ((Size) JENTRY_OFFLENMASK)

/* An entry, and a numeric of one digit. */
#define MIN_NUMBER_BYTES (sizeof(JEntry) + 8)

struct InferenceAnswer
{
	InferenceTask task;
	int			n;				/* embeddings that there will be */
	int			nadded;
	MemoryContext scratch;		/* of one embedding at a time */

	MemoryContext context;		/* of data */
	char	   *data;
	Size		length;
	Size		room;

	/* Places in data, which moves as it grows */
	Size		list;			/* of the array */
	Size		list_entries;
	Size		list_data;
};

/*
 * ----------
 * Bytes
 * ----------
 */

static void
throw_too_large(int n)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("the answer is too large"),
			 errdetail("%d embeddings do not fit into the %zu bytes that an array in a jsonb value can have.",
					   n, MAX_CONTAINER_BYTES),
			 errhint("Use inference_embed_batch() or inference_sparse_batch(), which return rows.")));
}

/*
 * Makes room for more bytes: for all of the answer, if the rest of it is like
 * what there is.
 */
static void
make_room(InferenceAnswer *answer, Size bytes)
{
	Size		needed = answer->length + bytes;
	Size		guess;

	if (needed > MAX_CONTAINER_BYTES)
		throw_too_large(answer->n);
	if (needed <= answer->room)
		return;
	guess = answer->nadded == 0 ? needed :
		needed + needed / answer->nadded * (answer->n - answer->nadded);
	answer->room = Max(needed + needed / 8, Min(guess, MAX_CONTAINER_BYTES));
	answer->data = answer->data ? repalloc(answer->data, answer->room) :
		MemoryContextAlloc(answer->context, answer->room);
}

static void
append_bytes(InferenceAnswer *answer, const void *bytes, Size length)
{
	make_room(answer, length);
	memcpy(answer->data + answer->length, bytes, length);
	answer->length += length;
}

static void
append_word(InferenceAnswer *answer, uint32 word)
{
	append_bytes(answer, &word, sizeof(word));
}

/* Containers begin at a multiple of four bytes; the padding is part of them. */
static void
append_padding(InferenceAnswer *answer)
{
	static const char zeros[sizeof(uint32)] = {0};

	append_bytes(answer, zeros, INTALIGN(answer->length) - answer->length);
}

/*
 * ----------
 * Shape
 * ----------
 */

void
inf_answer_check_size(int n, int ndimensions)
{
	if ((Size) n * ndimensions > MAX_CONTAINER_BYTES / MIN_NUMBER_BYTES)
		throw_too_large(n);
}

InferenceAnswer *
inf_answer_begin(InferenceTask task, int n)
{
	InferenceAnswer *answer = palloc0(sizeof(InferenceAnswer));
	const char *key = inf_task_name(task);

	answer->task = task;
	answer->n = n;
	answer->context = CurrentMemoryContext;
	answer->scratch = AllocSetContextCreate(CurrentMemoryContext,
											"inference answer",
											ALLOCSET_DEFAULT_SIZES);
	append_word(answer, 0);		/* header of the value; see the end */
	append_word(answer, 1 | JB_FOBJECT);
	append_word(answer, JENTRY_ISSTRING | JENTRY_HAS_OFF | strlen(key));
	append_word(answer, 0);		/* entry of the array; see the end */
	append_bytes(answer, key, strlen(key));
	answer->list = answer->length;
	append_padding(answer);
	append_word(answer, n | JB_FARRAY);

	/* Entries come before what they are of. */
	answer->list_entries = answer->length;
	make_room(answer, sizeof(JEntry) * n);
	answer->length += sizeof(JEntry) * n;
	answer->list_data = answer->length;
	return answer;
}

/* {"embedding": value}, for sparse ones with "is_truncated" */
static void
append_element(InferenceAnswer *answer, const Jsonb *value, bool is_truncated)
{
	bool		is_sparse = answer->task == INF_TASK_SPARSE_EMBEDDING;
	Size		length = VARSIZE(value) - VARHDRSZ;
	Size		entry;
	Size		start;

	append_padding(answer);
	append_word(answer, (is_sparse ? 2 : 1) | JB_FOBJECT);
	append_word(answer, JENTRY_ISSTRING | JENTRY_HAS_OFF | strlen(KEY_EMBEDDING));
	if (is_sparse)
		append_word(answer, JENTRY_ISSTRING | strlen(KEY_TRUNCATED));
	entry = answer->length;
	append_word(answer, 0);
	if (is_sparse)
		append_word(answer, is_truncated ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE);
	append_bytes(answer, KEY_EMBEDDING, strlen(KEY_EMBEDDING));
	if (is_sparse)
		append_bytes(answer, KEY_TRUNCATED, strlen(KEY_TRUNCATED));
	start = answer->length;
	append_padding(answer);
	append_bytes(answer, &value->root, length);
	*(JEntry *) (answer->data + entry) = JENTRY_ISCONTAINER | (answer->length - start);
}

void
inf_answer_add(InferenceAnswer *answer, const InferenceEmbedding *embedding)
{
	MemoryContext caller = MemoryContextSwitchTo(answer->scratch);
	Jsonb	   *value = answer->task == INF_TASK_SPARSE_EMBEDDING ?
		inf_value_token_map(embedding) : inf_value_json_array(embedding);
	Size		start = answer->length;
	JEntry	   *entry;

	CHECK_FOR_INTERRUPTS();
	MemoryContextSwitchTo(caller);
	if (answer->nadded == 0)
		inf_answer_check_size(answer->n, embedding->ndimensions);
	append_element(answer, value, embedding->is_truncated);
	MemoryContextReset(answer->scratch);

	/* Most entries have the length, some where the element ends. */
	entry = (JEntry *) (answer->data + answer->list_entries) + answer->nadded;
	*entry = JENTRY_ISCONTAINER |
		(answer->nadded % JB_OFFSET_STRIDE == 0 ?
		 JENTRY_HAS_OFF | (answer->length - answer->list_data) :
		 answer->length - start);
	answer->nadded++;
}

Jsonb *
inf_answer_end(InferenceAnswer *answer)
{
	JEntry	   *entries = (JEntry *) (answer->data + VARHDRSZ + sizeof(uint32));

	Assert(answer->nadded == answer->n);
	entries[1] = JENTRY_ISCONTAINER | (answer->length - answer->list);
	SET_VARSIZE(answer->data, answer->length);
	MemoryContextDelete(answer->scratch);
	return (Jsonb *) answer->data;
}

Jsonb *
inf_answer_make(InferenceTask task, const InferenceEmbedding *embeddings, int n)
{
	InferenceAnswer *answer = inf_answer_begin(task, n);

	for (int i = 0; i < n; i++)
		inf_answer_add(answer, &embeddings[i]);
	return inf_answer_end(answer);
}
