/*
 * infer_body.c
 *		The body of inference_infer, as Elasticsearch's API has it.
 */
#include "postgres.h"

#include "base/text_encoding.h"
#include "pipeline/infer.h"
#include "pipeline/infer_answer.h"
#include "pipeline/infer_body.h"
#include "pipeline/infer_list.h"
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

/* Where the inputs of a body are; never none, and all of them strings. */
static void
find_inputs(Jsonb *json, InferenceBody *body)
{
	JsonbValue *value = inf_setting_find(json, "input");
	JsonbContainer *array;

	if (value == NULL || value->type == jbvNull)
		throw_body("Field [input] cannot be null");
	if (value->type == jbvString)
	{
		body->text = value;
		body->ninputs = 1;
		return;
	}
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		throw_body("Field [input] must be a string or an array of strings");
	body->array = array = value->val.binary.data;
	body->ninputs = JsonContainerSize(array);
	if (body->ninputs == 0)
		throw_body("Field [input] cannot be an empty array");
	for (int i = 0; i < body->ninputs; i++)
		if (!JBE_ISSTRING(array->children[i]))
			throw_body("Field [input] must be a string or an array of strings");
}

static Jsonb *
read_task_settings(Jsonb *json)
{
	JsonbValue *value = inf_setting_find(json, INF_TASK_SETTINGS);
	Jsonb	   *settings;

	if (value && value->type == jbvBinary)
		inf_setting_check_size(value->val.binary.len, INF_TASK_SETTINGS);
	settings = inf_setting_object(json, INF_TASK_SETTINGS);
	if (settings == NULL && inf_setting_is_set(json, INF_TASK_SETTINGS))
		throw_body("Field [task_settings] must be an object");
	return settings;
}

void
inf_body_read(Jsonb *json, InferenceBody *body)
{
	memset(body, 0, sizeof(*body));
	if (!JB_ROOT_IS_OBJECT(json))
		throw_body("the body must be an object");
	check_body_keys(json);
	find_inputs(json, body);
	body->task_settings = read_task_settings(json);
}

void
inf_body_make_input(const InferenceBody *body, int i, InferenceInput *input)
{
	JsonbValue *value = body->text ? body->text :
		getIthJsonbValueFromContainer(body->array, i);

	inf_infer_make_input(input, value->val.string.val, value->val.string.len,
						 body->text ? 0 : i + 1);
}

/*
 * ----------
 * The answer
 * ----------
 */

typedef struct BodyAnswer
{
	const InferenceBody *body;
	InferenceAnswer *answer;
} BodyAnswer;

static bool
read_input(void *state, int index, InferenceInput *input)
{
	inf_body_make_input(((BodyAnswer *) state)->body, index, input);
	return true;
}

static void
put_embedding(void *state, int index, const InferenceEmbedding *embedding)
{
	inf_answer_add(((BodyAnswer *) state)->answer, embedding);
}

Jsonb *
inf_body_answer(const InferenceModel *model, const InferenceBody *body,
				MemoryContext result_context)
{
	MemoryContext caller;
	BodyAnswer	state = {.body = body};
	InferenceList list = {
		.ntexts = body->ninputs,
		.read = read_input,
		.put = put_embedding,
		.state = &state
	};

	/* Before anything is sent, if the model's dimensions are known. */
	if (model->task == INF_TASK_TEXT_EMBEDDING)
		inf_answer_check_size(body->ninputs, inf_setting_dimensions(model));
	caller = MemoryContextSwitchTo(result_context);
	state.answer = inf_answer_begin(model->task, body->ninputs);
	MemoryContextSwitchTo(caller);
	inf_infer_list(model, body->task_settings, &list);
	return inf_answer_end(state.answer);
}
