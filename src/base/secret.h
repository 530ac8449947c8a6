/*
 * secret.h
 *		A string that is wiped when its memory context goes, and never printed.
 */
#ifndef INFERENCE_BASE_SECRET_H
#define INFERENCE_BASE_SECRET_H

#include "postgres.h"

/*
 * Longest key of a model.  Keys travel in a header, for which servers take 8 kB
 * with all others; and a row with it must fit into a page, since what is stored
 * out of line can be read by members of pg_read_all_data.
 */
#define INF_MAX_KEY_BYTES 4096

typedef struct InferenceSecret InferenceSecret;

/* Copies length bytes into the current memory context. */
extern InferenceSecret *inf_secret_make(const char *bytes, int length);

/* The bytes, NUL-terminated; they live as long as the secret. */
extern const char *inf_secret_reveal(const InferenceSecret *secret);
extern int	inf_secret_length(const InferenceSecret *secret);

/*
 * A copy of the first max_bytes of text without the secret (may be NULL), in all
 * forms that secret_scrub.h names.
 */
extern char *inf_secret_scrub(const InferenceSecret *secret, const char *text,
							  int max_bytes);

#endif							/* INFERENCE_BASE_SECRET_H */
