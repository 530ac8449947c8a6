/*
 * embedding_value.c
 *		Embeddings as SQL values.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/text_encoding.h"
#include "pipeline/embedding_value.h"

ArrayType *
inf_value_real_array(const InferenceEmbedding *embedding)
{
	int			n = embedding->ndimensions;
	Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * n;
	ArrayType  *array = palloc(size);

	if (embedding->array != NULL)
	{
		memcpy(array, embedding->array, size);
		return array;
	}

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;		/* no nulls */
	array->elemtype = FLOAT4OID;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	memcpy(ARR_DATA_PTR(array), embedding->values, sizeof(float4) * n);
	return array;
}

/*
 * ----------
 * JSON
 *
 * Trees of values that the server makes jsonb of, short of what its parser
 * would do: a tree is as large as one embedding.
 * ----------
 */

/* A number of the shortest digits that read back as the same real. */
static void
set_real(JsonbValue *number, float value)
{
	char		digits[FLOAT_SHORTEST_DECIMAL_LEN];

	(void) float_to_shortest_decimal_buf(value, digits);
	number->type = jbvNumeric;
	number->val.numeric =
		DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(digits),
											ObjectIdGetDatum(InvalidOid),
											Int32GetDatum(-1)));
}

Jsonb *
inf_value_json_array(const InferenceEmbedding *embedding)
{
	JsonbValue	array = {.type = jbvArray};

	array.val.array.nElems = embedding->ndimensions;
	array.val.array.elems = palloc(sizeof(JsonbValue) * embedding->ndimensions);
	for (int i = 0; i < embedding->ndimensions; i++)
		set_real(&array.val.array.elems[i], embedding->values[i]);
	return JsonbValueToJsonb(&array);
}

/* The order of keys in a jsonb; of equal ones, that in which they came. */
static int
compare_pairs(const void *a, const void *b)
{
	const JsonbPair *x = a;
	const JsonbPair *y = b;
	int			lx = x->key.val.string.len;
	int			ly = y->key.val.string.len;
	int			order = lx != ly ? (lx > ly ? 1 : -1) :
		memcmp(x->key.val.string.val, y->key.val.string.val, lx);

	return order != 0 ? order : x->order > y->order ? 1 : -1;
}

static bool
is_same_key(const JsonbPair *a, const JsonbPair *b)
{
	return a->key.val.string.len == b->key.val.string.len &&
		memcmp(a->key.val.string.val, b->key.val.string.val,
			   a->key.val.string.len) == 0;
}

static void
set_pair(JsonbPair *pair, const InferenceToken *token, int order)
{
	char	   *key = inf_text_from_utf8(token->token, "token");

	pair->key.type = jbvString;
	pair->key.val.string.val = key;
	pair->key.val.string.len = strlen(key);
	pair->order = order;
	set_real(&pair->value, token->weight);
}

Jsonb *
inf_value_token_map(const InferenceEmbedding *embedding)
{
	int			n = embedding->ntokens;
	JsonbPair  *pairs = palloc(sizeof(JsonbPair) * Max(n, 1));
	JsonbValue	object = {.type = jbvObject};
	int			nkept = 0;

	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		set_pair(&pairs[i], &embedding->tokens[i], i);
	}
	qsort(pairs, n, sizeof(JsonbPair), compare_pairs);

	/* Of a token that comes twice the last counts, as in any JSON. */
	for (int i = 0; i < n; i++)
		if (i == n - 1 || !is_same_key(&pairs[i], &pairs[i + 1]))
			pairs[nkept++] = pairs[i];
	object.val.object.pairs = pairs;
	object.val.object.nPairs = nkept;
	return JsonbValueToJsonb(&object);
}
