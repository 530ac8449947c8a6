/*
 * catalog.c
 *		Finds the extension's objects through pg_extension and remembers them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "catalog/catalog.h"

static InferenceCatalog catalog;
static bool catalog_valid = false;

/*
 * The wrapper comes and goes with the extension, so its invalidation says
 * that everything else may have moved too.
 */
static void
forget_catalog(Datum arg, int cacheid, uint32 hashvalue)
{
	catalog_valid = false;
}

void
inf_catalog_check_may_execute(Oid function)
{
	AclResult	result = object_aclcheck(ProcedureRelationId, function,
										 GetUserId(), ACL_EXECUTE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION, get_func_name(function));
	InvokeFunctionExecuteHook(function);
}

void
inf_catalog_init(void)
{
	CacheRegisterSyscacheCallback(FOREIGNDATAWRAPPEROID, forget_catalog,
								  (Datum) 0);
}

static Oid
extension_schema(Oid extension)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			schema = InvalidOid;

	ScanKeyInit(&key[0], Anum_pg_extension_oid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(extension));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return schema;
}

static Oid
find_table(Oid schema, const char *name, Oid *primary_key)
{
	Oid			table = get_relname_relid(name, schema);
	Relation	rel;

	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of extension \"%s\" does not exist",
						name, INF_EXTENSION_NAME),
				 errhint("Drop the extension and create it again.")));
	rel = table_open(table, AccessShareLock);
	(void) RelationGetIndexList(rel);
	*primary_key = rel->rd_pkindex;
	table_close(rel, AccessShareLock);
	return table;
}

static Oid
find_trigger_function(Oid schema)
{
	oidvector  *no_arguments = buildoidvector(NULL, 0);

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("inference_embed_trigger"),
						   PointerGetDatum(no_arguments),
						   ObjectIdGetDatum(schema));
}

const InferenceCatalog *
inf_catalog_if_installed(void)
{
	Oid			extension;

	if (catalog_valid)
		return &catalog;
	extension = get_extension_oid(INF_EXTENSION_NAME, true);
	if (!OidIsValid(extension))
		return NULL;

	/* Set first: an invalidation that comes while we look must not be lost. */
	catalog_valid = true;
	PG_TRY();
	{
		catalog.schema = extension_schema(extension);

		/* A superuser can take it from the extension and drop it. */
		catalog.wrapper = get_foreign_data_wrapper_oid(INF_EXTENSION_NAME, true);
		catalog.model_table = find_table(catalog.schema, "inference_model",
										 &catalog.model_index);
		catalog.secret_table = find_table(catalog.schema, "inference_secret",
										  &catalog.secret_index);
		catalog.trigger_function = find_trigger_function(catalog.schema);
	}
	PG_CATCH();
	{
		catalog_valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	return &catalog;
}

const InferenceCatalog *
inf_catalog(void)
{
	const InferenceCatalog *found = inf_catalog_if_installed();

	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" is not installed in this database",
						INF_EXTENSION_NAME),
				 errhint("Use CREATE EXTENSION %s.", INF_EXTENSION_NAME)));
	return found;
}
