/*
 * hex.h
 *		Hexadecimal digits, for rooms that work without a server.
 */
#ifndef INFERENCE_BASE_HEX_H
#define INFERENCE_BASE_HEX_H

/* The value of a digit, of either case, or -1: it is none. */
static inline int
inf_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif							/* INFERENCE_BASE_HEX_H */
