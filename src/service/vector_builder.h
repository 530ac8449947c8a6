/*
 * vector_builder.h
 *		A dense vector in the making: numbers of a JSON stream into an array of
 *		SQL.
 *
 * Called from inside of libcurl: nothing throws.
 */
#ifndef INFERENCE_SERVICE_VECTOR_BUILDER_H
#define INFERENCE_SERVICE_VECTOR_BUILDER_H

#include "base/types.h"
#include "json/json_stream.h"
#include "service/reply_fault.h"

typedef struct VectorBuilder
{
	JsonFloats	floats;			/* for JsonStream.floats */
	MemoryContext context;
	ArrayType  *array;			/* that floats go to; NULL: none yet */
	char		fault[INF_REPLY_FAULT_BYTES];	/* after a function gave false */
} VectorBuilder;

/* wanted (0: not known): dimensions that the vectors should have. */
extern void inf_vector_init(VectorBuilder *builder, int wanted);

/* Room for a vector of about so many dimensions; false: there is none. */
extern bool inf_vector_begin(VectorBuilder *builder, int ndimensions);

/*
 * Gives what stream has just brought (JSON_EVENT_FLOATS) to embedding; false if
 * it is no good vector.
 */
extern bool inf_vector_finish(VectorBuilder *builder, const JsonStream *stream,
							  InferenceEmbedding *embedding);

/* Frees room for a vector that did not come. */
extern void inf_vector_discard(VectorBuilder *builder);

#endif							/* INFERENCE_SERVICE_VECTOR_BUILDER_H */
