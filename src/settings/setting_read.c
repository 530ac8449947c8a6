/*
 * setting_read.c
 *		Reads and combines stored settings.
 */
#include "postgres.h"

#include <errno.h>
#include <limits.h>

#include "access/detoast.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/limits.h"
#include "base/text_encoding.h"
#include "settings/setting_read.h"

JsonbValue *
inf_setting_find(Jsonb *settings, const char *name)
{
	if (settings == NULL || !JB_ROOT_IS_OBJECT(settings))
		return NULL;
	return getKeyJsonValueFromContainer(&settings->root, name, strlen(name),
										NULL);
}

char *
inf_setting_string(Jsonb *settings, const char *name)
{
	JsonbValue *value = inf_setting_find(settings, name);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

char *
inf_setting_utf8(Jsonb *settings, const char *name)
{
	char	   *value = inf_setting_string(settings, name);

	if (value == NULL)
		return NULL;
	return inf_text_to_utf8(value, strlen(value), NULL);
}

bool
inf_setting_read_integer(const JsonbValue *value, int *result)
{
	char	   *digits;
	char	   *end;
	long		number;

	if (value->type != jbvNumeric)
		return false;
	digits = DatumGetCString(DirectFunctionCall1(numeric_out,
												 NumericGetDatum(value->val.numeric)));
	errno = 0;
	number = strtol(digits, &end, 10);
	if (errno != 0 || *end != '\0' || number < INT_MIN || number > INT_MAX)
		return false;
	*result = (int) number;
	return true;
}

int
inf_setting_integer(Jsonb *settings, const char *name, int fallback)
{
	JsonbValue *value = inf_setting_find(settings, name);
	int			result;

	if (value == NULL || !inf_setting_read_integer(value, &result))
		return fallback;
	return result;
}

Jsonb *
inf_setting_object(Jsonb *settings, const char *name)
{
	JsonbValue *value = inf_setting_find(settings, name);

	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		return NULL;
	return JsonbValueToJsonb(value);
}

bool
inf_setting_is_set(Jsonb *settings, const char *name)
{
	JsonbValue *value = inf_setting_find(settings, name);

	return value != NULL && value->type != jbvNull;
}

void
inf_setting_check_size(Size bytes, const char *what)
{
	if (bytes > INF_MAX_SETTINGS_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s are too large", what),
				 errdetail("They have %zu bytes, more than %d.",
						   bytes, INF_MAX_SETTINGS_BYTES)));
}

/* The size is known before it is read. */
Jsonb *
inf_setting_detoast(Datum json, const char *what)
{
	inf_setting_check_size(toast_raw_datum_size(json), what);
	return DatumGetJsonbP(json);
}

bool
inf_setting_is_null(Jsonb *settings, const char *name)
{
	JsonbValue *value = inf_setting_find(settings, name);

	return value != NULL && value->type == jbvNull;
}

Jsonb *
inf_setting_parse(const char *json)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(json)));
}

Jsonb *
inf_setting_empty(void)
{
	return inf_setting_parse("{}");
}

/* Members of overlay win. */
Jsonb *
inf_setting_merge(Jsonb *base, Jsonb *overlay)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(base),
											  JsonbPGetDatum(overlay)));
}

Jsonb *
inf_setting_remove(Jsonb *settings, const char *name)
{
	Datum		key = CStringGetTextDatum(name);

	return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete,
											  JsonbPGetDatum(settings), key));
}

Jsonb *
inf_setting_strip_nulls(Jsonb *settings)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_strip_nulls,
											  JsonbPGetDatum(settings)));
}

bool
inf_setting_equal(Jsonb *a, Jsonb *b)
{
	return compareJsonbContainers(&a->root, &b->root) == 0;
}

char *
inf_setting_value_text(const JsonbValue *value)
{
	JsonbValue	copy = *value;
	Jsonb	   *json;

	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	json = JsonbValueToJsonb(&copy);
	return JsonbToCString(NULL, &json->root, VARSIZE(json));
}

int
inf_setting_dimensions(const InferenceModel *model)
{
	int			found = inf_setting_integer(model->discovered, "dimensions", 0);

	if (model->task != INF_TASK_TEXT_EMBEDDING)
		return 0;
	return inf_setting_integer(model->service_settings, "dimensions", found);
}
