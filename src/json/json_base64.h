/*
 * json_base64.h
 *		Base64 that comes in pieces.
 *
 * Plain C: no server header, no allocation, nothing throws.
 */
#ifndef INFERENCE_JSON_JSON_BASE64_H
#define INFERENCE_JSON_JSON_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero before the first piece. */
typedef struct Base64
{
	uint32_t	bits;			/* of the digits that make no three bytes yet */
	int			ndigits;		/* how many: 0 to 3 */
	int			npadding;		/* "=" seen: only "=" may follow */
} Base64;

/*
 * Decodes digits up to the first byte that is none, or the end; returns how
 * many were taken.  *out moves on; up to 3 bytes per 4 digits, and 3 more, are
 * written there.
 */
extern size_t inf_base64_decode(Base64 *state, const char *digits, size_t length,
								unsigned char **out);

/* Writes what is left; false if the digits do not make whole bytes. */
extern bool inf_base64_end(Base64 *state, unsigned char **out);

#endif							/* INFERENCE_JSON_JSON_BASE64_H */
