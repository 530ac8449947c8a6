/*
 * setting_read.h
 *		Reads and combines stored settings.
 *
 * Stored settings were checked when they were put, but perhaps by another
 * version, or came with a restored dump: a value of an unexpected type reads
 * as absent.
 */
#ifndef INFERENCE_SETTINGS_SETTING_READ_H
#define INFERENCE_SETTINGS_SETTING_READ_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/types.h"

/* Database encoding, palloc'ed; NULL if absent. */
extern char *inf_setting_string(Jsonb *settings, const char *name);

/* The same in UTF-8, for the wire. */
extern char *inf_setting_utf8(Jsonb *settings, const char *name);

/* fallback if absent. */
extern int	inf_setting_integer(Jsonb *settings, const char *name, int fallback);

/* Any member; NULL if absent. */
extern JsonbValue *inf_setting_find(Jsonb *settings, const char *name);

/* Dimensions of a model's vectors, as set or found out; 0: not known. */
extern int	inf_setting_dimensions(const InferenceModel *model);


/* A member object; NULL if absent or no object. */
extern Jsonb *inf_setting_object(Jsonb *settings, const char *name);

extern bool inf_setting_is_set(Jsonb *settings, const char *name);
extern bool inf_setting_is_null(Jsonb *settings, const char *name);
extern Jsonb *inf_setting_empty(void);
extern Jsonb *inf_setting_merge(Jsonb *base, Jsonb *overlay);
extern Jsonb *inf_setting_remove(Jsonb *settings, const char *name);
extern Jsonb *inf_setting_strip_nulls(Jsonb *settings);
extern bool inf_setting_equal(Jsonb *a, Jsonb *b);
extern Jsonb *inf_setting_parse(const char *json);

/*
 * Settings as a user gives them.  Throws 54000 if they are larger than
 * INF_MAX_SETTINGS_BYTES; what ("task_settings") names them in the error.
 */
extern Jsonb *inf_setting_detoast(Datum json, const char *what);
extern void inf_setting_check_size(Size bytes, const char *what);

/* False unless value is a number written without a point, within 32 bits. */
extern bool inf_setting_read_integer(const JsonbValue *value, int *result);

/* The text of a scalar, or the JSON of anything else. */
extern char *inf_setting_value_text(const JsonbValue *value);

#endif							/* INFERENCE_SETTINGS_SETTING_READ_H */
