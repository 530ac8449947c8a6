/*
 * dependents.c
 *		Finds what names a model: triggers and stored expressions.
 *
 * PostgreSQL records that a trigger depends on its function, not what the
 * function's arguments mean, so pg_trigger is read through.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_trigger.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "catalog/catalog.h"
#include "catalog/dependents.h"
#include "catalog/stored_calls.h"

/* The first argument of the trigger, or NULL. */
static char *
first_argument(Relation rel, HeapTuple tuple)
{
	bool		isnull;
	Datum		arguments = heap_getattr(tuple, Anum_pg_trigger_tgargs,
										 RelationGetDescr(rel), &isnull);

	if (isnull || ((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs == 0)
		return NULL;

	/* Arguments are C strings, one after the other. */
	return VARDATA(DatumGetByteaPCopy(arguments));
}

static List *
list_triggers(const char *model_id)
{
	Oid			function = inf_catalog()->trigger_function;
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *dependents = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
		ObjectAddress address;
		char	   *argument;

		if (trigger->tgfoid != function)
			continue;
		argument = first_argument(rel, tuple);
		if (argument == NULL || strcmp(argument, model_id) != 0)
			continue;
		ObjectAddressSet(address, TriggerRelationId, trigger->oid);
		dependents = lappend(dependents, getObjectDescription(&address, false));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return dependents;
}

List *
inf_catalog_list_dependents(const char *model_id)
{
	return list_concat(list_triggers(model_id),
					   inf_catalog_list_stored_calls(model_id));
}
