/*
 * debug_fns.c
 *		Looks at one end of a call without making it: the request that would be
 *		sent, and what would be made of an answer.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "base/guc.h"
#include "base/text_encoding.h"
#include "pipeline/infer.h"
#include "pipeline/infer_answer.h"
#include "settings/setting_read.h"

#define PIECE_BYTES 5

/* What inference.max_batch_inputs allows at most. */
#define MAX_INPUTS 100000

PG_FUNCTION_INFO_V1(_inference_show_request);
PG_FUNCTION_INFO_V1(_inference_read_response);

/* The service of a model, which must be one that sends requests. */
static const InferenceServiceOps *
http_service(const InferenceModel *model)
{
	const InferenceServiceOps *service = inf_infer_service(model);

	if (service->run)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("service \"%s\" of inference model \"%s\" sends no requests",
						service->name, model->model_id)));
	return service;
}

static InferenceInput *
read_inputs(ArrayType *array, int *ninputs)
{
	Datum	   *elements;
	InferenceInput *inputs;

	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (n > MAX_INPUTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a request can have at most %d inputs, not %d", MAX_INPUTS, n)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("inputs must not contain nulls")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, ninputs);
	inputs = palloc(sizeof(InferenceInput) * Max(*ninputs, 1));
	for (int i = 0; i < *ninputs; i++)
		inf_infer_read_input(&inputs[i], elements[i], i + 1);
	return inputs;
}

/* _inference_show_request(model_id text, inputs text[], task_settings jsonb) */
Datum
_inference_show_request(PG_FUNCTION_ARGS)
{
	MemoryContext context = inf_call_begin();
	const InferenceModel *model =
		inf_infer_open_model(inf_text_name(PG_GETARG_DATUM(0)), 0, GetUserId());
	const InferenceServiceOps *service = http_service(model);
	InferenceCall call = {.model = model};
	HttpRequest request;
	StringInfoData out;
	text	   *result;

	memset(&request, 0, sizeof(request));
	call.inputs = read_inputs(PG_GETARG_ARRAYTYPE_P(1), &call.ninputs);
	call.task_settings = inf_infer_task_settings(service, model,
												 inf_setting_detoast(PG_GETARG_DATUM(2),
																	 INF_TASK_SETTINGS));
	service->build_request(&call, inf_infer_url(service, model), &request);
	initStringInfo(&out);
	inf_http_describe_request(&out, &request);
	MemoryContextSwitchTo(MemoryContextGetParent(context));
	result = cstring_to_text(inf_text_from_utf8(out.data, "request"));
	inf_call_end(context);
	PG_RETURN_TEXT_P(result);
}

/* An answer as large as one that would be read from a service. */
static bytea *
read_body(Datum body)
{
	Size		max_bytes = (Size) inf_guc_max_response_size * 1024;

	if (toast_raw_datum_size(body) - VARHDRSZ > max_bytes)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the answer is larger than %d kB", inf_guc_max_response_size),
				 errhint("The setting inference.max_response_size says how large an answer may be.")));
	return DatumGetByteaPP(body);
}

/* _inference_read_response(model_id text, inputs text[], body bytea) */
Datum
_inference_read_response(PG_FUNCTION_ARGS)
{
	MemoryContext context = inf_call_begin();
	const InferenceModel *model =
		inf_infer_open_model(inf_text_name(PG_GETARG_DATUM(0)), 0, GetUserId());
	const InferenceServiceOps *service = http_service(model);
	bytea	   *body = read_body(PG_GETARG_DATUM(2));
	InferenceCall call = {
		.model = model,
		.task_settings = model->task_settings,
		.ndimensions = inf_setting_dimensions(model)
	};
	ReplyReader *reader;
	InferenceFault fault = {.kind = INF_FAULT_NONE};
	InferenceEmbedding *results;
	Jsonb	   *answer;

	call.inputs = read_inputs(PG_GETARG_ARRAYTYPE_P(1), &call.ninputs);
	results = palloc0(sizeof(InferenceEmbedding) * Max(call.ninputs, 1));
	reader = inf_reply_create(&call,
							  service->reply_shape(&call, inf_infer_url(service, model)),
							  results);

	/* In pieces as odd as those of a network. */
	for (int i = 0; i < VARSIZE_ANY_EXHDR(body); i += PIECE_BYTES)
	{
		CHECK_FOR_INTERRUPTS();
		inf_reply_take(reader, VARDATA_ANY(body) + i,
					   Min(PIECE_BYTES, VARSIZE_ANY_EXHDR(body) - i));
	}
	if (!inf_reply_finish(reader, &fault))
		inf_error_throw_fault(model, &fault, NULL, 1,
							  fault.input > 0 ? &call.inputs[fault.input - 1] : NULL);
	MemoryContextSwitchTo(MemoryContextGetParent(context));
	answer = inf_answer_make(model->task, results, call.ninputs);
	inf_call_end(context);
	PG_RETURN_JSONB_P(answer);
}
