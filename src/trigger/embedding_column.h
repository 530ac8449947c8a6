/*
 * embedding_column.h
 *		A column that embeddings are written to, whatever its type.
 */
#ifndef INFERENCE_TRIGGER_EMBEDDING_COLUMN_H
#define INFERENCE_TRIGGER_EMBEDDING_COLUMN_H

#include "postgres.h"

#include "utils/rel.h"

#include "base/types.h"
#include "trigger/definition_level.h"

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

/* Finds a column of a table.  False: it is missing or generated. */
extern bool inf_column_open(EmbeddingColumn *column, Relation rel,
							const char *name, DefinitionLevel level);

/*
 * Reports, at a level, unless embeddings of this task can be written to the column: real[],
 * double precision[] and every type with a cast from real[] (pgvector's vector
 * and halfvec) take dense ones, jsonb and pgvector's sparsevec sparse ones.
 */
extern bool inf_column_check_task(EmbeddingColumn *column, InferenceTask task,
								  int elevel);

/* Reports, at a level, if dense embeddings of this width do not fit. */
extern bool inf_column_check_dimensions(const EmbeddingColumn *column,
										int ndimensions, int elevel);

/*
 * The embedding as a value of the column; throws if it does not fit.  The
 * other is for a row without one: throws if a domain takes no null.
 */
extern Datum inf_column_value(const EmbeddingColumn *column,
							  const InferenceEmbedding *embedding);
extern void inf_column_check_null(const EmbeddingColumn *column);

#endif							/* INFERENCE_TRIGGER_EMBEDDING_COLUMN_H */
