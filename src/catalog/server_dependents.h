/*
 * server_dependents.h
 *		What depends on the foreign server of a model.
 *
 * Whoever has USAGE on a server can make user mappings and foreign tables of
 * it, and views on those.
 */
#ifndef INFERENCE_CATALOG_SERVER_DEPENDENTS_H
#define INFERENCE_CATALOG_SERVER_DEPENDENTS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Descriptions (char *) such as "user mapping for app on server words", of all
 * that DROP SERVER ... CASCADE would take along and tell.
 */
extern List *inf_catalog_list_server_dependents(Oid server);

#endif							/* INFERENCE_CATALOG_SERVER_DEPENDENTS_H */
