/*
 * table_row.c
 *		Rows of the extension's own tables, read and deleted by tuple.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "base/compat.h"
#include "catalog/table_row.h"

SysScanDesc
inf_row_begin_scan(Relation rel, Oid index, const char *model_id, ScanKey key)
{
	if (model_id)
		ScanKeyInit(key, 1, BTEqualStrategyNumber, F_TEXTEQ,
					CStringGetTextDatum(model_id));
	return systable_beginscan(rel, index, OidIsValid(index), NULL,
							  model_id ? 1 : 0, key);
}

bool
inf_row_get(Relation rel, HeapTuple tuple, int column, Datum *value)
{
	bool		isnull;

	if (column > RelationGetNumberOfAttributes(rel))
		return false;
	*value = heap_getattr(tuple, column, RelationGetDescr(rel), &isnull);
	return !isnull;
}

char *
inf_row_text(Relation rel, HeapTuple tuple, int column)
{
	Datum		value;

	return inf_row_get(rel, tuple, column, &value) ?
		TextDatumGetCString(value) : NULL;
}

void
inf_row_delete_all(Oid table, Oid index, const char *model_id)
{
	Relation	rel = table_open(table, RowExclusiveLock);
	ScanKeyData key[1];
	SysScanDesc scan = inf_row_begin_scan(rel, index, model_id, key);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		CatalogTupleDelete(rel, &tuple->t_self);
	systable_endscan(scan);
	table_close(rel, RowExclusiveLock);
}
