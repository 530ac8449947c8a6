/*
 * vector_builder.c
 *		A dense vector in the making: numbers of a JSON stream into an array of
 *		SQL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/memutils.h"

#include "service/vector_builder.h"

/* Most dimensions of a vector: an array of them fits into a value. */
#define MAX_DIMENSIONS ((int) (MaxAllocSize / sizeof(float4) / 2))

/* Room for n values in an array of SQL. */
static bool
grow_floats(JsonFloats *floats, int n)
{
	VectorBuilder *builder = (VectorBuilder *)
		((char *) floats - offsetof(VectorBuilder, floats));
	ArrayType  *old = builder->array;
	ArrayType  *array;

	if (n > floats->capacity)
		n = Max(n, Min(floats->capacity * 2, MAX_DIMENSIONS));
	if (n > MAX_DIMENSIONS)
		return inf_reply_fault(builder->fault,
							   "an embedding has more than %d dimensions",
							   MAX_DIMENSIONS);
	array = MemoryContextAllocExtended(builder->context,
									   ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * n,
									   MCXT_ALLOC_NO_OOM);
	if (array == NULL)
		return inf_reply_fault(builder->fault, "out of memory");
	if (old != NULL)
	{
		/* base64 writes beyond the n that it counts at its end */
		memcpy(ARR_OVERHEAD_NONULLS(1) + (char *) array, floats->values,
			   sizeof(float4) * floats->capacity);
		pfree(old);
	}
	builder->array = array;
	floats->values = (float *) (ARR_OVERHEAD_NONULLS(1) + (char *) array);
	floats->capacity = n;
	return true;
}

void
inf_vector_init(VectorBuilder *builder, int wanted)
{
	memset(builder, 0, sizeof(*builder));
	builder->context = CurrentMemoryContext;
	builder->floats.wanted = wanted;
	builder->floats.grow = grow_floats;
}

bool
inf_vector_begin(VectorBuilder *builder, int ndimensions)
{
	JsonFloats *floats = &builder->floats;

	/* one more than the width, and what base64 may write beyond */
	return floats->capacity >= ndimensions + 2 ||
		grow_floats(floats, ndimensions + 2);
}

/* Reports faults that the stream found in numbers and base64. */
static bool
check_floats(VectorBuilder *builder, const JsonStream *stream)
{
	char	   *fault = builder->fault;

	if (stream->bad_base64 != NULL)
		return inf_reply_fault(fault, "an embedding is not %s", stream->bad_base64);
	if (stream->bad_element < 0)
		return builder->floats.n > 0 ||
			inf_reply_fault(fault, "an embedding is empty");
	if (stream->bad_event == JSON_EVENT_FLOATS)
		return inf_reply_fault(fault, "element %d of an embedding is not finite",
							   stream->bad_element);
	if (stream->bad_event == JSON_EVENT_NUMBER)
		return inf_reply_fault(fault, "element %d of an embedding is out of range for type real",
							   stream->bad_element);
	return inf_reply_fault(fault, "element %d of an embedding is of type %s where a number was expected",
						   stream->bad_element,
						   inf_reply_type_name(stream->bad_event));
}

bool
inf_vector_finish(VectorBuilder *builder, const JsonStream *stream,
				  InferenceEmbedding *embedding)
{
	ArrayType  *array = builder->array;
	int			n = builder->floats.n;

	if (!check_floats(builder, stream))
		return false;
	SET_VARSIZE(array, ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * n);
	array->ndim = 1;
	array->dataoffset = 0;		/* no nulls */
	array->elemtype = FLOAT4OID;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	embedding->array = array;
	embedding->ndimensions = n;
	embedding->values = (float *) ARR_DATA_PTR(array);
	builder->array = NULL;
	builder->floats.capacity = 0;
	return true;
}

void
inf_vector_discard(VectorBuilder *builder)
{
	if (builder->array != NULL)
		pfree(builder->array);
	builder->array = NULL;
	builder->floats.capacity = 0;
}
