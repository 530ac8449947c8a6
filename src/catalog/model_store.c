/*
 * model_store.c
 *		Rows of inference_model.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/limits.h"
#include "base/text_encoding.h"
#include "catalog/catalog.h"
#include "catalog/model_server.h"
#include "catalog/model_store.h"
#include "catalog/secret_store.h"
#include "catalog/table_row.h"

/* Columns of inference_model. */
#define Anum_model_id				1
#define Anum_model_task_type		2
#define Anum_model_service			3
#define Anum_model_service_settings	4
#define Anum_model_task_settings	5
#define Anum_model_discovered		6
#define Anum_model_created_at		7
#define Anum_model_updated_at		8
#define Natts_model					8

/*
 * ----------
 * Reading
 * ----------
 */

/*
 * Settings of a row, copied: the tuple lies in a shared buffer.  Where they are
 * larger than inference_put() takes, which a restored row can be, they are left
 * where they are, so that one row does no harm to a list of all.
 */
static Jsonb *
get_settings(InferenceModel *model, Relation rel, HeapTuple tuple, int column)
{
	Datum		value;

	/* None of the columns takes nulls. */
	if (!inf_row_get(rel, tuple, column, &value))
		return NULL;
	if (toast_raw_datum_size(value) <= INF_MAX_SETTINGS_BYTES)
		return DatumGetJsonbPCopy(value);
	model->is_oversized = true;
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
}

static char *
get_service(Relation rel, HeapTuple tuple)
{
	Datum		value;

	return inf_row_get(rel, tuple, Anum_model_service, &value) ?
		inf_text_name(value) : NULL;
}

/* NULL if the row's task type is none that we know. */
static InferenceModel *
read_model_row(Relation rel, HeapTuple tuple)
{
	InferenceModel *model = palloc0(sizeof(InferenceModel));
	Datum		updated_at;

	if (!inf_task_parse(inf_row_text(rel, tuple, Anum_model_task_type),
						&model->task))
		return NULL;
	model->model_id = inf_row_text(rel, tuple, Anum_model_id);
	model->service = get_service(rel, tuple);
	model->service_settings = get_settings(model, rel, tuple,
										   Anum_model_service_settings);
	model->task_settings = get_settings(model, rel, tuple,
										Anum_model_task_settings);
	model->discovered = get_settings(model, rel, tuple, Anum_model_discovered);
	if (inf_row_get(rel, tuple, Anum_model_updated_at, &updated_at))
		model->updated_at = DatumGetTimestampTz(updated_at);
	model->server = inf_catalog_find_server(model->model_id);
	return OidIsValid(model->server) ? model : NULL;
}

InferenceModel *
inf_catalog_read_model(const char *model_id)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel = table_open(cat->model_table, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan = inf_row_begin_scan(rel, cat->model_index, model_id, key);
	HeapTuple	tuple = systable_getnext(scan);
	InferenceModel *model = NULL;

	if (HeapTupleIsValid(tuple))
		model = read_model_row(rel, tuple);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (model)
		inf_catalog_read_secret(model);
	return model;
}

static Size
size_of(const InferenceModel *model)
{
	return VARSIZE(model->service_settings) + VARSIZE(model->task_settings);
}

List *
inf_catalog_list_models(void)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel = table_open(cat->model_table, AccessShareLock);
	Relation	index = index_open(cat->model_index, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *models = NIL;
	Size		bytes = 0;

	scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan,
															 ForwardScanDirection)))
	{
		InferenceModel *model = read_model_row(rel, tuple);

		CHECK_FOR_INTERRUPTS();
		if (model == NULL)
			continue;
		models = lappend(models, model);
		bytes += size_of(model);
		if (bytes > INF_MAX_LIST_BYTES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("settings of all inference models are too large for one answer"),
					 errdetail("They have more than %d bytes.", INF_MAX_LIST_BYTES),
					 errhint("The view inference_models gives a row for each model.")));
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return models;
}

static bool
has_row(Oid table, Oid index, const char *model_id)
{
	Relation	rel = table_open(table, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan = inf_row_begin_scan(rel, index, model_id, key);
	bool		found = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

bool
inf_catalog_has_row(const char *model_id)
{
	const InferenceCatalog *cat = inf_catalog();

	return has_row(cat->model_table, cat->model_index, model_id);
}

bool
inf_catalog_has_key(const char *model_id)
{
	const InferenceCatalog *cat = inf_catalog();

	return has_row(cat->secret_table, cat->secret_index, model_id);
}

/*
 * ----------
 * Writing
 * ----------
 */

void
inf_catalog_insert_model(const InferenceModel *model)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel;
	Datum		values[Natts_model];
	bool		nulls[Natts_model] = {false};
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	/* Rows that a server dropped with event triggers off left behind. */
	inf_catalog_delete_model(model->model_id);

	values[Anum_model_id - 1] = CStringGetTextDatum(model->model_id);
	values[Anum_model_task_type - 1] =
		CStringGetTextDatum(inf_task_name(model->task));
	values[Anum_model_service - 1] = CStringGetTextDatum(model->service);
	values[Anum_model_service_settings - 1] =
		JsonbPGetDatum(model->service_settings);
	values[Anum_model_task_settings - 1] = JsonbPGetDatum(model->task_settings);
	values[Anum_model_discovered - 1] = JsonbPGetDatum(model->discovered);
	values[Anum_model_created_at - 1] = TimestampTzGetDatum(now);
	values[Anum_model_updated_at - 1] = TimestampTzGetDatum(now);

	rel = table_open(cat->model_table, RowExclusiveLock);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, RowExclusiveLock);
	inf_catalog_write_secret(model);
}

