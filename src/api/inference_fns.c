/*
 * inference_fns.c
 *		SQL functions that turn texts into embeddings.
 *
 * Each call works in a memory context of its own, in which everything that the
 * call holds outside of PostgreSQL's memory is registered too, and copies its
 * result out.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/text_encoding.h"
#include "pipeline/embedding_value.h"
#include "pipeline/infer.h"
#include "pipeline/infer_body.h"
#include "pipeline/infer_list.h"
#include "pipeline/model_config.h"
#include "settings/setting_read.h"

PG_FUNCTION_INFO_V1(inference_infer);
PG_FUNCTION_INFO_V1(inference_infer_with_task);
PG_FUNCTION_INFO_V1(inference_embed);
PG_FUNCTION_INFO_V1(inference_sparse);
PG_FUNCTION_INFO_V1(inference_embed_batch);
PG_FUNCTION_INFO_V1(inference_sparse_batch);

static Jsonb *
get_task_settings(FunctionCallInfo fcinfo, int argument)
{
	return inf_setting_detoast(PG_GETARG_DATUM(argument), INF_TASK_SETTINGS);
}

/*
 * ----------
 * inference_infer
 * ----------
 */

static Datum
infer(const char *task_type, const char *model_id, Jsonb *json)
{
	MemoryContext context = inf_call_begin();
	InferenceTask task = task_type ? inf_config_task(task_type) : 0;
	const InferenceModel *model;
	InferenceBody body;
	Jsonb	   *answer;

	model = inf_infer_open_model(model_id, task, GetUserId());
	inf_body_read(json, &body);
	answer = inf_body_answer(model, &body, MemoryContextGetParent(context));
	inf_call_end(context);
	return JsonbPGetDatum(answer);
}

/* inference_infer(task_type text, model_id text, body jsonb) */
Datum
inference_infer_with_task(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(infer(inf_text_name(PG_GETARG_DATUM(0)),
						  inf_text_name(PG_GETARG_DATUM(1)),
						  PG_GETARG_JSONB_P(2)));
}

/* inference_infer(model_id text, body jsonb) */
Datum
inference_infer(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(infer(NULL, inf_text_name(PG_GETARG_DATUM(0)),
						  PG_GETARG_JSONB_P(1)));
}

/*
 * ----------
 * One text
 * ----------
 */

/* The embedding of a text; NULL if that is blank. */
static Datum
embed_one(FunctionCallInfo fcinfo, InferenceTask task)
{
	MemoryContext context = inf_call_begin();
	char	   *model_id = inf_text_name(PG_GETARG_DATUM(0));
	const InferenceModel *model = inf_infer_open_model(model_id, task,
													   GetUserId());
	InferenceInput input;
	InferenceEmbedding *embedding;
	Datum		result = (Datum) 0;

	inf_infer_read_input(&input, PG_GETARG_DATUM(1), 0);
	fcinfo->isnull = inf_text_is_blank(input.text, input.length);
	if (!fcinfo->isnull)
	{
		embedding = inf_infer_embed(model, get_task_settings(fcinfo, 2),
									&input, 1);
		MemoryContextSwitchTo(MemoryContextGetParent(context));
		result = task == INF_TASK_TEXT_EMBEDDING ?
			PointerGetDatum(inf_value_real_array(embedding)) :
			JsonbPGetDatum(inf_value_token_map(embedding));
	}
	inf_call_end(context);
	return result;
}

/* inference_embed(model_id text, input text, task_settings jsonb) */
Datum
inference_embed(PG_FUNCTION_ARGS)
{
	return embed_one(fcinfo, INF_TASK_TEXT_EMBEDDING);
}

/* inference_sparse(model_id text, input text, task_settings jsonb) */
Datum
inference_sparse(PG_FUNCTION_ARGS)
{
	return embed_one(fcinfo, INF_TASK_SPARSE_EMBEDDING);
}

/*
 * ----------
 * Many texts
 * ----------
 */

/* The texts of an array, and where rows of embeddings go. */
typedef struct TextArray
{
	ArrayIterator elements;
	ReturnSetInfo *rsinfo;
	void		(*put_rows) (ReturnSetInfo *, int, const InferenceEmbedding *);
} TextArray;

/* Nulls and blank texts have no embedding. */
static bool
read_element(void *state, int index, InferenceInput *input)
{
	Datum		element;
	bool		isnull;

	(void) array_iterate(((TextArray *) state)->elements, &element, &isnull);
	if (isnull)
		return false;
	inf_infer_read_input(input, element, index + 1);
	return !inf_text_is_blank(input->text, input->length);
}

static void
put_element(void *state, int index, const InferenceEmbedding *embedding)
{
	TextArray  *texts = state;

	texts->put_rows(texts->rsinfo, index + 1, embedding);
}

static void
put_dense_row(ReturnSetInfo *rsinfo, int ordinality,
			  const InferenceEmbedding *embedding)
{
	Datum		values[2] = {Int32GetDatum(ordinality), (Datum) 0};
	bool		nulls[2] = {false, embedding == NULL};

	if (embedding)
		values[1] = PointerGetDatum(inf_value_real_array(embedding));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	if (embedding)
		pfree(DatumGetPointer(values[1]));
}

static void
put_sparse_rows(ReturnSetInfo *rsinfo, int ordinality,
				const InferenceEmbedding *embedding)
{
	for (int i = 0; embedding && i < embedding->ntokens; i++)
	{
		char	   *token = inf_text_from_utf8(embedding->tokens[i].token, "token");
		Datum		values[3] = {
			Int32GetDatum(ordinality),
			CStringGetTextDatum(token),
			Float4GetDatum(embedding->tokens[i].weight)
		};
		bool		nulls[3] = {false, false, false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

static void
embed_many(FunctionCallInfo fcinfo, InferenceTask task,
		   void (*put_rows) (ReturnSetInfo *, int, const InferenceEmbedding *))
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	MemoryContext context;
	TextArray	texts = {.put_rows = put_rows};
	InferenceList list = {
		.ntexts = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)),
		.read = read_element,
		.put = put_element,
		.state = &texts
	};
	const InferenceModel *model;

	inf_init_materialized_srf(fcinfo);
	context = inf_call_begin();
	model = inf_infer_open_model(inf_text_name(PG_GETARG_DATUM(0)), task,
								 GetUserId());
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("inputs must be a one-dimensional array"),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array))));
	texts.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	texts.elements = array_create_iterator(array, 0, NULL);
	inf_infer_list(model, get_task_settings(fcinfo, 2), &list);
	inf_call_end(context);
}

/* inference_embed_batch(model_id text, inputs text[], task_settings jsonb) */
Datum
inference_embed_batch(PG_FUNCTION_ARGS)
{
	embed_many(fcinfo, INF_TASK_TEXT_EMBEDDING, put_dense_row);
	return (Datum) 0;
}

/* inference_sparse_batch(model_id text, inputs text[], task_settings jsonb) */
Datum
inference_sparse_batch(PG_FUNCTION_ARGS)
{
	embed_many(fcinfo, INF_TASK_SPARSE_EMBEDDING, put_sparse_rows);
	return (Datum) 0;
}
