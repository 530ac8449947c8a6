/*
 * source_column.c
 *		A column whose text a trigger embeds.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "parser/parse_coerce.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "trigger/source_column.h"

/* Joins the texts of several source columns. */
#define SEPARATOR '\n'

static bool
is_string_type(Oid type)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(getBaseType(type), &category, &preferred);
	return category == TYPCATEGORY_STRING;
}

static bool
check_column(const FormData_pg_attribute *attribute, const char *table,
			 AttrNumber target, DefinitionLevel level)
{
	const char *name = NameStr(attribute->attname);

	if (attribute->attgenerated)
	{
		ereport(level.never,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of table \"%s\" is generated and cannot be embedded by a trigger",
						name, table),
				 errdetail("Generated columns are computed after BEFORE triggers have run."),
				 errhint("Name the columns that it is generated from.")));
		return false;
	}
	if (attribute->attnum == target)
	{
		ereport(level.never,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" is both source and target of inference_embed_trigger()",
						name, table)));
		return false;
	}
	if (!is_string_type(attribute->atttypid))
	{
		ereport(level.not_yet,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\" is of type %s, not text",
						name, table, format_type_be(attribute->atttypid)),
				 inf_definition_outlook(level.not_yet)));
		return false;
	}
	return true;
}

bool
inf_source_open(SourceColumn *source, Relation rel, const char *name,
				AttrNumber target, DefinitionLevel level)
{
	const char *table = RelationGetRelationName(rel);
	Form_pg_attribute attribute;
	Oid			function;
	bool		isvarlena;

	source->attnum = attnameAttNum(rel, name, false);
	if (source->attnum == InvalidAttrNumber)
	{
		ereport(level.not_yet,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						name, table),
				 inf_definition_outlook(level.not_yet)));
		return false;
	}
	attribute = TupleDescAttr(RelationGetDescr(rel), source->attnum - 1);
	if (!check_column(attribute, table, target, level))
		return false;
	getTypeOutputInfo(attribute->atttypid, &function, &isvarlena);
	fmgr_info_cxt(function, &source->output, CurrentMemoryContext);
	return true;
}

void
inf_source_read(const SourceColumn *sources, int nsources, HeapTuple tuple,
				TupleDesc desc, StringInfo text)
{
	initStringInfo(text);
	for (int i = 0; i < nsources; i++)
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, sources[i].attnum, desc, &isnull);

		if (isnull)
			continue;
		if (text->len > 0)
			appendStringInfoChar(text, SEPARATOR);
		appendStringInfoString(text,
							   OutputFunctionCall(unconstify(FmgrInfo *, &sources[i].output),
												  value));
	}
}
