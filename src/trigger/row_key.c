/*
 * row_key.c
 *		How an error names the row that a trigger was at.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "base/text_encoding.h"
#include "trigger/row_key.h"

/* The index of the primary key, or of the replica identity. */
static Oid
find_key_index(Relation rel)
{
	list_free(RelationGetIndexList(rel));
	return OidIsValid(rel->rd_pkindex) ? rel->rd_pkindex : rel->rd_replidindex;
}

/* Columns under row-level security are shown to nobody. */
static bool
may_read(Relation rel, AttrNumber column)
{
	Oid			table = RelationGetRelid(rel);

	if (check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		return false;
	return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(table, column, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static bool
is_source(AttrNumber column, const SourceColumn *sources, int nsources)
{
	for (int i = 0; i < nsources; i++)
		if (sources[i].attnum == column)
			return true;
	return false;
}

/* Adds a column; false if it must not be shown, or has no value yet. */
static bool
add_column(RowKey *key, Relation rel, AttrNumber column, StringInfo names)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), column - 1);
	Oid			function;
	bool		isvarlena;

	if (attribute->attgenerated || !may_read(rel, column))
		return false;
	getTypeOutputInfo(attribute->atttypid, &function, &isvarlena);
	fmgr_info_cxt(function, &key->output[key->ncolumns], CurrentMemoryContext);
	key->columns[key->ncolumns] = column;
	appendStringInfo(names, "%s%s", key->ncolumns ? ", " : "",
					 NameStr(attribute->attname));
	key->ncolumns++;
	return true;
}

void
inf_row_key_open(RowKey *key, Relation rel, const SourceColumn *sources,
				 int nsources)
{
	Oid			index_oid = find_key_index(rel);
	Relation	index;
	StringInfoData names;
	int			n;
	bool		is_shown = true;

	memset(key, 0, sizeof(*key));
	if (!OidIsValid(index_oid))
		return;
	index = index_open(index_oid, AccessShareLock);
	n = index->rd_index->indnkeyatts;
	key->columns = palloc(sizeof(AttrNumber) * n);
	key->output = palloc(sizeof(FmgrInfo) * n);
	initStringInfo(&names);
	for (int i = 0; i < n && is_shown; i++)
	{
		AttrNumber	column = index->rd_index->indkey.values[i];

		is_shown = !is_source(column, sources, nsources) &&
			add_column(key, rel, column, &names);
	}
	if (!is_shown)
		key->ncolumns = 0;
	key->names = names.data;
	index_close(index, AccessShareLock);
}

char *
inf_row_key_describe(const RowKey *key, HeapTuple tuple, TupleDesc desc)
{
	StringInfoData values;

	if (key->ncolumns == 0)
		return NULL;
	initStringInfo(&values);
	for (int i = 0; i < key->ncolumns; i++)
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, key->columns[i], desc, &isnull);

		appendStringInfo(&values, "%s%s", i ? ", " : "",
						 isnull ? "null" : OutputFunctionCall(&key->output[i], value));
	}
	return psprintf("(%s)=(%s)", key->names, inf_text_clip(values.data));
}
