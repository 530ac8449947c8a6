/*
 * embed_trigger.c
 *		The row trigger that embeds a row's text into one of its columns.
 *
 * The table's owner decided which model its rows are embedded with, so it is
 * the owner who needs the right to use the model, not whoever inserts.
 *
 * Errors name the trigger, its table and the row in their CONTEXT, also those
 * that the service causes; they never quote the text.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/text_encoding.h"
#include "pipeline/infer.h"
#include "trigger/embed_trigger.h"
#include "trigger/embedding_column.h"
#include "trigger/row_key.h"
#include "trigger/source_column.h"

PG_FUNCTION_INFO_V1(inference_embed_trigger);

/* What a statement keeps of a trigger from row to row. */
typedef struct EmbedTrigger
{
	EmbeddingColumn target;
	bool		target_checked; /* against the task of the model */
	int			nsources;
	SourceColumn *sources;		/* (nsources) */
	RowKey		key;
} EmbedTrigger;

/* What an error says of where it happened. */
typedef struct TriggerPlace
{
	const char *trigger;
	const char *table;
	const char *key;			/* NULL: not known yet, or not to be shown */
} TriggerPlace;

/*
 * ----------
 * Setting up
 * ----------
 */

static void
throw_protocol(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("inference_embed_trigger: %s", message),
			 errhint(INF_TRIGGER_EXAMPLE)));
}

static void
check_protocol(const TriggerData *data)
{
	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!TRIGGER_FIRED_BEFORE(data->tg_event))
		throw_protocol("must be fired before, for each row");
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event) &&
		!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		throw_protocol("must be fired by insert or update");
	if (data->tg_trigger->tgnargs <= INF_TRIGGER_FIRST_SOURCE)
		throw_protocol("needs a model, a target column and one or more source columns");
}

static void
add_context(void *arg)
{
	const TriggerPlace *place = arg;

	if (place->key)
		errcontext("trigger \"%s\" on table \"%s\", row with key %s",
				   place->trigger, place->table, place->key);
	else
		errcontext("trigger \"%s\" on table \"%s\"",
				   place->trigger, place->table);
}

static EmbedTrigger *
open_trigger(FunctionCallInfo fcinfo, const TriggerData *data)
{
	EmbedTrigger *trigger = fcinfo->flinfo->fn_extra;
	char	  **arguments = data->tg_trigger->tgargs;
	MemoryContext caller;

	if (trigger)
		return trigger;
	caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	trigger = palloc0(sizeof(EmbedTrigger));
	(void) inf_column_open(&trigger->target, data->tg_relation,
						   arguments[INF_TRIGGER_TARGET], INF_DEFINITION_FIRED);
	trigger->nsources = data->tg_trigger->tgnargs - INF_TRIGGER_FIRST_SOURCE;
	trigger->sources = palloc(sizeof(SourceColumn) * trigger->nsources);
	for (int i = 0; i < trigger->nsources; i++)
		(void) inf_source_open(&trigger->sources[i], data->tg_relation,
							   arguments[INF_TRIGGER_FIRST_SOURCE + i],
							   trigger->target.attnum, INF_DEFINITION_FIRED);
	inf_row_key_open(&trigger->key, data->tg_relation, trigger->sources,
					 trigger->nsources);
	MemoryContextSwitchTo(caller);
	fcinfo->flinfo->fn_extra = trigger;
	return trigger;
}

/*
 * ----------
 * Rows
 * ----------
 */

/*
 * Whether the statement itself gave the embedding: not null in an INSERT,
 * another one than before in an UPDATE.
 */
static bool
target_was_given(const EmbedTrigger *trigger, const TriggerData *data,
				 TupleDesc desc)
{
	AttrNumber	attnum = trigger->target.attnum;
	bool		old_isnull;
	bool		new_isnull;
	Datum		old_value;
	Datum		new_value;
	int16		length;
	bool		by_value;

	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		return !heap_attisnull(data->tg_trigtuple, attnum, desc);
	new_value = heap_getattr(data->tg_newtuple, attnum, desc, &new_isnull);
	old_value = heap_getattr(data->tg_trigtuple, attnum, desc, &old_isnull);
	if (new_isnull)
		return false;
	if (old_isnull)
		return true;
	get_typlenbyval(trigger->target.base_type, &length, &by_value);
	return !datum_image_eq(old_value, new_value, by_value, length);
}

/* Whether an UPDATE left the text as it was; sets text to the new one. */
static bool
text_is_unchanged(const EmbedTrigger *trigger, const TriggerData *data,
				  TupleDesc desc, StringInfo text)
{
	StringInfoData before;

	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
	{
		inf_source_read(trigger->sources, trigger->nsources,
						data->tg_trigtuple, desc, text);
		return false;
	}
	inf_source_read(trigger->sources, trigger->nsources, data->tg_newtuple,
					desc, text);
	inf_source_read(trigger->sources, trigger->nsources, data->tg_trigtuple,
					desc, &before);
	return text->len == before.len && memcmp(text->data, before.data, text->len) == 0;
}

static HeapTuple
embed_row(EmbedTrigger *trigger, const TriggerData *data, HeapTuple row,
		  TupleDesc desc, const StringInfo text, MemoryContext result_context)
{
	const InferenceModel *model;
	InferenceInput input;
	Datum		value = (Datum) 0;
	bool		isnull;
	int			attnum = trigger->target.attnum;

	model = inf_infer_open_model(data->tg_trigger->tgargs[INF_TRIGGER_MODEL], 0,
								 data->tg_relation->rd_rel->relowner);
	if (!trigger->target_checked)
		(void) inf_column_check_task(&trigger->target, model->task, ERROR);
	trigger->target_checked = true;
	inf_infer_make_input(&input, text->data, text->len, 0);
	isnull = inf_text_is_blank(input.text, input.length);
	if (isnull)
		inf_column_check_null(&trigger->target);
	else
		value = inf_column_value(&trigger->target,
								 inf_infer_embed(model, NULL, &input, 1));
	MemoryContextSwitchTo(result_context);
	return heap_modify_tuple_by_cols(row, desc, 1, &attnum, &value, &isnull);
}

Datum
inference_embed_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerPlace place = {0};
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = add_context,
		.arg = &place
	};
	HeapTuple	row;
	TupleDesc	desc;
	EmbedTrigger *trigger;
	MemoryContext context;
	StringInfoData text;

	if (!CALLED_AS_TRIGGER(fcinfo))
		throw_protocol("must be called as a trigger");
	place.trigger = data->tg_trigger->tgname;
	place.table = RelationGetRelationName(data->tg_relation);
	error_context_stack = &callback;
	check_protocol(data);
	row = TRIGGER_FIRED_BY_INSERT(data->tg_event) ?
		data->tg_trigtuple : data->tg_newtuple;
	desc = RelationGetDescr(data->tg_relation);
	trigger = open_trigger(fcinfo, data);
	context = inf_call_begin();
	if (!text_is_unchanged(trigger, data, desc, &text) &&
		!target_was_given(trigger, data, desc))
	{
		place.key = inf_row_key_describe(&trigger->key, row, desc);
		row = embed_row(trigger, data, row, desc, &text,
						MemoryContextGetParent(context));
	}
	error_context_stack = callback.previous;
	inf_call_end(context);
	return PointerGetDatum(row);
}
