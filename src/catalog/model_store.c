/*
 * model_store.c
 *		Rows of inference_model and inference_secret.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "catalog/catalog.h"
#include "catalog/model_server.h"
#include "catalog/model_store.h"

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

/* Columns of inference_secret. */
#define Anum_secret_model_id		1
#define Anum_secret_name			2
#define Anum_secret_method			3
#define Anum_secret_value			4
#define Anum_secret_bound_to		5
#define Natts_secret				5

/* The one secret that models have today, and the one way it is kept. */
#define SECRET_NAME "api_key"
#define SECRET_METHOD "plain"

/*
 * ----------
 * Scans
 * ----------
 */

static SysScanDesc
begin_scan(Relation rel, Oid index, const char *model_id, ScanKey key)
{
	/* model_id is the first column of both tables. */
	if (model_id)
		ScanKeyInit(key, 1, BTEqualStrategyNumber, F_TEXTEQ,
					CStringGetTextDatum(model_id));
	return systable_beginscan(rel, index, true, NULL, model_id ? 1 : 0, key);
}

static Datum
get_column(Relation rel, HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(rel),
									 &isnull);

	return isnull ? (Datum) 0 : value;
}

static char *
get_text(Relation rel, HeapTuple tuple, int column)
{
	Datum		value = get_column(rel, tuple, column);

	return DatumGetPointer(value) ? TextDatumGetCString(value) : NULL;
}

/* Copied: the tuple lies in a shared buffer. */
static Jsonb *
get_jsonb(Relation rel, HeapTuple tuple, int column)
{
	return DatumGetJsonbPCopy(get_column(rel, tuple, column));
}

/* NULL if the row's task type is none that we know. */
static InferenceModel *
read_model_row(Relation rel, HeapTuple tuple)
{
	InferenceModel *model = palloc0(sizeof(InferenceModel));

	if (!inf_task_parse(get_text(rel, tuple, Anum_model_task_type),
						&model->task))
		return NULL;
	model->model_id = get_text(rel, tuple, Anum_model_id);
	model->service = get_text(rel, tuple, Anum_model_service);
	model->service_settings = get_jsonb(rel, tuple, Anum_model_service_settings);
	model->task_settings = get_jsonb(rel, tuple, Anum_model_task_settings);
	model->discovered = get_jsonb(rel, tuple, Anum_model_discovered);
	model->updated_at = DatumGetTimestampTz(get_column(rel, tuple,
													   Anum_model_updated_at));
	model->server = inf_catalog_find_server(model->model_id);
	return OidIsValid(model->server) ? model : NULL;
}

static void
read_secret(InferenceModel *model)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel = table_open(cat->secret_table, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan = begin_scan(rel, cat->secret_index, model->model_id, key);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
	{
		bytea	   *value = DatumGetByteaPCopy(get_column(rel, tuple,
														  Anum_secret_value));

		model->api_key = inf_secret_make(VARDATA_ANY(value),
										 VARSIZE_ANY_EXHDR(value));
		explicit_bzero(value, VARSIZE_ANY(value));
		model->bound_to = get_text(rel, tuple, Anum_secret_bound_to);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

InferenceModel *
inf_catalog_read_model(const char *model_id)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel = table_open(cat->model_table, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan = begin_scan(rel, cat->model_index, model_id, key);
	HeapTuple	tuple = systable_getnext(scan);
	InferenceModel *model = NULL;

	if (HeapTupleIsValid(tuple))
		model = read_model_row(rel, tuple);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (model)
		read_secret(model);
	return model;
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

	scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan,
															 ForwardScanDirection)))
	{
		InferenceModel *model = read_model_row(rel, tuple);

		if (model)
			models = lappend(models, model);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return models;
}

bool
inf_catalog_has_row(const char *model_id)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel = table_open(cat->model_table, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan = begin_scan(rel, cat->model_index, model_id, key);
	bool		found = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * ----------
 * Writing
 * ----------
 */

static void
insert_secret(const InferenceModel *model)
{
	Relation	rel;
	Datum		values[Natts_secret];
	bool		nulls[Natts_secret] = {false};
	bytea	   *value;
	int			length;

	if (model->api_key == NULL)
		return;
	length = inf_secret_length(model->api_key);
	value = palloc(VARHDRSZ + length);
	SET_VARSIZE(value, VARHDRSZ + length);
	memcpy(VARDATA(value), inf_secret_reveal(model->api_key), length);

	values[Anum_secret_model_id - 1] = CStringGetTextDatum(model->model_id);
	values[Anum_secret_name - 1] = CStringGetTextDatum(SECRET_NAME);
	values[Anum_secret_method - 1] = CStringGetTextDatum(SECRET_METHOD);
	values[Anum_secret_value - 1] = PointerGetDatum(value);
	nulls[Anum_secret_bound_to - 1] = model->bound_to == NULL;
	if (model->bound_to)
		values[Anum_secret_bound_to - 1] = CStringGetTextDatum(model->bound_to);

	rel = table_open(inf_catalog()->secret_table, RowExclusiveLock);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, RowExclusiveLock);
	explicit_bzero(VARDATA(value), length);
}

static void
delete_rows(Oid table, Oid index, const char *model_id)
{
	Relation	rel = table_open(table, RowExclusiveLock);
	ScanKeyData key[1];
	SysScanDesc scan = begin_scan(rel, index, model_id, key);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		CatalogTupleDelete(rel, &tuple->t_self);
	systable_endscan(scan);
	table_close(rel, RowExclusiveLock);
}

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
	insert_secret(model);
	CommandCounterIncrement();
}

void
inf_catalog_update_model(const InferenceModel *model)
{
	const InferenceCatalog *cat = inf_catalog();
	Relation	rel = table_open(cat->model_table, RowExclusiveLock);
	ScanKeyData key[1];
	SysScanDesc scan = begin_scan(rel, cat->model_index, model->model_id, key);
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
	values[Anum_model_updated_at - 1] =
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	replace[Anum_model_service_settings - 1] = true;
	replace[Anum_model_task_settings - 1] = true;
	replace[Anum_model_updated_at - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls,
							  replace);
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	systable_endscan(scan);
	table_close(rel, RowExclusiveLock);

	delete_rows(cat->secret_table, cat->secret_index, model->model_id);
	CommandCounterIncrement();
	insert_secret(model);
	CommandCounterIncrement();
}

void
inf_catalog_delete_model(const char *model_id)
{
	const InferenceCatalog *cat = inf_catalog();

	delete_rows(cat->model_table, cat->model_index, model_id);
	delete_rows(cat->secret_table, cat->secret_index, model_id);
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
	scan = begin_scan(rel, cat->model_index, NULL, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		char	   *model_id = get_text(rel, tuple, Anum_model_id);

		if (!inf_catalog_server_exists(model_id))
			gone = lappend(gone, model_id);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(lc, gone)
		inf_catalog_delete_model(lfirst(lc));
}
