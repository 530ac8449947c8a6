/*
 * embedding_column.h
 *		A column that embeddings are written to, whatever its type.
 */
#ifndef INFERENCE_TRIGGER_EMBEDDING_COLUMN_H
#define INFERENCE_TRIGGER_EMBEDDING_COLUMN_H

#include "postgres.h"

#include "utils/rel.h"

#include "base/types.h"

typedef struct EmbeddingColumn
{
	/* Place */
	char	   *table;			/* for messages */
	char	   *name;
	AttrNumber	attnum;

	/* Type */
	Oid			type;			/* as declared, perhaps a domain */
	Oid			base_type;
	int32		typmod;
	Oid			cast_function;	/* from real[]; InvalidOid: none needed */
} EmbeddingColumn;

/* Finds a column of a table; throws if it is missing or generated. */
extern void inf_column_open(EmbeddingColumn *column, Relation rel,
							const char *name);

/*
 * Throws unless embeddings of this task can be written to the column: real[],
 * double precision[] and every type with a cast from real[] (pgvector's vector
 * and halfvec) take dense ones, jsonb and pgvector's sparsevec sparse ones.
 */
extern void inf_column_check_task(EmbeddingColumn *column, InferenceTask task);

/*
 * The embedding as a value of the column; throws if it does not fit.  The
 * other is for a row without one: throws if a domain takes no null.
 */
extern Datum inf_column_value(const EmbeddingColumn *column,
							  const InferenceEmbedding *embedding);
extern void inf_column_check_null(const EmbeddingColumn *column);

#endif							/* INFERENCE_TRIGGER_EMBEDDING_COLUMN_H */
