/*
 * setting_field.c
 *		Holds a configuration against a table of fields.
 *
 * A fault never quotes a secret.  Whatever is not known to be harmless is shown
 * as "...": values of secret fields, of unknown keys (a key misspelt is still a
 * key), and strings of known ones that could be a key in the wrong place.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/text_encoding.h"
#include "settings/setting_field.h"
#include "settings/setting_read.h"

#define HIDDEN_VALUE "..."

/* More unknown keys than this are no slips of the pen. */
#define MAX_UNKNOWN_KEYS 10

/* Farther than this, a spelling is another word. */
#define MAX_SPELLING_DISTANCE 3

#define NULL_HINT "Unset variables and sub-selects without rows give null."

/* Longer words may be keys, which have 20 characters or more. */
#define MAX_SHOWN_WORD 16
#define MAX_SHOWN_HOST 64

static void check_value(SettingCheck *check, const SettingField *field,
						const char *scope, const JsonbValue *value);

void
inf_setting_check_init(SettingCheck *check, InferenceTask task,
					   const char *service)
{
	memset(check, 0, sizeof(*check));
	check->task = task;
	check->service = service;
	initStringInfo(&check->unknown);
	initStringInfo(&check->details);
	initStringInfo(&check->hints);
}

const char *
inf_setting_type_name(SettingType type)
{
	switch (type)
	{
		case SETTING_STRING:
			return "string";
		case SETTING_INTEGER:
			return "integer";
		case SETTING_ENUM:
			return "enum";
		case SETTING_GROUP:
			return "object";
	}
	return "unknown";
}

static bool
field_applies(const SettingField *field, InferenceTask task)
{
	return field->tasks == 0 || task == 0 || (field->tasks & task) != 0;
}

static const SettingField *
find_field(const SettingField *fields, InferenceTask task,
		   const char *name, int length)
{
	for (; fields && fields->name; fields++)
		if (field_applies(fields, task) &&
			strlen(fields->name) == length &&
			memcmp(fields->name, name, length) == 0)
			return fields;
	return NULL;
}

/*
 * ----------
 * Quoting values
 * ----------
 */

