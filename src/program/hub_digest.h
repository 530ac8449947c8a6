/*
 * hub_digest.h
 *		Whether a file is the one that the hub has.  The only user of libcrypto.
 */
#ifndef INFERENCE_PROGRAM_HUB_DIGEST_H
#define INFERENCE_PROGRAM_HUB_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine_error.h"

typedef enum HubDigestKind
{
	HUB_DIGEST_SHA256,			/* of the bytes */
	HUB_DIGEST_GIT				/* sha1 of "blob <size>", a NUL and the bytes:
								 * the name git gives to a file */
} HubDigestKind;

/* Digits, and a NUL. */
#define HUB_DIGEST_SIZE 65

typedef struct HubDigest
{
	HubDigestKind kind;
	char		digits[HUB_DIGEST_SIZE];	/* hexadecimal, lower case */
} HubDigest;

/*
 * Whether digits are those of a digest of that kind, which *digest then has;
 * digits may be NULL.
 */
extern bool inf_hub_digest_read(HubDigest *digest, HubDigestKind kind,
								const char *digits);

/*
 * Reads fd from its first byte to size, and sets *is_equal.  False, and why, if
 * it cannot be read.
 */
extern bool inf_hub_digest_check(const HubDigest *digest, int fd, int64_t size,
								 bool *is_equal, EngineError *error);

#endif							/* INFERENCE_PROGRAM_HUB_DIGEST_H */
