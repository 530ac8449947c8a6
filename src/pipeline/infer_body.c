/*
 * infer_body.c
 *		The body of inference_infer, as Elasticsearch's API has it.
 */
#include "postgres.h"

#include "base/text_encoding.h"
#include "pipeline/infer.h"
#include "pipeline/infer_body.h"
#include "pipeline/model_config.h"
#include "settings/setting_read.h"

static void
throw_body(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("Validation Failed: 1: %s;", message),
			 errhint("The body is an object such as {\"input\": [\"a text\", \"another\"]}; it may also hold task_settings.")));
}

/* Refuses keys of the body that would otherwise be ignored in silence. */
static void
check_body_keys(Jsonb *body)
{
	JsonbIterator *it = JsonbIteratorInit(&body->root);
	JsonbValue	value;

	(void) JsonbIteratorNext(&it, &value, true);	/* WJB_BEGIN_OBJECT */
	while (JsonbIteratorNext(&it, &value, true) == WJB_KEY)
	{
		char	   *key = pnstrdup(value.val.string.val, value.val.string.len);

		(void) JsonbIteratorNext(&it, &value, true);
		if (strcmp(key, "input") != 0 && strcmp(key, INF_TASK_SETTINGS) != 0)
			throw_body(psprintf("unknown field [%s]", inf_text_clip(key)));
	}
}

static void
make_string_input(InferenceInput *input, const JsonbValue *value, int position)
{
	if (value->type != jbvString)
		throw_body("Field [input] must be a string or an array of strings");
	inf_infer_make_input(input, value->val.string.val, value->val.string.len,
						 position);
}

/* The inputs of a body; never none. */
static InferenceInput *
read_body_inputs(Jsonb *body, int *ninputs)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&body->root, "input", 5,
													 NULL);
	JsonbContainer *array;
	InferenceInput *inputs;

	if (value == NULL || value->type == jbvNull)
		throw_body("Field [input] cannot be null");
	if (value->type == jbvString)
	{
		inputs = palloc(sizeof(InferenceInput));
		make_string_input(inputs, value, 0);
		*ninputs = 1;
		return inputs;
	}
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		throw_body("Field [input] must be a string or an array of strings");
	array = value->val.binary.data;
	*ninputs = JsonContainerSize(array);
	if (*ninputs == 0)
		throw_body("Field [input] cannot be an empty array");
	inputs = palloc(sizeof(InferenceInput) * *ninputs);
	for (int i = 0; i < *ninputs; i++)
		make_string_input(&inputs[i], getIthJsonbValueFromContainer(array, i),
						  i + 1);
	return inputs;
}

static Jsonb *
read_body_task_settings(Jsonb *body)
{
	JsonbValue *value = inf_setting_find(body, INF_TASK_SETTINGS);
	Jsonb	   *settings;

	if (value && value->type == jbvBinary)
		inf_setting_check_size(value->val.binary.len, INF_TASK_SETTINGS);
	settings = inf_setting_object(body, INF_TASK_SETTINGS);
	if (settings == NULL && inf_setting_is_set(body, INF_TASK_SETTINGS))
		throw_body("Field [task_settings] must be an object");
	return settings;
}

InferenceInput *
inf_body_read(Jsonb *body, int *ninputs, Jsonb **task_settings)
{
	InferenceInput *inputs;

	if (!JB_ROOT_IS_OBJECT(body))
		throw_body("the body must be an object");
	check_body_keys(body);
	inputs = read_body_inputs(body, ninputs);
	*task_settings = read_body_task_settings(body);
	return inputs;
}
