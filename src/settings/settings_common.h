/*
 * settings_common.h
 *		Rows that the tables of several services share.
 */
#ifndef INFERENCE_SETTINGS_SETTINGS_COMMON_H
#define INFERENCE_SETTINGS_SETTINGS_COMMON_H

#include "settings/setting_field.h"

extern const char *const inf_similarity_choices[];
extern const SettingField inf_rate_limit_fields[];

/* NULL, or why value cannot stand in an HTTP header. */
extern const char *inf_setting_check_header(const char *value);

/* The same for a key, which has a greatest length. */
extern const char *inf_setting_check_key(const char *value);

/* NULL, or why a key cannot go in a header of that name. */
extern const char *inf_setting_check_header_name(const char *name);

#define INF_SETTING_API_KEY(required, text) \
	{.name = "api_key", .type = SETTING_STRING, \
	 .flags = SETTING_SECRET | (required), \
	 .check = inf_setting_check_key, .description = text}

/* How the key goes; service/request_body.c reads these. */
#define INF_SETTING_API_KEY_HEADER \
	{.name = "api_key_header", .type = SETTING_STRING, \
	 .check = inf_setting_check_header_name, \
	 .default_text = "Authorization", \
	 .description = "header that the key is sent in, such as api-key"}

#define INF_SETTING_API_KEY_SCHEME(otherwise) \
	{.name = "api_key_scheme", .type = SETTING_STRING, \
	 .flags = SETTING_MAY_BE_EMPTY, .check = inf_setting_check_header, \
	 .default_text = otherwise ", or none if api_key_header names another header", \
	 .description = "word before the key in its header; empty for none"}

/* Stored vectors depend on these three, so they stay as they were put. */
#define INF_SETTING_DIMENSIONS(task, otherwise, text) \
	{.name = "dimensions", .type = SETTING_INTEGER, .flags = SETTING_FIXED, \
	 .tasks = (task), .min = 1, .max = INF_MAX_DIMENSIONS, \
	 .default_text = otherwise, .description = text}

#define INF_SETTING_SIMILARITY(task, otherwise) \
	{.name = "similarity", .type = SETTING_ENUM, .flags = SETTING_FIXED, \
	 .tasks = (task), .choices = inf_similarity_choices, \
	 .default_text = otherwise, \
	 .description = "measure by which the model's vectors are compared"}

#define INF_SETTING_MODEL_ID(text) \
	{.name = "model_id", .type = SETTING_STRING, .flags = SETTING_FIXED, \
	 .description = text}

#define INF_SETTING_MAX_INPUT_TOKENS(task) \
	{.name = "max_input_tokens", .type = SETTING_INTEGER, .tasks = (task), \
	 .min = 1, .default_text = "texts are sent whole", \
	 .description = "texts are cut to three characters for each of these tokens"}

#define INF_SETTING_RATE_LIMIT(task) \
	{.name = "rate_limit", .type = SETTING_GROUP, .tasks = (task), \
	 .members = inf_rate_limit_fields, .default_text = "none", \
	 .description = "requests_per_minute: most requests that a session starts in a minute"}

/* pgvector's vector type holds 16,000; no model that we know comes near. */
#define INF_MAX_DIMENSIONS 65536

#endif							/* INFERENCE_SETTINGS_SETTINGS_COMMON_H */
