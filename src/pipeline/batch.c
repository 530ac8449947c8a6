/*
 * batch.c
 *		From the texts of a statement to batches that a service takes, and back.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "pipeline/batch.h"

/* UTF-16 units that Elasticsearch reckons for a token. */
#define UNITS_PER_TOKEN 3

typedef struct TextEntry
{
	InferenceTextKey key;
	int			position;
} TextEntry;

static uint32
hash_text(const void *key, Size keysize)
{
	const InferenceTextKey *text = key;

	return hash_bytes((const unsigned char *) text->text, text->length);
}

static int
match_text(const void *a, const void *b, Size keysize)
{
	const InferenceTextKey *x = a;
	const InferenceTextKey *y = b;

	return x->length != y->length || memcmp(x->text, y->text, x->length) != 0;
}

HTAB *
inf_text_table_create(const char *name, long nexpected, Size entry_size)
{
	HASHCTL		control = {
		.keysize = sizeof(InferenceTextKey),
		.entrysize = entry_size,
		.hash = hash_text,
		.match = match_text,
		.hcxt = CurrentMemoryContext
	};

	return hash_create(name, nexpected, &control,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

void
inf_batch_distinct(const InferenceInput *inputs, int ninputs,
				   InferenceDistinct *distinct)
{
	HTAB	   *seen = inf_text_table_create("inference inputs", ninputs,
											 sizeof(TextEntry));

	distinct->inputs = palloc(sizeof(InferenceInput) * Max(ninputs, 1));
	distinct->position = palloc(sizeof(int) * Max(ninputs, 1));
	distinct->ninputs = 0;
	for (int i = 0; i < ninputs; i++)
	{
		InferenceTextKey key = {inputs[i].text, inputs[i].length};
		bool		found;
		TextEntry  *entry = hash_search(seen, &key, HASH_ENTER, &found);

		if (!found)
		{
			entry->position = distinct->ninputs;
			distinct->inputs[distinct->ninputs++] = inputs[i];
		}
		distinct->position[i] = entry->position;
	}
	hash_destroy(seen);
}

int
inf_batch_fitting(const InferenceInput *inputs, int ninputs, int max_inputs,
				  int max_tokens)
{
	/* Three bytes a token, as Elasticsearch reckons with units. */
	int64		max_bytes = max_tokens > 0 ?
		Min((int64) max_tokens * UNITS_PER_TOKEN, INF_MAX_BATCH_BYTES) :
		INF_MAX_BATCH_BYTES;
	int64		bytes = 0;
	int			n = 0;

	while (n < ninputs && n < max_inputs)
	{
		bytes += inputs[n].length;
		if (n > 0 && bytes > max_bytes)
			break;
		n++;
	}
	return Max(n, 1);
}

void
inf_batch_truncate(InferenceInput *input, int max_tokens)
{
	int64		max_units = (int64) max_tokens * UNITS_PER_TOKEN;
	int64		units = 0;
	int			i = 0;

	/* Even in ASCII, a unit takes a byte. */
	if (input->length <= max_units)
		return;
	while (i < input->length)
	{
		unsigned char c = input->text[i];
		int			size = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		units += size == 4 ? 2 : 1;
		if (units > max_units)
			break;
		i += size;
	}
	if (i >= input->length)
		return;
	input->text = pnstrdup(input->text, i);
	input->length = i;
	input->is_truncated = true;
}
