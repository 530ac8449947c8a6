/*
 * server_dependents.c
 *		What depends on the foreign server of a model.
 *
 * A walk through pg_depend, as DROP ... CASCADE makes one: what depends on an
 * object, then what depends on that.  The parts of an object (a table's row
 * type, a view's rule) are walked through and not told.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_foreign_server.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "catalog/server_dependents.h"

/* An object that was found; told: not as a part of another. */
typedef struct Dependent
{
	ObjectAddress address;		/* key of the table */
	bool		told;
} Dependent;

typedef struct Walk
{
	Relation	rel;			/* pg_depend */
	HTAB	   *seen;			/* of Dependent */
	List	   *found;			/* entries of seen, in the order of finding */
} Walk;

static SysScanDesc
begin_scan(Relation rel, bool of_dependents, const ObjectAddress *object,
		   ScanKey key)
{
	AttrNumber	classid = of_dependents ? Anum_pg_depend_refclassid : Anum_pg_depend_classid;
	AttrNumber	objid = of_dependents ? Anum_pg_depend_refobjid : Anum_pg_depend_objid;

	ScanKeyInit(&key[0], classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&key[1], objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	return systable_beginscan(rel,
							  of_dependents ? DependReferenceIndexId : DependDependerIndexId,
							  true, NULL, 2, key);
}

/* The object that this one is a part of; itself if of none. */
static ObjectAddress
whole_of(Relation rel, const ObjectAddress *part)
{
	ObjectAddress whole = *part;
	ScanKeyData key[2];
	SysScanDesc scan = begin_scan(rel, false, part, key);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->deptype == DEPENDENCY_INTERNAL)
			ObjectAddressSet(whole, depend->refclassid, depend->refobjid);
	}
	systable_endscan(scan);
	return whole;
}

static void
add_dependent(Walk *walk, const ObjectAddress *address, bool told)
{
	bool		known;
	Dependent  *dependent = hash_search(walk->seen, address, HASH_ENTER, &known);

	if (!known)
	{
		dependent->told = false;
		walk->found = lappend(walk->found, dependent);
	}
	dependent->told |= told;
}

/* Appends what depends on object directly, the wholes of parts in their place. */
static void
add_dependents_of(Walk *walk, const ObjectAddress *object)
{
	ScanKeyData key[2];
	SysScanDesc scan = begin_scan(walk->rel, true, object, key);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress dependent;
		ObjectAddress whole;

		CHECK_FOR_INTERRUPTS();

		/* A column takes along what depends on it, a table all. */
		if (object->objectSubId != 0 && depend->refobjsubid != object->objectSubId)
			continue;
		ObjectAddressSubSet(dependent, depend->classid, depend->objid,
							depend->objsubid);
		whole = depend->objsubid == 0 ? whole_of(walk->rel, &dependent) : dependent;
		add_dependent(walk, &whole, depend->deptype == DEPENDENCY_NORMAL);
		if (whole.objectId != dependent.objectId)
			add_dependent(walk, &dependent, false);
	}
	systable_endscan(scan);
}

List *
inf_catalog_list_server_dependents(Oid server)
{
	HASHCTL		control = {
		.keysize = sizeof(ObjectAddress),
		.entrysize = sizeof(Dependent),
		.hcxt = CurrentMemoryContext
	};
	Walk		walk = {0};
	ObjectAddress address;
	List	   *descriptions = NIL;
	ListCell   *lc;

	walk.rel = table_open(DependRelationId, AccessShareLock);
	walk.seen = hash_create("inference server dependents", 64, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ObjectAddressSet(address, ForeignServerRelationId, server);
	add_dependent(&walk, &address, false);

	/* The list grows while it is walked. */
	for (int i = 0; i < list_length(walk.found); i++)
	{
		Dependent  *dependent = list_nth(walk.found, i);

		add_dependents_of(&walk, &dependent->address);
	}
	table_close(walk.rel, AccessShareLock);
	foreach(lc, walk.found)
	{
		Dependent  *dependent = lfirst(lc);

		if (dependent->told)
			descriptions = lappend(descriptions,
								   getObjectDescription(&dependent->address, false));
	}
	hash_destroy(walk.seen);
	return descriptions;
}
