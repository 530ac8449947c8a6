/*
 * similarity_fns.c
 *		SQL functions that compare embeddings, for search without pgvector.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(inference_cosine_similarity);
PG_FUNCTION_INFO_V1(inference_dot_product);
PG_FUNCTION_INFO_V1(inference_l2_distance);
PG_FUNCTION_INFO_V1(inference_sparse_dot);

/* Sums kept side by side, which lets the compiler use vector registers. */
#define LANES 8

/* Dimensions between two looks at interrupts; a multiple of LANES. */
#define BLOCK (1024 * 1024)

/*
 * ----------
 * Dense
 * ----------
 */

/* Two vectors of equal length. */
typedef struct VectorPair
{
	int			n;
	const float4 *a;			/* (n) */
	const float4 *b;			/* (n) */
} VectorPair;

static const float4 *
get_vector(ArrayType *array, int *n)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("a vector must be a one-dimensional array")));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a vector must not contain nulls")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (*n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("a vector must have at least one dimension")));
	return (const float4 *) ARR_DATA_PTR(array);
}

static VectorPair
get_pair(FunctionCallInfo fcinfo)
{
	VectorPair	pair;
	int			nb;

	pair.a = get_vector(PG_GETARG_ARRAYTYPE_P(0), &pair.n);
	pair.b = get_vector(PG_GETARG_ARRAYTYPE_P(1), &nb);
	if (pair.n != nb)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("vectors have different dimensions: %d and %d",
						pair.n, nb)));
	return pair;
}

static void
add_products(double *sums, const float4 *a, const float4 *b, int n)
{
	int			i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int lane = 0; lane < LANES; lane++)
			sums[lane] += (double) a[i + lane] * b[i + lane];
	for (; i < n; i++)
		sums[i % LANES] += (double) a[i] * b[i];
}

static void
add_squares(double *sums, const float4 *a, const float4 *b, int n)
{
	int			i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int lane = 0; lane < LANES; lane++)
		{
			double		d = (double) a[i + lane] - b[i + lane];

			sums[lane] += d * d;
		}
	for (; i < n; i++)
		sums[i % LANES] += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
}

/* The sum of what add() adds for each dimension. */
static inline double
sum_up(void (*add) (double *, const float4 *, const float4 *, int),
	   const float4 *a, const float4 *b, int n)
{
	double		sums[LANES] = {0};
	double		sum = 0;

	for (int i = 0; i < n; i += BLOCK)
	{
		if (i > 0)
			CHECK_FOR_INTERRUPTS();
		add(sums, a + i, b + i, Min(BLOCK, n - i));
	}
	for (int lane = 0; lane < LANES; lane++)
		sum += sums[lane];
	return sum;
}

static double
dot(const float4 *a, const float4 *b, int n)
{
	return sum_up(add_products, a, b, n);
}

static double
squared_distance(const float4 *a, const float4 *b, int n)
{
	return sum_up(add_squares, a, b, n);
}

/*
 * inference_cosine_similarity(a real[], b real[])
 *
 * NULL for a vector without direction (zero, infinite, not a number): NaN
 * would sort as the best of all matches.
 */
Datum
inference_cosine_similarity(PG_FUNCTION_ARGS)
{
	VectorPair	pair = get_pair(fcinfo);
	double		norms = sqrt(dot(pair.a, pair.a, pair.n)) *
		sqrt(dot(pair.b, pair.b, pair.n));
	double		cosine;

	if (norms == 0 || !isfinite(norms))
		PG_RETURN_NULL();
	cosine = dot(pair.a, pair.b, pair.n) / norms;

	/* Rounding may lead out of the range that acos() takes. */
	PG_RETURN_FLOAT8(cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
}

/* inference_dot_product(a real[], b real[]) */
Datum
inference_dot_product(PG_FUNCTION_ARGS)
{
	VectorPair	pair = get_pair(fcinfo);

	PG_RETURN_FLOAT8(dot(pair.a, pair.b, pair.n));
}

/* inference_l2_distance(a real[], b real[]) */
Datum
inference_l2_distance(PG_FUNCTION_ARGS)
{
	VectorPair	pair = get_pair(fcinfo);

	PG_RETURN_FLOAT8(sqrt(squared_distance(pair.a, pair.b, pair.n)));
}

/*
 * ----------
 * Sparse
 * ----------
 */

static void
throw_no_token_map(int argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument %d is not a sparse vector", argument),
			 errdetail("A sparse vector is a JSON object of tokens and their weights, such as {\"cat\": 1.5}.")));
}

/* One of two objects that are walked side by side. */
typedef struct TokenWalk
{
	int			argument;
	JsonbIterator *it;
	JsonbValue	token;
	JsonbValue	weight;
	bool		done;
} TokenWalk;

/* Goes by way of text, and so is left to the tokens that both sides have. */
static double
get_weight(const TokenWalk *walk)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8,
											  NumericGetDatum(walk->weight.val.numeric)));
}

static void
next_token(TokenWalk *walk)
{
	CHECK_FOR_INTERRUPTS();
	walk->done = JsonbIteratorNext(&walk->it, &walk->token, true) != WJB_KEY;
	if (walk->done)
		return;
	(void) JsonbIteratorNext(&walk->it, &walk->weight, true);
	if (walk->weight.type != jbvNumeric)
		throw_no_token_map(walk->argument);
}

static void
begin_walk(TokenWalk *walk, Jsonb *map, int argument)
{
	JsonbValue	object;

	walk->argument = argument;
	if (!JB_ROOT_IS_OBJECT(map))
		throw_no_token_map(argument);
	walk->it = JsonbIteratorInit(&map->root);
	(void) JsonbIteratorNext(&walk->it, &object, true);
	next_token(walk);
}

/* The order in which jsonb keeps keys: by length, then by bytes. */
static int
compare_tokens(const JsonbValue *a, const JsonbValue *b)
{
	if (a->val.string.len != b->val.string.len)
		return a->val.string.len < b->val.string.len ? -1 : 1;
	return memcmp(a->val.string.val, b->val.string.val, a->val.string.len);
}

/* inference_sparse_dot(a jsonb, b jsonb) */
Datum
inference_sparse_dot(PG_FUNCTION_ARGS)
{
	TokenWalk	a;
	TokenWalk	b;
	double		sum = 0;

	begin_walk(&a, PG_GETARG_JSONB_P(0), 1);
	begin_walk(&b, PG_GETARG_JSONB_P(1), 2);
	while (!a.done && !b.done)
	{
		int			order = compare_tokens(&a.token, &b.token);

		if (order == 0)
			sum += get_weight(&a) * get_weight(&b);
		if (order <= 0)
			next_token(&a);
		if (order >= 0)
			next_token(&b);
	}

	/* Whether a weight is refused must not depend on the other side. */
	while (!a.done)
		next_token(&a);
	while (!b.done)
		next_token(&b);
	PG_RETURN_FLOAT8(sum);
}
