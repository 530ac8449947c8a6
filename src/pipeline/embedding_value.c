/*
 * embedding_value.c
 *		Embeddings as SQL values.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "utils/json.h"

#include "base/text_encoding.h"
#include "pipeline/embedding_value.h"
#include "settings/setting_read.h"

ArrayType *
inf_value_real_array(const InferenceEmbedding *embedding)
{
	int			n = embedding->ndimensions;
	Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * n;
	ArrayType  *array = palloc(size);

	if (embedding->array != NULL)
	{
		memcpy(array, embedding->array, size);
		return array;
	}

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;		/* no nulls */
	array->elemtype = FLOAT4OID;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	memcpy(ARR_DATA_PTR(array), embedding->values, sizeof(float4) * n);
	return array;
}

/* Shortest digits that read back as the same real. */
static void
append_real(StringInfo json, float value)
{
	char		digits[FLOAT_SHORTEST_DECIMAL_LEN];

	(void) float_to_shortest_decimal_buf(value, digits);
	appendStringInfoString(json, digits);
}

static void
append_token_map(StringInfo json, const InferenceEmbedding *embedding)
{
	appendStringInfoChar(json, '{');
	for (int i = 0; i < embedding->ntokens; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		escape_json(json, inf_text_from_utf8(embedding->tokens[i].token, "token"));
		appendStringInfoChar(json, ':');
		append_real(json, embedding->tokens[i].weight);
	}
	appendStringInfoChar(json, '}');
}

static void
append_vector(StringInfo json, const InferenceEmbedding *embedding)
{
	appendStringInfoChar(json, '[');
	for (int i = 0; i < embedding->ndimensions; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		append_real(json, embedding->values[i]);
	}
	appendStringInfoChar(json, ']');
}

Jsonb *
inf_value_token_map(const InferenceEmbedding *embedding)
{
	StringInfoData json;

	initStringInfo(&json);
	append_token_map(&json, embedding);
	return inf_setting_parse(json.data);
}

Jsonb *
inf_value_answer(InferenceTask task, const InferenceEmbedding *embeddings,
				 int n)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"%s\":[", inf_task_name(task));
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(&json, ',');
		appendStringInfoChar(&json, '{');
		if (task == INF_TASK_SPARSE_EMBEDDING)
			appendStringInfo(&json, "\"is_truncated\":%s,",
							 embeddings[i].is_truncated ? "true" : "false");
		appendStringInfoString(&json, "\"embedding\":");
		if (task == INF_TASK_SPARSE_EMBEDDING)
			append_token_map(&json, &embeddings[i]);
		else
			append_vector(&json, &embeddings[i]);
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoString(&json, "]}");
	return inf_setting_parse(json.data);
}
