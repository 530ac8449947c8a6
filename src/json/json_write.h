/*
 * json_write.h
 *		Writes request bodies.  Escaping lives here only.
 */
#ifndef INFERENCE_JSON_JSON_WRITE_H
#define INFERENCE_JSON_JSON_WRITE_H

#include "lib/stringinfo.h"

#include "base/types.h"

/* A UTF-8 string, quoted and escaped. */
extern void inf_json_append_string(StringInfo json, const char *utf8);

/* ["...", ...] */
extern void inf_json_append_string_array(StringInfo json,
										 const InferenceInput *inputs,
										 int ninputs);

#endif							/* INFERENCE_JSON_JSON_WRITE_H */
