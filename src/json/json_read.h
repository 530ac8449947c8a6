/*
 * json_read.h
 *		Reads small JSON that came over the network: what services say of
 *		errors.  Embeddings are read by json_stream.h.
 *
 * As strict as that: UTF-8 is validated; NaN, Infinity,
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

/*
 * Parses length bytes.  Returns false, and a reason in *reason (static or in
 * context, fit to follow "the answer is not valid JSON: "), if they are not
 * exactly one JSON value.  *root may be NULL for the JSON null.  The tree is
 * freed when context is reset or deleted.
 */
extern bool inf_json_parse(const char *bytes, size_t length,
						   MemoryContext context,
						   InfJson **root, const char **reason);

/* Member of an object by name; NULL if value is no object or lacks it. */
extern InfJson *inf_json_member(const InfJson *value, const char *name);

/* NULL unless value is a string. */
extern const char *inf_json_string(const InfJson *value);

#endif							/* INFERENCE_JSON_JSON_READ_H */
