/*
 * json_float_bytes.h
 *		The numbers of a vector that came as bytes, in base64.
 *
 * They should be float32 in little-endian order, but nothing in an answer says
 * so, and servers are known that send float64, or what their machine or library
 * has.  What can be told by the number of bytes and by the look of the numbers
 * is told here.
 *
 * Plain C: no server header, no allocation, nothing throws.
 */
#ifndef INFERENCE_JSON_JSON_FLOAT_BYTES_H
#define INFERENCE_JSON_JSON_FLOAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Turns bytes into floats where they lie; *n is how many.  wanted (0: not known)
 * is how many there should be: float64 is only read as such if their number
 * then fits.  Returns NULL, or what the bytes are not, fit to follow "an embedding
 * is not ".
 *
 * *bad_element is the first that is not finite, or -1; out_of_range, whether it
 * was a finite float64.
 */
extern const char *inf_float_bytes_decode(float *values, size_t nbytes,
										  int wanted, int *n, int *bad_element,
										  bool *out_of_range);

#endif							/* INFERENCE_JSON_JSON_FLOAT_BYTES_H */
