/*
 * setting_field.h
 *		Settings of a service as tables of fields, and the checker that holds a
 *		configuration against them.
 *
 * The checker reads the user's jsonb itself, because jsonb keeps 5.0 apart
 * from 5, and gathers every fault of a configuration before anything is
 * thrown.  Texts follow Elasticsearch's, so that its users find what they
 * search for.
 */
#ifndef INFERENCE_SETTINGS_SETTING_FIELD_H
#define INFERENCE_SETTINGS_SETTING_FIELD_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "base/types.h"

/* The two objects of a configuration that hold settings. */
#define INF_SERVICE_SETTINGS "service_settings"
#define INF_TASK_SETTINGS "task_settings"

typedef enum SettingType
{
	SETTING_STRING,
	SETTING_INTEGER,			/* 32 bits; bounds in min and max */
	SETTING_ENUM,				/* one of choices */
	SETTING_GROUP				/* an object; see members */
} SettingType;

/* Flags of a field. */
#define SETTING_REQUIRED		(1 << 0)
#define SETTING_SECRET			(1 << 1)	/* kept apart, never shown */
#define SETTING_FIXED			(1 << 2)	/* inference_update refuses it */
#define SETTING_POWER_OF_TWO	(1 << 3)
#define SETTING_MAY_BE_EMPTY	(1 << 4)	/* of strings */

/* One key of service_settings or task_settings; a NULL name ends a table. */
typedef struct SettingField
{
	const char *name;
	SettingType type;
	int			flags;
	int			tasks;			/* bits of InferenceTask; 0: all */

	/* Integers.  max 0: none beyond 32 bits. */
	int			min;
	int			max;

	const char *const *choices; /* enums: sorted, NULL-ended */
	const struct SettingField *members; /* groups */

	/* What happens without the setting, for people; NULL: nothing to say. */
	const char *default_text;

	/* Strings: NULL, or why the value, in UTF-8, will not do. */
	const char *(*check) (const char *value);
	const char *description;
} SettingField;

/* A secret that was found in a configuration. */
typedef struct SettingSecret
{
	const char *name;
	char	   *value;			/* database encoding */
} SettingSecret;

/* What a check is told and what it gathers. */
typedef struct SettingCheck
{
	/* Input */
	InferenceTask task;			/* 0: not known, so every field applies */
	const char *service;
	bool		secrets_on_file;	/* an update: keys need not be given again */

	/* Output */
	List	   *faults;			/* of char *, in order */
	List	   *secrets;		/* of SettingSecret * */
	int			nunknown;		/* unknown keys, listed or not */
	StringInfoData unknown;		/* "a=..., b=...": unknown keys, Java's way */
	StringInfoData details;		/* where unknown keys stand */
	StringInfoData hints;		/* accepted keys, nearest spelling */
} SettingCheck;

extern void inf_setting_check_init(SettingCheck *check, InferenceTask task,
								   const char *service);

/*
 * Checks given (NULL: absent) against fields.  Returns what is to be stored if
 * all of it is good: given without nulls and secrets.
 */
extern Jsonb *inf_setting_check_object(SettingCheck *check,
									   const SettingField *fields,
									   const char *scope, Jsonb *given);

/*
 * Adds a fault for each null of a change that would silently leave things as
 * they are, or worse: of secrets, required and unknown settings, in groups.
 */
extern void inf_setting_check_nulls(SettingCheck *check,
									const SettingField *fields,
									const char *scope, Jsonb *changes);

/* Notes a fault, formatted. */
#define inf_setting_add_fault(check, ...) \
	((check)->faults = lappend((check)->faults, psprintf(__VA_ARGS__)))

extern void inf_setting_add_unknown(SettingCheck *check, const char *scope,
									const char *const *accepted,
									const char *key);

/* A value of a known field as messages show it; "..." if it may be a secret. */
extern const char *inf_setting_quote(const SettingField *field,
									 const JsonbValue *value);

/* Throws 22023 with all that was gathered, if anything was. */
extern void inf_setting_check_finish(SettingCheck *check);

extern const char *inf_setting_type_name(SettingType type);

#endif							/* INFERENCE_SETTINGS_SETTING_FIELD_H */
