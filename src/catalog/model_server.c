/*
 * model_server.c
 *		The foreign server behind each model.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_foreign_server.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "catalog/catalog.h"
#include "catalog/model_server.h"

Oid
inf_catalog_find_server(const char *model_id)
{
	ForeignServer *server;

	if (strlen(model_id) >= NAMEDATALEN)
		return InvalidOid;
	server = GetForeignServerByName(model_id, true);
	if (server == NULL || server->fdwid != inf_catalog()->wrapper)
		return InvalidOid;
	return server->serverid;
}

bool
inf_catalog_server_exists(const char *model_id)
{
	Relation	rel = table_open(ForeignServerRelationId, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		exists;

	ScanKeyInit(&key[0], Anum_pg_foreign_server_srvname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(model_id));
	scan = systable_beginscan(rel, ForeignServerNameIndexId, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	exists = HeapTupleIsValid(tuple) &&
		((Form_pg_foreign_server) GETSTRUCT(tuple))->srvfdw == inf_catalog()->wrapper;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return exists;
}

void
inf_catalog_check_may_put(void)
{
	/* A REVOKE in another session holds for an open transaction too. */
	AcceptInvalidationMessages();
	if (object_aclcheck(ForeignDataWrapperRelationId, inf_catalog()->wrapper,
						GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to put inference models"),
				 errhint("A superuser can GRANT USAGE ON FOREIGN DATA WRAPPER %s TO %s.",
						 INF_EXTENSION_NAME,
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

bool
inf_catalog_may_use(const InferenceModel *model, Oid role, int elevel)
{
	if (object_aclcheck(ForeignServerRelationId, model->server, role,
						ACL_USAGE) == ACLCHECK_OK)
		return true;
	ereport(elevel,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for inference model \"%s\"",
					model->model_id),
			 errhint("Its owner can GRANT USAGE ON FOREIGN SERVER %s TO %s.",
					 quote_identifier(model->model_id),
					 quote_identifier(GetUserNameFromId(role, false)))));
	return false;
}

void
inf_catalog_check_may_use(const InferenceModel *model, Oid role)
{
	(void) inf_catalog_may_use(model, role, ERROR);
}

void
inf_catalog_check_owner(const char *model_id, Oid server)
{
	if (!object_ownercheck(ForeignServerRelationId, server, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of inference model \"%s\"", model_id)));
}

/*
 * Before its server exists there is no object to lock but the id of a model; two
 * ids of one hash merely wait for each other.
 */
static Oid
lock_of_id(const char *model_id)
{
	return (Oid) hash_bytes((const unsigned char *) model_id, strlen(model_id));
}

void
inf_catalog_lock_id(const char *model_id)
{
	Oid			server;

	LockDatabaseObject(inf_catalog()->model_table, lock_of_id(model_id), 0,
					   AccessExclusiveLock);

	/* DROP SERVER and ALTER SERVER by hand lock the server itself. */
	server = inf_catalog_find_server(model_id);
	if (OidIsValid(server))
		LockDatabaseObject(ForeignServerRelationId, server, 0,
						   AccessExclusiveLock);
}

/* ConditionalLockDatabaseObject() is not in every minor release. */
static bool
try_lock(Oid classid, Oid objid, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, classid, objid, 0);
	return LockAcquire(&tag, mode, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

bool
inf_catalog_try_lock_id(const char *model_id, Oid server)
{
	if (!try_lock(inf_catalog()->model_table, lock_of_id(model_id),
				  AccessExclusiveLock) ||
		!try_lock(ForeignServerRelationId, server, AccessShareLock))
		return false;
	AcceptInvalidationMessages();
	return true;
}

static void
touch_server(Oid server_oid)
{
	AlterForeignServerStmt *stmt = makeNode(AlterForeignServerStmt);
	ForeignServer *server = GetForeignServer(server_oid);
	int64		version = server->serverversion ?
		strtoll(server->serverversion, NULL, 10) : 0;

	stmt->servername = server->servername;
	stmt->has_version = true;
	stmt->version = psprintf(INT64_FORMAT, version + 1);
	(void) AlterForeignServer(stmt);
	CommandCounterIncrement();
}

/* A server that is in the way: of another wrapper, or of another owner. */
static void
throw_server_exists(const char *model_id, const ForeignServer *server)
{
	bool		is_ours = server->fdwid == inf_catalog()->wrapper;

	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("cannot put inference model \"%s\": a foreign server of this name exists",
					model_id),
			 is_ours ?
			 errdetail("It no longer has a model, and belongs to role \"%s\".",
					   GetUserNameFromId(server->owner, false)) :
			 errdetail("Each model is also a foreign server of the same name."),
			 is_ours ?
			 errhint("Its owner can put the model again, or drop the server. Or choose another id.") :
			 errhint("Choose another id, or drop the server.")));
}

Oid
inf_catalog_create_server(const char *model_id)
{
	CreateForeignServerStmt *stmt = makeNode(CreateForeignServerStmt);
	ForeignServer *server = GetForeignServerByName(model_id, true);
	ObjectAddress address;

	if (server)
	{
		if (server->fdwid != inf_catalog()->wrapper ||
			!object_ownercheck(ForeignServerRelationId, server->serverid, GetUserId()))
			throw_server_exists(model_id, server);
		touch_server(server->serverid);
		ereport(NOTICE,
				(errmsg("inference model \"%s\" takes over the foreign server of this name, with its privileges",
						model_id)));
		return server->serverid;
	}
	stmt->servername = pstrdup(model_id);
	stmt->fdwname = pstrdup(INF_EXTENSION_NAME);
	stmt->version = pstrdup("1");
	address = CreateForeignServer(stmt);
	CommandCounterIncrement();
	return address.objectId;
}

void
inf_catalog_touch_server(const InferenceModel *model)
{
	touch_server(model->server);
}

void
inf_catalog_drop_server(Oid server, bool cascade)
{
	ObjectAddress address;

	ObjectAddressSet(address, ForeignServerRelationId, server);
	performDeletion(&address, cascade ? DROP_CASCADE : DROP_RESTRICT, 0);
	CommandCounterIncrement();
}
