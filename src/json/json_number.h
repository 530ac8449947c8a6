/*
 * json_number.h
 *		Numbers of JSON as float32, quickly: answers are made of them.
 *
 * Plain C: no server header, no allocation, nothing throws.
 */
#ifndef INFERENCE_JSON_JSON_NUMBER_H
#define INFERENCE_JSON_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes that must be readable from the number's first on: a sign, "0.", eight
 * zeros, twenty digits, and an exponent with what follows it.
 */
#define INF_JSON_NUMBER_ROOM 40

/*
 * Reads a number of JSON's grammar at text, where INF_JSON_NUMBER_ROOM bytes
 * can be read, and returns where it ends.  NULL: no such number, or one that is
 * left to inf_json_read_float().  *value is what strtof() would give, bit by
 * bit.
 */
extern const char *inf_json_scan_float(const char *text, float *value);

/*
 * Whether text, which ends with a NUL, is one number of JSON's grammar that
 * float32 can hold.  *in_range is false if only that was wrong.
 */
extern bool inf_json_read_float(const char *text, float *value, bool *in_range);

#endif							/* INFERENCE_JSON_JSON_NUMBER_H */
