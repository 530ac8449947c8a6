/*
 * json_scan.h
 *		Whether bytes are JSON, by RFC 8259 and nothing beyond it.
 *
 * Plain C: no allocation, no throw.
 */
#ifndef INFERENCE_JSON_JSON_SCAN_H
#define INFERENCE_JSON_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * NULL if they are one JSON value, else a static string that says why not, fit
 * to follow "... is not valid JSON: ".  Beyond the grammar it refuses what we
 * cannot hold or do not trust: NUL or a lone surrogate escaped in a string,
 * ill-formed UTF-8, nesting deeper than max_depth.  *nmembers counts the members
 * of all objects; members of one name are for the caller to see.
 */
extern const char *inf_json_scan(const char *bytes, size_t length,
								 int max_depth, size_t *nmembers);

#endif							/* INFERENCE_JSON_JSON_SCAN_H */
