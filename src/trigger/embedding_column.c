/*
 * embedding_column.c
 *		A column that embeddings are written to, whatever its type.
 *
 * pgvector's types are found by their names and casts, so that the extension
 * neither needs pgvector nor cares where it is installed.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "parser/parse_coerce.h"
#include "parser/parse_relation.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pipeline/embedding_value.h"
#include "trigger/embedding_column.h"

#define SPARSEVEC "sparsevec"

static bool
type_is_named(Oid type, const char *name)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		same;

	if (!HeapTupleIsValid(tuple))
		return false;
	same = strcmp(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname), name) == 0;
	ReleaseSysCache(tuple);
	return same;
}

/* Whether dense embeddings can be written to the type; finds the cast. */
static bool
takes_dense(EmbeddingColumn *column)
{
	if (column->base_type == FLOAT4ARRAYOID || column->base_type == FLOAT8ARRAYOID)
		return true;

	/* An array of something else would be a cast of each element. */
	if (OidIsValid(get_element_type(column->base_type)) ||
		type_is_named(column->base_type, SPARSEVEC))
		return false;
	return find_coercion_pathway(column->base_type, FLOAT4ARRAYOID,
								 COERCION_ASSIGNMENT,
								 &column->cast_function) == COERCION_PATH_FUNC;
}

static bool
takes_sparse(const EmbeddingColumn *column)
{
	return column->base_type == JSONBOID ||
		type_is_named(column->base_type, SPARSEVEC);
}

bool
inf_column_open(EmbeddingColumn *column, Relation rel, const char *name,
				DefinitionLevel level)
{
	Form_pg_attribute attribute;

	memset(column, 0, sizeof(*column));
	column->table = pstrdup(RelationGetRelationName(rel));
	column->name = pstrdup(name);
	column->attnum = attnameAttNum(rel, name, false);
	if (column->attnum == InvalidAttrNumber)
	{
		ereport(level.not_yet,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						name, column->table),
				 inf_definition_outlook(level.not_yet),
				 errhint("The arguments of inference_embed_trigger() are a model, the column for its embeddings, and text columns.")));
		return false;
	}
	attribute = TupleDescAttr(RelationGetDescr(rel), column->attnum - 1);
	if (attribute->attgenerated)
	{
		ereport(level.never,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"%s\" of table \"%s\" is generated, so embeddings cannot be written to it",
						name, column->table)));
		return false;
	}
	column->type = attribute->atttypid;
	column->typmod = attribute->atttypmod;
	column->base_type = getBaseTypeAndTypmod(column->type, &column->typmod);
	return true;
}

/* A sparsevec is as wide as its column says; an embedding has no width. */
static bool
has_needed_width(const EmbeddingColumn *column, int elevel)
{
	if (column->typmod >= 0 || !type_is_named(column->base_type, SPARSEVEC))
		return true;
	ereport(elevel,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("column \"%s\" of table \"%s\" needs dimensions to hold sparse embeddings",
					column->name, column->table),
			 inf_definition_outlook(elevel),
			 errhint("Give it the size of the model's vocabulary, for example sparsevec(30522).")));
	return false;
}

bool
inf_column_check_task(EmbeddingColumn *column, InferenceTask task, int elevel)
{
	if (task == INF_TASK_TEXT_EMBEDDING ? takes_dense(column) : takes_sparse(column))
		return has_needed_width(column, elevel);
	ereport(elevel,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of table \"%s\" is of type %s, which cannot hold embeddings of task type %s",
					column->name, column->table,
					format_type_with_typemod(column->type, column->typmod),
					inf_task_name(task)),
			 inf_definition_outlook(elevel),
			 errhint(task == INF_TASK_TEXT_EMBEDDING ?
					 "It can be of type real[], double precision[], or pgvector's vector or halfvec." :
					 "It can be of type jsonb or, for services that return token ids, pgvector's sparsevec.")));
	return false;
}

/*
 * ----------
 * Values
 * ----------
 */

