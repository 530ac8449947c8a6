/*
 * status_fns.c
 *		Rows of the view inference_services.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "service/service.h"

PG_FUNCTION_INFO_V1(_inference_services);

#define NCOLUMNS 13

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	if (text)
		values[column] = CStringGetTextDatum(text);
}

static ArrayType *
text_array(const char *const *texts, int n)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	return construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Names of the tasks of a set of bits. */
static ArrayType *
task_array(int tasks)
{
	static const InferenceTask all[] = {
		INF_TASK_SPARSE_EMBEDDING, INF_TASK_TEXT_EMBEDDING
	};
	const char *names[lengthof(all)];
	int			n = 0;

	for (int i = 0; i < lengthof(all); i++)
		if (tasks & all[i])
			names[n++] = inf_task_name(all[i]);
	return text_array(names, n);
}

static void
put_field(ReturnSetInfo *rsinfo, const InferenceServiceOps *service,
		  const char *group, const SettingField *field)
{
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {false};
	bool		integer = field->type == SETTING_INTEGER;
	int			nchoices = 0;

	while (field->choices && field->choices[nchoices])
		nchoices++;
	set_text(values, nulls, 0, service->name);
	values[1] = PointerGetDatum(task_array(field->tasks ? field->tasks : service->tasks));
	set_text(values, nulls, 2, group);
	set_text(values, nulls, 3, field->name);
	set_text(values, nulls, 4, inf_setting_type_name(field->type));
	nulls[5] = !integer;
	values[5] = Int32GetDatum(field->min);
	nulls[6] = !integer || field->max == 0;
	values[6] = Int32GetDatum(field->max);
	nulls[7] = nchoices == 0;
	values[7] = PointerGetDatum(text_array(field->choices, nchoices));
	set_text(values, nulls, 8, field->default_text);
	values[9] = BoolGetDatum((field->flags & SETTING_REQUIRED) != 0);
	values[10] = BoolGetDatum((field->flags & SETTING_SECRET) != 0);
	values[11] = BoolGetDatum((field->flags & SETTING_FIXED) == 0);
	set_text(values, nulls, 12, field->description);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Fields of a table; those of a group follow it as "group.member". */
static void
put_fields(ReturnSetInfo *rsinfo, const InferenceServiceOps *service,
		   const char *group, const SettingField *fields)
{
	for (const SettingField *f = fields; f && f->name; f++)
	{
		put_field(rsinfo, service, group, f);
		for (const SettingField *m = f->members; m && m->name; m++)
		{
			SettingField member = *m;

			member.name = psprintf("%s.%s", f->name, m->name);
			member.tasks = f->tasks;
			put_field(rsinfo, service, group, &member);
		}
	}
}

Datum
_inference_services(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const InferenceServiceOps *const *service;

	inf_init_materialized_srf(fcinfo);
	for (service = inf_service_all(); *service; service++)
	{
		put_fields(rsinfo, *service, INF_SERVICE_SETTINGS,
				   (*service)->service_fields);
		put_fields(rsinfo, *service, INF_TASK_SETTINGS,
				   (*service)->task_fields);
	}
	return (Datum) 0;
}
