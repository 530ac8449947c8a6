/*
 * json_tree.h
 *		Small JSON documents, read as strictly as they are written.
 *
 * UTF-8 is validated; NaN, Infinity, duplicate keys, NUL or lone surrogates
 * inside strings, trailing bytes and deep nesting are refused.  Plain C: no
 * server header, nothing throws; the tree is malloc'ed.
 */
#ifndef INFERENCE_JSON_JSON_TREE_H
#define INFERENCE_JSON_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value; NULL is JSON's null, and what a function finds that finds nothing. */
typedef struct json_object JsonTree;

/*
 * Parses length bytes that nest at most max_depth deep.  False if they are not
 * exactly one JSON value: *reason, a static string, is fit to follow "... is
 * not valid JSON: ".  The caller frees *root.
 */
extern bool inf_json_tree_parse(const char *bytes, size_t length, int max_depth,
								JsonTree **root, const char **reason);
extern void inf_json_tree_free(JsonTree *root);

extern bool inf_json_tree_is_object(const JsonTree *value);
extern bool inf_json_tree_is_array(const JsonTree *value);

/* Member of an object by name; NULL if value is no object or lacks it. */
extern const JsonTree *inf_json_tree_member(const JsonTree *value,
											const char *name);

/* How many members or elements there are; 0 of other values. */
extern size_t inf_json_tree_count(const JsonTree *value);

/* Element of an array, counted from 0; NULL if value is no array, or shorter. */
extern const JsonTree *inf_json_tree_element(const JsonTree *value, size_t i);

/*
 * Calls visit for each member of an object, in their order in the document,
 * until it returns false; whether it never did.
 */
typedef bool (*JsonTreeVisit) (void *context, const char *name,
							   const JsonTree *value);
extern bool inf_json_tree_each(const JsonTree *value, JsonTreeVisit visit,
							   void *context);

/* NULL unless value is a string; it ends with a NUL and holds no other. */
extern const char *inf_json_tree_string(const JsonTree *value);

/*
 * False unless value is of that kind.  An integer is written without fraction
 * and exponent and fits; every number is a double.
 */
extern bool inf_json_tree_boolean(const JsonTree *value, bool *boolean);
extern bool inf_json_tree_integer(const JsonTree *value, int64_t *integer);
extern bool inf_json_tree_number(const JsonTree *value, double *number);

#endif							/* INFERENCE_JSON_JSON_TREE_H */
