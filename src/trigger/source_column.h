/*
 * source_column.h
 *		A column whose text a trigger embeds.
 */
#ifndef INFERENCE_TRIGGER_SOURCE_COLUMN_H
#define INFERENCE_TRIGGER_SOURCE_COLUMN_H

#include "postgres.h"

#include "access/htup.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/rel.h"

#include "trigger/definition_level.h"

typedef struct SourceColumn
{
	AttrNumber	attnum;
	FmgrInfo	output;			/* to text */
} SourceColumn;

/*
 * Finds a column of a table that can be a source beside the target; reports,
 * at the given levels, why it cannot be, and returns false if that was no
 * error.
 */
extern bool inf_source_open(SourceColumn *source, Relation rel,
							const char *name, AttrNumber target,
							DefinitionLevel level);

/* The text of a row, its sources joined, nulls left out. */
extern void inf_source_read(const SourceColumn *sources, int nsources,
							HeapTuple tuple, TupleDesc desc, StringInfo text);

#endif							/* INFERENCE_TRIGGER_SOURCE_COLUMN_H */
