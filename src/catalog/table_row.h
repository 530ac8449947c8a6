/*
 * table_row.h
 *		Rows of the extension's own tables, read and deleted by tuple.
 */
#ifndef INFERENCE_CATALOG_TABLE_ROW_H
#define INFERENCE_CATALOG_TABLE_ROW_H

#include "postgres.h"

#include "access/genam.h"
#include "utils/rel.h"

/*
 * Begins a scan, by an index or through all (InvalidOid), for the rows of a
 * model, or of all (model_id NULL).  key is the caller's, and must live as long
 * as the scan.  model_id is the first column of each of the tables.
 */
extern SysScanDesc inf_row_begin_scan(Relation rel, Oid index,
									  const char *model_id, ScanKey key);

/*
 * A column's value; false if it is null, or if the table has no such column
 * yet: the library may be newer than the extension's objects.
 */
extern bool inf_row_get(Relation rel, HeapTuple tuple, int column, Datum *value);

/* The same as a copied string; NULL for null. */
extern char *inf_row_text(Relation rel, HeapTuple tuple, int column);

extern void inf_row_delete_all(Oid table, Oid index, const char *model_id);

#endif							/* INFERENCE_CATALOG_TABLE_ROW_H */
