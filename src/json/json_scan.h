/*
 * json_scan.h
 *		A look at JSON before it is parsed, for what json-c lets pass.
 *
 * Plain C: no allocation, no throw.
 */
#ifndef INFERENCE_JSON_JSON_SCAN_H
#define INFERENCE_JSON_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * NULL if nothing is wrong, else a static string that says what is: NUL or a
 * lone surrogate escaped in a string, a control character or ill-formed UTF-8
 * in one, a word other than true, false and null outside of one, a number not
 * written as JSON writes it, nesting deeper than max_depth.  *nmembers counts
 * the members of all objects.  What is not looked at here (what may follow
 * what) is left to the parser.
 */
extern const char *inf_json_scan(const char *bytes, size_t length,
								 int max_depth, size_t *nmembers);

#endif							/* INFERENCE_JSON_JSON_SCAN_H */