void
inf_catalog_update_model(const InferenceModel *model, bool new_key)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel = table_open(cat->model_table, RowExclusiveLock);
	ScanKeyData key[1];
	SysScanDesc scan = inf_row_begin_scan(rel, cat->model_index, model->model_id, key);
	HeapTuple	tuple = systable_getnext(scan);
	Datum		values[Natts_model] = {0};
	bool		nulls[Natts_model] = {false};
	bool		replace[Natts_model] = {false};

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "could not find row of inference model \"%s\"",
			 model->model_id);
	values[Anum_model_service_settings - 1] =
		JsonbPGetDatum(model->service_settings);
	values[Anum_model_task_settings - 1] = JsonbPGetDatum(model->task_settings);
	values[Anum_model_discovered - 1] = JsonbPGetDatum(model->discovered);
	values[Anum_model_updated_at - 1] =
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	replace[Anum_model_service_settings - 1] = true;
	replace[Anum_model_task_settings - 1] = true;
	replace[Anum_model_discovered - 1] = true;
	replace[Anum_model_updated_at - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls,
							  replace);
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	systable_endscan(scan);
	table_close(rel, RowExclusiveLock);

	if (new_key)
		inf_catalog_write_secret(model);
	CommandCounterIncrement();
}

/*
 * The row of a model, if it is as of updated_at, as a scan finds it; sets what
 * was discovered.
 */
static HeapTuple
next_version(Relation rel, SysScanDesc scan, Oid server, TimestampTz updated_at,
			 Jsonb **discovered)
{
	HeapTuple	tuple = systable_getnext(scan);
	InferenceModel *model;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	model = read_model_row(rel, tuple);
	if (model == NULL || model->server != server ||
		model->updated_at != updated_at)
		return NULL;
	*discovered = model->discovered;
	return tuple;
}

Jsonb *
inf_catalog_read_discovered(const char *model_id, Oid server,
							TimestampTz updated_at)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel = table_open(cat->model_table, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan = inf_row_begin_scan(rel, cat->model_index, model_id, key);
	Jsonb	   *discovered = NULL;

	(void) next_version(rel, scan, server, updated_at, &discovered);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return discovered;
}

DiscoveryOutcome
inf_catalog_store_discovered(const char *model_id, Oid server,
							 TimestampTz updated_at, Jsonb *discovered,
							 Jsonb **stored)
{
	const InferenceCatalog *cat = inf_catalog_if_installed();
	DiscoveryOutcome outcome = DISCOVERY_GONE;
	Relation	rel;
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;

	if (cat == NULL)
		return DISCOVERY_GONE;
	if (!ConditionalLockRelationOid(cat->model_table, RowExclusiveLock) ||
		!inf_catalog_try_lock_id(model_id, server))
		return DISCOVERY_BUSY;
	rel = table_open(cat->model_table, NoLock);
	scan = inf_row_begin_scan(rel, cat->model_index, model_id, key);
	tuple = next_version(rel, scan, server, updated_at, stored);
	if (HeapTupleIsValid(tuple) && JB_ROOT_COUNT(*stored) > 0)
		outcome = DISCOVERY_KNOWN;
	else if (HeapTupleIsValid(tuple))
	{
		int			column = Anum_model_discovered;
		Datum		value = JsonbPGetDatum(discovered);
		bool		isnull = false;

		tuple = heap_modify_tuple_by_cols(tuple, RelationGetDescr(rel), 1,
										  &column, &value, &isnull);
		CatalogTupleUpdate(rel, &tuple->t_self, tuple);
		outcome = DISCOVERY_WRITTEN;
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	return outcome;
}

void
inf_catalog_delete_model(const char *model_id)
{
	const InferenceCatalog *cat = inf_catalog();

	inf_row_delete_all(cat->model_table, cat->model_index, model_id);
	inf_catalog_delete_secret(model_id);
	CommandCounterIncrement();
}

void
inf_catalog_forget_serverless_models(void)
{
	const InferenceCatalog *cat = inf_catalog_if_installed();
	Relation	rel;
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *gone = NIL;
	ListCell   *lc;

	if (cat == NULL)
		return;
	rel = table_open(cat->model_table, AccessShareLock);
	scan = inf_row_begin_scan(rel, cat->model_index, NULL, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		char	   *model_id = inf_row_text(rel, tuple, Anum_model_id);

		if (!inf_catalog_server_exists(model_id))
			gone = lappend(gone, model_id);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(lc, gone)
		inf_catalog_delete_model(lfirst(lc));
}
