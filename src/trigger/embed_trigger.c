/*
 * embed_trigger.c
 *		The row trigger that embeds a row's text into one of its columns.
 *
 * The table's owner decided which model its rows are embedded with, so it is
 * the owner who needs the right to use the model, not whoever inserts.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "parser/parse_coerce.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/text_encoding.h"
#include "pipeline/infer.h"
#include "trigger/embedding_column.h"

PG_FUNCTION_INFO_V1(inference_embed_trigger);

/* Where arguments of the trigger stand. */
#define ARG_MODEL 0
#define ARG_TARGET 1
#define ARG_FIRST_SOURCE 2

/* Joins the texts of several source columns. */
#define SEPARATOR '\n'

/* What a statement keeps of a trigger from row to row. */
typedef struct EmbedTrigger
{
	EmbeddingColumn target;
	bool		target_checked; /* against the task of the model */
	int			nsources;
	AttrNumber *sources;		/* (nsources) */
	FmgrInfo   *output;			/* (nsources) */
} EmbedTrigger;

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
			 errhint("For example CREATE TRIGGER docs_embed BEFORE INSERT OR UPDATE OF body ON docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('my-model', 'embedding', 'body').")));
}

static TriggerData *
get_trigger_data(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		throw_protocol("must be called as a trigger");
	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!TRIGGER_FIRED_BEFORE(data->tg_event))
		throw_protocol("must be fired before, for each row");
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event) &&
		!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		throw_protocol("must be fired by insert or update");
	if (data->tg_trigger->tgnargs <= ARG_FIRST_SOURCE)
		throw_protocol("needs a model, a target column and one or more source columns");
	return data;
}

static bool
is_string_type(Oid type)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(getBaseType(type), &category, &preferred);
	return category == TYPCATEGORY_STRING;
}

/* Finds a source column and how to read it as text. */
static AttrNumber
open_source(Relation rel, const char *name, AttrNumber target,
			FmgrInfo *output)
{
	AttrNumber	attnum = attnameAttNum(rel, name, false);
	const char *table = RelationGetRelationName(rel);
	Form_pg_attribute attribute;
	Oid			function;
	bool		isvarlena;

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						name, table)));
	attribute = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	if (attribute->attgenerated)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of table \"%s\" is generated and cannot be embedded by a trigger",
						name, table),
				 errdetail("Generated columns are computed after BEFORE triggers have run."),
				 errhint("Name the columns that it is generated from.")));
	if (attnum == target)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" is both source and target of a trigger that embeds",
						name, table)));
	if (!is_string_type(attribute->atttypid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\" is of type %s, not text",
						name, table, format_type_be(attribute->atttypid))));
	getTypeOutputInfo(attribute->atttypid, &function, &isvarlena);
	fmgr_info_cxt(function, output, CurrentMemoryContext);
	return attnum;
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
	inf_column_open(&trigger->target, data->tg_relation, arguments[ARG_TARGET]);
	trigger->nsources = data->tg_trigger->tgnargs - ARG_FIRST_SOURCE;
	trigger->sources = palloc(sizeof(AttrNumber) * trigger->nsources);
	trigger->output = palloc(sizeof(FmgrInfo) * trigger->nsources);
	for (int i = 0; i < trigger->nsources; i++)
		trigger->sources[i] = open_source(data->tg_relation,
										  arguments[ARG_FIRST_SOURCE + i],
										  trigger->target.attnum,
										  &trigger->output[i]);
	MemoryContextSwitchTo(caller);
	fcinfo->flinfo->fn_extra = trigger;
	return trigger;
}

/*
 * ----------
 * Rows
 * ----------
 */

/* The text of a row, its sources joined, nulls left out. */
static void
read_text(const EmbedTrigger *trigger, HeapTuple tuple, TupleDesc desc,
		  StringInfo text)
{
	initStringInfo(text);
	for (int i = 0; i < trigger->nsources; i++)
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, trigger->sources[i], desc, &isnull);

		if (isnull)
			continue;
		if (text->len > 0)
			appendStringInfoChar(text, SEPARATOR);
		appendStringInfoString(text, OutputFunctionCall(&trigger->output[i], value));
	}
}

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
		read_text(trigger, data->tg_trigtuple, desc, text);
		return false;
	}
	read_text(trigger, data->tg_newtuple, desc, text);
	read_text(trigger, data->tg_trigtuple, desc, &before);
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

	model = inf_infer_open_model(data->tg_trigger->tgargs[ARG_MODEL], 0,
								 data->tg_relation->rd_rel->relowner);
	if (!trigger->target_checked)
		inf_column_check_task(&trigger->target, model->task);
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
	TriggerData *data = get_trigger_data(fcinfo);
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	HeapTuple	row = TRIGGER_FIRED_BY_INSERT(data->tg_event) ?
		data->tg_trigtuple : data->tg_newtuple;
	EmbedTrigger *trigger = open_trigger(fcinfo, data);
	MemoryContext context = inf_call_begin();
	StringInfoData text;

	if (!text_is_unchanged(trigger, data, desc, &text) &&
		!target_was_given(trigger, data, desc))
		row = embed_row(trigger, data, row, desc, &text,
						MemoryContextGetParent(context));
	inf_call_end(context);
	return PointerGetDatum(row);
}
