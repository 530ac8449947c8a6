/*
 * remains.h
 *		Models that are not whole.
 *
 * A model is a row of inference_model, perhaps one of inference_secret, and a
 * foreign server.  Event triggers keep them together, where they run; what
 * breaks a model all the same is DDL with event triggers off, logical
 * replication of our tables, and a dump that was restored without data.
 */
#ifndef INFERENCE_CATALOG_REMAINS_H
#define INFERENCE_CATALOG_REMAINS_H

#include "postgres.h"

#include "base/compat.h"

typedef struct ModelRemains
{
	Oid			server;			/* InvalidOid: none of our wrapper */
	bool		has_row;
	bool		has_key;
} ModelRemains;

/* What there is of an id that names no whole model; false: nothing. */
extern bool inf_catalog_find_remains(const char *model_id,
									 ModelRemains *remains);

/* Reports an unknown model at a level, with what is left of it and what to do. */
extern void inf_catalog_report_unknown_model(int elevel, const char *model_id);

pg_noreturn extern void inf_catalog_throw_unknown_model(const char *model_id);

#endif							/* INFERENCE_CATALOG_REMAINS_H */
