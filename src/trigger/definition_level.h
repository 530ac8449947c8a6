/*
 * definition_level.h
 *		How loudly faults in the definition of a trigger are reported.
 *
 * A trigger that fires throws for either.  One that is created may come before
 * what it names, and one that is restored was good enough for its database.
 */
#ifndef INFERENCE_TRIGGER_DEFINITION_LEVEL_H
#define INFERENCE_TRIGGER_DEFINITION_LEVEL_H

#include "postgres.h"

typedef struct DefinitionLevel
{
	int			never;			/* for what cannot become right */
	int			not_yet;		/* for what can: a model, a column, a type */
} DefinitionLevel;

#define INF_DEFINITION_FIRED ((DefinitionLevel) {ERROR, ERROR})

/* Ends a report that is only a warning.  Among arguments of ereport(). */
#define inf_definition_outlook(elevel) \
	((elevel) < ERROR ? \
	 errdetail("The trigger will fail until this is fixed.") : 0)

#endif							/* INFERENCE_TRIGGER_DEFINITION_LEVEL_H */
