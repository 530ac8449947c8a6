/*
 * definition_check.c
 *		Looks at a trigger when it is created, not when its first row comes.
 *
 * What can never work is refused; what may be put right later, by a model, a
 * column or a grant that is still to come, is a warning.  A restore gets
 * warnings only: it must bring back what its database had.  It says that it is
 * one as it says it to procedural languages, by check_function_bodies = off.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "nodes/parsenodes.h"
#include "utils/memutils.h"
#include "utils/reltrigger.h"

#include "base/compat.h"
#include "base/guc.h"
#include "catalog/catalog.h"
#include "catalog/model_cache.h"
#include "catalog/model_server.h"
#include "catalog/remains.h"
#include "pipeline/infer.h"
#include "settings/setting_read.h"
#include "trigger/catalog_guard.h"
#include "trigger/embed_trigger.h"
#include "trigger/embedding_column.h"
#include "trigger/source_column.h"

PG_FUNCTION_INFO_V1(_inference_trigger_created);

static bool
check_events(const Trigger *trigger, int elevel)
{
	int16		type = trigger->tgtype;

	if (TRIGGER_FOR_ROW(type) && TRIGGER_FOR_BEFORE(type) &&
		!TRIGGER_FOR_DELETE(type) && !TRIGGER_FOR_TRUNCATE(type))
		return true;
	ereport(elevel,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("trigger \"%s\" cannot execute inference_embed_trigger()",
					trigger->tgname),
			 errdetail("The function needs a trigger BEFORE INSERT, UPDATE or both, FOR EACH ROW."),
			 errhint(INF_TRIGGER_EXAMPLE)));
	return false;
}

static bool
check_arguments(const Trigger *trigger, int elevel)
{
	if (trigger->tgnargs > INF_TRIGGER_FIRST_SOURCE)
		return true;
	ereport(elevel,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("trigger \"%s\" has too few arguments for inference_embed_trigger()",
					trigger->tgname),
			 errdetail("The arguments are a model, a target column and one or more source columns."),
			 errhint(INF_TRIGGER_EXAMPLE)));
	return false;
}

/* Whether the model is there, and its embeddings fit the column. */
static void
check_model(Relation rel, const char *model_id, EmbeddingColumn *target,
			DefinitionLevel level)
{
	const InferenceModel *model = inf_catalog_get_model(model_id);
	int			ndimensions;

	if (model == NULL)
	{
		inf_catalog_report_unknown_model(level.not_yet, model_id);
		return;
	}

	/* A dump brings its grants last. */
	if (!inf_is_restoring())
		(void) inf_catalog_may_use(model, rel->rd_rel->relowner, level.not_yet);
	if (target == NULL ||
		!inf_column_check_task(target, model->task, level.not_yet) ||
		model->task != INF_TASK_TEXT_EMBEDDING)
		return;
	ndimensions = inf_setting_dimensions(model);
	if (ndimensions > 0)
		(void) inf_column_check_dimensions(target, ndimensions, level.not_yet);
}

static void
check_trigger(Relation rel, const Trigger *trigger)
{
	DefinitionLevel level = {inf_is_restoring() ? WARNING : ERROR, WARNING};
	char	  **arguments = trigger->tgargs;
	EmbeddingColumn target;
	bool		has_target;

	if (!check_events(trigger, level.never) ||
		!check_arguments(trigger, level.never))
		return;
	has_target = inf_column_open(&target, rel, arguments[INF_TRIGGER_TARGET], level);
	for (int i = INF_TRIGGER_FIRST_SOURCE; i < trigger->tgnargs; i++)
	{
		SourceColumn source;

		(void) inf_source_open(&source, rel, arguments[i],
							   has_target ? target.attnum : InvalidAttrNumber,
							   level);
	}
	check_model(rel, arguments[INF_TRIGGER_MODEL], has_target ? &target : NULL,
				level);
}

/* The trigger that a statement has made, if it is one of ours. */
static const Trigger *
find_trigger(Relation rel, const char *name)
{
	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (strcmp(trigger->tgname, name) == 0)
			return trigger->tgfoid == inf_catalog()->trigger_function ?
				trigger : NULL;
	}
	return NULL;
}

/* Event trigger, at the end of CREATE TRIGGER. */
Datum
_inference_trigger_created(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = inf_event_trigger_data(fcinfo,
													"_inference_trigger_created");
	CreateTrigStmt *stmt = (CreateTrigStmt *) data->parsetree;
	MemoryContext context;
	const Trigger *trigger;
	Relation	rel;
	Oid			table;

	if (!IsA(stmt, CreateTrigStmt) || inf_catalog_if_installed() == NULL)
		PG_RETURN_NULL();

	/* The statement holds a lock on the table. */
	table = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (!OidIsValid(table))
		PG_RETURN_NULL();
	context = inf_call_begin();
	rel = table_open(table, AccessShareLock);
	trigger = find_trigger(rel, stmt->trigname);
	if (trigger)
		check_trigger(rel, trigger);
	table_close(rel, NoLock);
	inf_call_end(context);
	PG_RETURN_NULL();
}
