/*
 * row_key.h
 *		How an error names the row that a trigger was at.
 */
#ifndef INFERENCE_TRIGGER_ROW_KEY_H
#define INFERENCE_TRIGGER_ROW_KEY_H

#include "postgres.h"

#include "access/htup.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "trigger/source_column.h"

/* What a statement keeps of a table's key.  Without columns: rows go unnamed. */
typedef struct RowKey
{
	int			ncolumns;
	AttrNumber *columns;		/* (ncolumns) */
	FmgrInfo   *output;			/* (ncolumns) */
	char	   *names;			/* "a, b" */
} RowKey;

/*
 * Finds the primary key, or else the replica identity.  As the server does in
 * its own messages, a key is not shown to who may not read it; nor is one that
 * holds what is embedded.
 */
extern void inf_row_key_open(RowKey *key, Relation rel,
							 const SourceColumn *sources, int nsources);

/* "(a, b)=(1, 2)", clipped; NULL if the row goes unnamed. */
extern char *inf_row_key_describe(const RowKey *key, HeapTuple tuple,
								  TupleDesc desc);

#endif							/* INFERENCE_TRIGGER_ROW_KEY_H */
