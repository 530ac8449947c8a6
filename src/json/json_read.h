/*
 * json_read.h
 *		Reads JSON that came over the network.
 *
 * One strict parser for every answer: UTF-8 is validated; NaN, Infinity,
 * duplicate keys, NUL or lone surrogates inside strings, trailing bytes and
 * nesting deeper than INF_JSON_MAX_DEPTH are refused.  Nothing here throws; a
 * document must be freed, also when an error passes over (the tree is
 * malloc'ed), for which inf_json_parse registers a callback with the memory
 * context it is given.
 */
#ifndef INFERENCE_JSON_JSON_READ_H
#define INFERENCE_JSON_JSON_READ_H

#include "postgres.h"

#include "utils/palloc.h"

/*
 * The deepest answer we know (Elasticsearch's errors) nests 8 levels; 32 is
 * also json-c's own default.
 */
#define INF_JSON_MAX_DEPTH 32

/* A value inside a document; lives as long as the document. */
typedef struct json_object InfJson;

typedef enum InfJsonType
{
	INF_JSON_NULL,
	INF_JSON_BOOLEAN,
	INF_JSON_NUMBER,
	INF_JSON_STRING,
	INF_JSON_ARRAY,
	INF_JSON_OBJECT
} InfJsonType;

/*
 * Parses length bytes.  Returns false, and a reason in *reason (static or in
 * context, fit to follow "the answer is not valid JSON: "), if they are not
 * exactly one JSON value.  *root may be NULL for the JSON null.  The tree is
 * freed when context is reset or deleted.
 */
extern bool inf_json_parse(const char *bytes, size_t length,
						   MemoryContext context,
						   InfJson **root, const char **reason);

extern InfJsonType inf_json_type(const InfJson *value);
extern const char *inf_json_type_name(InfJsonType type);

/* Member of an object by name; NULL if value is no object or lacks it. */
extern InfJson *inf_json_member(const InfJson *value, const char *name);

extern size_t inf_json_array_length(const InfJson *array);
extern InfJson *inf_json_array_element(const InfJson *array, size_t i);

/* NULL unless value is a string; *length (may be NULL) in bytes. */
extern const char *inf_json_string(const InfJson *value, size_t *length);

/* False unless value is a number that a float32 can hold (finite). */
extern bool inf_json_float(const InfJson *value, float *result);

/* fallback unless value is a boolean. */
extern bool inf_json_boolean(const InfJson *value, bool fallback);

/* False unless value is an integer written as one and within int64. */
extern bool inf_json_int64(const InfJson *value, int64 *result);

/* Calls visit for each member in document order until it returns false. */
typedef bool (*InfJsonVisitor) (const char *name, InfJson *value, void *state);
extern size_t inf_json_object_size(const InfJson *object);
extern bool inf_json_visit_members(const InfJson *object,
								   InfJsonVisitor visit, void *state);

#endif							/* INFERENCE_JSON_JSON_READ_H */
