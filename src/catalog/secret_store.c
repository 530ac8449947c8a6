/*
 * secret_store.c
 *		Rows of inference_secret: the keys of models.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "catalog/catalog.h"
#include "catalog/model_server.h"
#include "catalog/model_store.h"
#include "catalog/secret_store.h"
#include "catalog/table_row.h"

/* Columns of inference_secret.  Those from server on came with 0.3. */
#define Anum_secret_model_id		1
#define Anum_secret_name			2
#define Anum_secret_method			3
#define Anum_secret_value			4
#define Anum_secret_bound_to		5
#define Anum_secret_server			6
#define Anum_secret_cluster			7
#define Anum_secret_set_at			8
#define Natts_secret				8

/* The one secret that models have today, and the one way it is kept. */
#define SECRET_NAME "api_key"
#define SECRET_METHOD "plain"

/*
 * ----------
 * Reading
 * ----------
 */

/*
 * Whether the key was given for this server.  pg_upgrade makes servers anew,
 * with other OIDs, in a cluster of another identifier: there the name counts,
 * until the key is given again.
 */
static bool
belongs_to(Relation rel, HeapTuple tuple, Oid server)
{
	Datum		given_for;
	Datum		cluster;

	if (!inf_row_get(rel, tuple, Anum_secret_server, &given_for) ||
		!inf_row_get(rel, tuple, Anum_secret_cluster, &cluster))
		return true;
	return DatumGetObjectId(given_for) == server ||
		(uint64) DatumGetInt64(cluster) != GetSystemIdentifier();
}

static void
take_secret(Relation rel, HeapTuple tuple, InferenceModel *model)
{
	Datum		datum = (Datum) 0;
	bytea	   *value;

	if (!inf_row_get(rel, tuple, Anum_secret_value, &datum))
		return;
	value = DatumGetByteaPCopy(datum);
	model->api_key = inf_secret_make(VARDATA_ANY(value),
									 VARSIZE_ANY_EXHDR(value));
	explicit_bzero(value, VARSIZE_ANY(value));
	model->bound_to = inf_row_text(rel, tuple, Anum_secret_bound_to);
	if (inf_row_get(rel, tuple, Anum_secret_set_at, &datum))
		model->key_set_at = DatumGetTimestampTz(datum);
}

void
inf_catalog_read_secret(InferenceModel *model)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel = table_open(cat->secret_table, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan = inf_row_begin_scan(rel, cat->secret_index,
										  model->model_id, key);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple) && belongs_to(rel, tuple, model->server))
		take_secret(rel, tuple, model);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

bool
inf_catalog_key_set_at(const char *model_id, TimestampTz *set_at)
{
	const InferenceCatalog *cat = inf_catalog();
	Oid			server = inf_catalog_find_server(model_id);
	Relation	rel;
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	Datum		datum;
	bool		found;

	if (!OidIsValid(server))
		return false;
	rel = table_open(cat->secret_table, AccessShareLock);
	scan = inf_row_begin_scan(rel, cat->secret_index, model_id, key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple) && belongs_to(rel, tuple, server) &&
		inf_row_get(rel, tuple, Anum_secret_set_at, &datum);
	if (found)
		*set_at = DatumGetTimestampTz(datum);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * ----------
 * Writing
 * ----------
 */

/*
 * As CatalogTupleInsert(), but without what logical decoding reads: else a
 * role with REPLICATION gets every key.
 */
static void
insert_undecoded(Relation rel, HeapTuple tuple)
{
	CatalogIndexState indexes = CatalogOpenIndexes(rel);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel),
													&TTSOpsHeapTuple);
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	heap_insert(rel, tuple, GetCurrentCommandId(true), HEAP_INSERT_NO_LOGICAL,
				NULL);
	ExecStoreHeapTuple(tuple, slot, false);
	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		FormIndexDatum(indexes->ri_IndexRelationInfo[i], slot, NULL, values,
					   isnull);
		index_insert(indexes->ri_IndexRelationDescs[i], values, isnull,
					 &tuple->t_self, rel, UNIQUE_CHECK_YES, false,
					 indexes->ri_IndexRelationInfo[i]);
	}
	ExecDropSingleTupleTableSlot(slot);
	CatalogCloseIndexes(indexes);
}

static void
insert_secret(const InferenceModel *model)
{
	Relation	rel;
	HeapTuple	tuple;
	Datum		values[Natts_secret];
	bool		nulls[Natts_secret] = {false};
	bytea	   *value;
	int			length = inf_secret_length(model->api_key);

	value = palloc(VARHDRSZ + length);
	SET_VARSIZE(value, VARHDRSZ + length);
	memcpy(VARDATA(value), inf_secret_reveal(model->api_key), length);

	values[Anum_secret_model_id - 1] = CStringGetTextDatum(model->model_id);
	values[Anum_secret_name - 1] = CStringGetTextDatum(SECRET_NAME);
	values[Anum_secret_method - 1] = CStringGetTextDatum(SECRET_METHOD);
	values[Anum_secret_value - 1] = PointerGetDatum(value);
	values[Anum_secret_server - 1] = ObjectIdGetDatum(model->server);
	values[Anum_secret_cluster - 1] = Int64GetDatum((int64) GetSystemIdentifier());
	values[Anum_secret_set_at - 1] = TimestampTzGetDatum(model->key_set_at);
	nulls[Anum_secret_bound_to - 1] = model->bound_to == NULL;
	if (model->bound_to)
		values[Anum_secret_bound_to - 1] = CStringGetTextDatum(model->bound_to);

	rel = table_open(inf_catalog()->secret_table, RowExclusiveLock);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	insert_undecoded(rel, tuple);
	table_close(rel, RowExclusiveLock);
	explicit_bzero(VARDATA(value), length);
	explicit_bzero(tuple->t_data, tuple->t_len);
}

void
inf_catalog_delete_secret(const char *model_id)
{
	const InferenceCatalog *cat = inf_catalog();

	inf_row_delete_all(cat->secret_table, cat->secret_index, model_id);
}

void
inf_catalog_write_secret(const InferenceModel *model)
{
	inf_catalog_delete_secret(model->model_id);
	CommandCounterIncrement();
	if (model->api_key)
		insert_secret(model);
	CommandCounterIncrement();
}

/*
 * ----------
 * From 0.2
 * ----------
 */

/* Nobody knows when the key was given: at the latest with the last change. */
static void
move_secret(Relation rel, HeapTuple tuple)
{
	InferenceModel model = {0};
	InferenceModel *stored;

	model.model_id = inf_row_text(rel, tuple, Anum_secret_model_id);
	stored = inf_catalog_read_model(model.model_id);
	if (stored == NULL)
		return;
	model.server = stored->server;
	take_secret(rel, tuple, &model);
	model.key_set_at = stored->updated_at;
	if (inf_secret_length(model.api_key) <= INF_MAX_KEY_BYTES)
		insert_secret(&model);
	else
		ereport(WARNING,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the key of inference model \"%s\" is longer than %d bytes and was not kept",
						model.model_id, INF_MAX_KEY_BYTES),
				 errhint("Set a shorter one with inference_update().")));
}

void
inf_catalog_move_secrets(Oid from)
{
	Relation	rel = table_open(from, AccessShareLock);
	SysScanDesc scan = inf_row_begin_scan(rel, InvalidOid, NULL, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		move_secret(rel, tuple);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	CommandCounterIncrement();
}