/* Written like a number, or like a word that an enum could have. */
static bool
is_harmless(const char *text)
{
	size_t		length = strlen(text);

	return length <= MAX_SHOWN_WORD &&
		(strspn(text, "0123456789+-.eE") == length ||
		 strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_ ") == length);
}

const char *
inf_setting_quote(const SettingField *field, const JsonbValue *value)
{
	char	   *text;

	if ((field->flags & SETTING_SECRET) || value->type == jbvBinary)
		return HIDDEN_VALUE;
	text = inf_setting_value_text(value);
	if (value->type == jbvString && !is_harmless(text))
		return HIDDEN_VALUE;
	return inf_text_clip(text);
}

/*
 * A url without what may be a secret in it: user and password, the query.
 * What does not look like one at all may be a key that was put there.
 */
static const char *
quote_url(const char *text)
{
	const char *query = strchr(text, '?');
	size_t		length = strlen(text);

	if (strchr(text, '@') != NULL)
		return HIDDEN_VALUE;
	if (strstr(text, "://") == NULL &&
		(length > MAX_SHOWN_HOST || strchr(text, '.') == NULL ||
		 strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.:/-") != length))
		return HIDDEN_VALUE;
	if (query)
		text = psprintf("%.*s?%s", (int) (query - text), text, HIDDEN_VALUE);
	return inf_text_clip(text);
}

/*
 * ----------
 * Unknown keys
 * ----------
 */

/* The accepted key that key was probably meant to be, or NULL. */
static const char *
nearest_key(const char *key, const char *const *accepted)
{
	const char *nearest = NULL;
	int			best = MAX_SPELLING_DISTANCE + 1;
	int			length = strlen(key);

	/* The distance function refuses longer strings. */
	if (length > 255)
		return NULL;
	for (; *accepted; accepted++)
	{
		int			distance;

		distance = varstr_levenshtein_less_equal(key, length, *accepted,
												 strlen(*accepted),
												 1, 1, 1, best, true);
		if (distance < best && distance < length)
		{
			best = distance;
			nearest = *accepted;
		}
	}
	return nearest;
}

/* Behind a blank, unless it is the first. */
#define append_sentence(text, ...) \
	(appendStringInfoString(text, (text)->len > 0 ? " " : ""), \
	 appendStringInfo(text, __VA_ARGS__))

/* The keys of a scope, unless they are listed already. */
static void
append_accepted(StringInfo hints, const char *scope, const char *const *accepted)
{
	char	   *opening;

	if (*accepted == NULL)
		opening = psprintf("There are no valid keys in %s.", scope);
	else
		opening = psprintf("Valid keys in %s are: ", scope);
	if (strstr(hints->data, opening) != NULL)
		return;
	append_sentence(hints, "%s", opening);
	for (int i = 0; accepted[i]; i++)
		appendStringInfo(hints, "%s%s", i ? ", " : "", accepted[i]);
	if (*accepted)
		appendStringInfoChar(hints, '.');
}

void
inf_setting_add_unknown(SettingCheck *check, const char *scope,
						const char *const *accepted,
						const char *key)
{
	const char *nearest;

	check->nunknown++;
	if (check->nunknown > MAX_UNKNOWN_KEYS)
	{
		if (check->nunknown == MAX_UNKNOWN_KEYS + 1)
			appendStringInfoString(&check->unknown, ", ...");
		return;
	}
	nearest = nearest_key(key, accepted);
	appendStringInfo(&check->unknown, "%s%s=%s",
					 check->nunknown > 1 ? ", " : "",
					 inf_text_clip(key), HIDDEN_VALUE);
	append_sentence(&check->details, "Key \"%s\" was found in %s.",
					inf_text_clip(key), scope);
	if (nearest)
		append_sentence(&check->hints, "Perhaps \"%s\" was meant to be \"%s\".",
						key, nearest);
	append_accepted(&check->hints, scope, accepted);
}

/* Names of the fields that apply, NULL-ended. */
static const char **
accepted_keys(const SettingField *fields, InferenceTask task)
{
	const char **keys;
	int			n = 0;

	for (const SettingField *f = fields; f && f->name; f++)
		n++;
	keys = palloc((n + 1) * sizeof(char *));
	n = 0;
	for (const SettingField *f = fields; f && f->name; f++)
		if (field_applies(f, task))
			keys[n++] = f->name;
	keys[n] = NULL;
	return keys;
}

/*
 * ----------
 * Values
 * ----------
 */

static void
add_type_fault(SettingCheck *check, const SettingField *field,
			   const JsonbValue *value, const char *wanted)
{
	const char *shown = inf_setting_quote(field, value);

	/* "384" in quotes is a string, which 384 is not. */
	if (value->type == jbvString)
		shown = psprintf("\"%s\"", shown);
	inf_setting_add_fault(check,
						  "field [%s] is not of the expected type. The value [%s] cannot be converted to a [%s]",
						  field->name, shown, wanted);
}

static void
check_integer(SettingCheck *check, const SettingField *field,
			  const char *scope, const JsonbValue *value)
{
	int			number;

	if (!inf_setting_read_integer(value, &number))
		add_type_fault(check, field, value, "Integer");
	else if (field->min == 1 && number < 1)
		inf_setting_add_fault(check,
							  "[%s] Invalid value [%d]. [%s] must be a positive integer",
							  scope, number, field->name);
	else if (number < field->min)
		inf_setting_add_fault(check,
							  "[%s] Invalid value [%d.0]. [%s] must be a greater than or equal to [%d.0]",
							  scope, number, field->name, field->min);
	else if (field->max > 0 && number > field->max)
		inf_setting_add_fault(check,
							  "[%s] Invalid value [%d.0]. [%s] must be a less than or equal to [%d.0]",
							  scope, number, field->name, field->max);
	else if ((field->flags & SETTING_POWER_OF_TWO) &&
			 (number & (number - 1)) != 0)
		inf_setting_add_fault(check,
							  "[%s] Invalid value [%d]. [%s] must be a power of 2",
							  scope, number, field->name);
}

static void
check_string(SettingCheck *check, const SettingField *field,
			 const char *scope, const JsonbValue *value)
{
	bool		is_url = strcmp(field->name, "url") == 0;
	char	   *text;
	const char *reason;

	if (value->type != jbvString)
	{
		add_type_fault(check, field, value, "String");
		return;
	}
	if (value->val.string.len == 0 && !(field->flags & SETTING_MAY_BE_EMPTY))
	{
		inf_setting_add_fault(check,
							  "[%s] Invalid value empty string. [%s] must be a non-empty string",
							  scope, field->name);
		return;
	}
	text = pnstrdup(value->val.string.val, value->val.string.len);
	reason = field->check ?
		field->check(inf_text_to_utf8(text, strlen(text), NULL)) : NULL;
	if (reason)
		inf_setting_add_fault(check,
							  "[%s] Invalid %s [%s] received for field [%s]. Error: %s",
							  scope, is_url ? "url" : "value",
							  is_url ? quote_url(text) : inf_setting_quote(field, value),
							  field->name, reason);
	else if (field->flags & SETTING_SECRET)
	{
		SettingSecret *secret = palloc(sizeof(SettingSecret));

		secret->name = field->name;
		secret->value = text;
		check->secrets = lappend(check->secrets, secret);
	}
}

static void
check_enum(SettingCheck *check, const SettingField *field,
		   const char *scope, const JsonbValue *value)
{
	StringInfoData choices;

	if (value->type != jbvString)
	{
		add_type_fault(check, field, value, "String");
		return;
	}
	initStringInfo(&choices);
	for (const char *const *choice = field->choices; *choice; choice++)
	{
		if (strlen(*choice) == value->val.string.len &&
			memcmp(*choice, value->val.string.val, value->val.string.len) == 0)
			return;
		appendStringInfo(&choices, "%s%s", choices.len ? ", " : "", *choice);
	}
	inf_setting_add_fault(check,
						  "[%s] Invalid value [%s] received. [%s] must be one of [%s]",
						  scope, inf_setting_quote(field, value), field->name,
						  choices.data);
}

static void
check_group(SettingCheck *check, const SettingField *field,
			const JsonbValue *value)
{
	JsonbValue	copy = *value;

	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		add_type_fault(check, field, value, "Map");
	else
		(void) inf_setting_check_object(check, field->members, field->name,
										JsonbValueToJsonb(&copy));
}

static void
check_value(SettingCheck *check, const SettingField *field,
			const char *scope, const JsonbValue *value)
{
	switch (field->type)
	{
		case SETTING_STRING:
			check_string(check, field, scope, value);
			break;
		case SETTING_INTEGER:
			check_integer(check, field, scope, value);
			break;
		case SETTING_ENUM:
			check_enum(check, field, scope, value);
			break;
		case SETTING_GROUP:
			check_group(check, field, value);
			break;
	}
}

static void
check_required(SettingCheck *check, const SettingField *fields,
			   const char *scope, Jsonb *given)
{
	for (const SettingField *f = fields; f && f->name; f++)
		if ((f->flags & SETTING_REQUIRED) && field_applies(f, check->task) &&
			!((f->flags & SETTING_SECRET) && check->secrets_on_file) &&
			!inf_setting_is_set(given, f->name))
			inf_setting_add_fault(check,
								  "[%s] does not contain the required setting [%s]",
								  scope, f->name);
}

/* A null where only a value can be meant: from an unset variable, perhaps. */
static void
add_null_fault(SettingCheck *check, const char *scope, const char *name)
{
	inf_setting_add_fault(check, "[%s] Invalid value null. [%s] must have a value",
						  scope, name);
	if (strstr(check->hints.data, NULL_HINT) == NULL)
		append_sentence(&check->hints, NULL_HINT);
}

void
inf_setting_check_nulls(SettingCheck *check, const SettingField *fields,
						const char *scope, Jsonb *changes)
{
	const char **accepted = accepted_keys(fields, check->task);
	JsonbIterator *it = JsonbIteratorInit(&changes->root);
	JsonbValue	value;

	(void) JsonbIteratorNext(&it, &value, true);	/* WJB_BEGIN_OBJECT */
	while (JsonbIteratorNext(&it, &value, true) == WJB_KEY)
	{
		char	   *key = pnstrdup(value.val.string.val, value.val.string.len);
		const SettingField *field;
		Jsonb	   *group;

		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&it, &value, true);
		field = find_field(fields, check->task, key, strlen(key));
		group = field && field->type == SETTING_GROUP ?
			inf_setting_object(changes, key) : NULL;
		if (value.type == jbvNull && field == NULL)
			inf_setting_add_unknown(check, scope, accepted, key);
		else if (value.type == jbvNull &&
				 (field->flags & (SETTING_SECRET | SETTING_REQUIRED)))
			add_null_fault(check, scope, key);

		/* A group takes the place of the stored one, with what it lacks. */
		for (const SettingField *f = field ? field->members : NULL; group && f->name; f++)
			if (inf_setting_is_null(group, f->name))
				add_null_fault(check, key, f->name);
	}
}

/* Nulls count as absent; secrets are kept elsewhere. */
static Jsonb *
without_nulls_and_secrets(const SettingField *fields, Jsonb *given)
{
	given = inf_setting_strip_nulls(given);
	for (const SettingField *f = fields; f && f->name; f++)
		if (f->flags & SETTING_SECRET)
			given = inf_setting_remove(given, f->name);
	return given;
}

Jsonb *
inf_setting_check_object(SettingCheck *check, const SettingField *fields,
						 const char *scope, Jsonb *given)
{
	const char **accepted = accepted_keys(fields, check->task);
	JsonbIterator *it;
	JsonbValue	value;

	if (given == NULL)
		given = inf_setting_empty();
	check_required(check, fields, scope, given);

	it = JsonbIteratorInit(&given->root);
	(void) JsonbIteratorNext(&it, &value, true);	/* WJB_BEGIN_OBJECT */
	while (JsonbIteratorNext(&it, &value, true) == WJB_KEY)
	{
		char	   *key = pnstrdup(value.val.string.val, value.val.string.len);
		const SettingField *field;

		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&it, &value, true);
		field = find_field(fields, check->task, key, strlen(key));
		if (value.type != jbvNull && field == NULL)
			inf_setting_add_unknown(check, scope, accepted, key);
		else if (value.type != jbvNull)
			check_value(check, field, scope, &value);
		else if (field && (field->flags & SETTING_SECRET) &&
				 !(field->flags & SETTING_REQUIRED))
			add_null_fault(check, scope, key);
		pfree(key);
	}
	return without_nulls_and_secrets(fields, given);
}

/*
 * ----------
 * The end of a check
 * ----------
 */

void
inf_setting_check_finish(SettingCheck *check)
{
	StringInfoData message;
	ListCell   *lc;
	int			number = 0;

	if (check->faults == NIL && check->unknown.len == 0)
		return;

	initStringInfo(&message);
	if (check->unknown.len > 0)
		appendStringInfo(&message,
						 "Model configuration contains settings [{%s}] unknown to the [%s] service",
						 check->unknown.data, check->service);
	if (check->faults != NIL)
	{
		/* Elasticsearch reports missing settings before unknown ones. */
		if (check->unknown.len > 0)
			check->faults = lappend(check->faults, pstrdup(message.data));
		resetStringInfo(&message);
		appendStringInfoString(&message, "Validation Failed: ");
		foreach(lc, check->faults)
			appendStringInfo(&message, "%d: %s;", ++number,
							 (char *) lfirst(lc));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_internal("%s", message.data),
			 check->details.len ? errdetail_internal("%s", check->details.data) : 0,
			 check->hints.len ? errhint("%s", check->hints.data) : 0));
}