static Datum
double_array(const InferenceEmbedding *embedding)
{
	Datum	   *elements = palloc(sizeof(Datum) * embedding->ndimensions);

	for (int i = 0; i < embedding->ndimensions; i++)
		elements[i] = Float8GetDatum((float8) embedding->values[i]);
	return PointerGetDatum(construct_array(elements, embedding->ndimensions,
										   FLOAT8OID, sizeof(float8),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* pgvector's own error names neither table nor column. */
bool
inf_column_check_dimensions(const EmbeddingColumn *column, int ndimensions,
							int elevel)
{
	if (column->typmod < 0 || column->typmod == ndimensions ||
		!(type_is_named(column->base_type, "vector") ||
		  type_is_named(column->base_type, "halfvec")))
		return true;
	ereport(elevel,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("column \"%s\" of table \"%s\" has %d dimensions, but the embedding has %d",
					column->name, column->table, column->typmod, ndimensions),
			 inf_definition_outlook(elevel)));
	return false;
}

/* Cast functions take a value, perhaps a typmod, perhaps "explicit". */
static Datum
call_cast(Oid function, Datum value, int32 typmod)
{
	switch (get_func_nargs(function))
	{
		case 1:
			return OidFunctionCall1(function, value);
		case 2:
			return OidFunctionCall2(function, value, Int32GetDatum(typmod));
		default:
			return OidFunctionCall3(function, value, Int32GetDatum(typmod),
									BoolGetDatum(false));
	}
}

/* As an assignment does it: the cast, and what it left of the typmod. */
static Datum
cast_dense(const EmbeddingColumn *column, const InferenceEmbedding *embedding)
{
	Datum		value = call_cast(column->cast_function,
								  PointerGetDatum(inf_value_real_array(embedding)),
								  column->typmod);
	Oid			length_function;

	if (column->typmod >= 0 && get_func_nargs(column->cast_function) == 1 &&
		find_typmod_coercion_function(column->base_type,
									  &length_function) == COERCION_PATH_FUNC)
		value = call_cast(length_function, value, column->typmod);
	return value;
}

/* The id that a token is the decimal form of; -1 if it is none. */
static int
token_id(const char *token)
{
	size_t		digits = strspn(token, "0123456789");

	if (digits == 0 || token[digits] != '\0' || digits > 9)
		return -1;
	return atoi(token);
}

/* "{index:value,...}/dimensions"; sparsevec counts from one, ids from zero. */
static Datum
sparsevec_value(const EmbeddingColumn *column,
				const InferenceEmbedding *embedding)
{
	StringInfoData text;
	Oid			input;
	Oid			ioparam;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int i = 0; i < embedding->ntokens; i++)
	{
		int			id = token_id(embedding->tokens[i].token);
		char		digits[FLOAT_SHORTEST_DECIMAL_LEN];

		if (id < 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of table \"%s\" is of type sparsevec, but the service answers with words, not token ids",
							column->name, column->table),
					 errhint("Use a jsonb column, or a service that gives token ids.")));
		if (id >= column->typmod)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("column \"%s\" of table \"%s\" has %d dimensions, but the embedding has token id %d",
							column->name, column->table, column->typmod, id)));
		(void) float_to_shortest_decimal_buf(embedding->tokens[i].weight, digits);
		appendStringInfo(&text, "%s%d:%s", i ? "," : "", id + 1, digits);
	}
	appendStringInfo(&text, "}/%d", column->typmod);
	getTypeInputInfo(column->base_type, &input, &ioparam);
	return OidInputFunctionCall(input, text.data, ioparam, column->typmod);
}

/* The server does not hold what a trigger returns against domains. */
static void
check_domain(const EmbeddingColumn *column, Datum value, bool isnull)
{
	if (column->type != column->base_type)
		domain_check(value, isnull, column->type, NULL, NULL);
}

Datum
inf_column_value(const EmbeddingColumn *column,
				 const InferenceEmbedding *embedding)
{
	Datum		value;

	if (column->base_type == JSONBOID)
		value = JsonbPGetDatum(inf_value_token_map(embedding));
	else if (column->base_type == FLOAT4ARRAYOID)
		value = PointerGetDatum(inf_value_real_array(embedding));
	else if (column->base_type == FLOAT8ARRAYOID)
		value = double_array(embedding);
	else if (OidIsValid(column->cast_function))
	{
		(void) inf_column_check_dimensions(column, embedding->ndimensions, ERROR);
		value = cast_dense(column, embedding);
	}
	else
		value = sparsevec_value(column, embedding);
	check_domain(column, value, false);
	return value;
}

void
inf_column_check_null(const EmbeddingColumn *column)
{
	check_domain(column, (Datum) 0, true);
}
