/*
 * secret.c
 *		A string that is wiped when its memory context goes, and never printed.
 */
#include "postgres.h"

#include "utils/palloc.h"

#include "base/secret.h"
#include "base/secret_scrub.h"

struct InferenceSecret
{
	int			length;
	char		bytes[FLEXIBLE_ARRAY_MEMBER];
};

static void
wipe_secret(void *arg)
{
	InferenceSecret *secret = arg;

	explicit_bzero(secret->bytes, secret->length);
}

InferenceSecret *
inf_secret_make(const char *bytes, int length)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));
	InferenceSecret *secret = palloc(offsetof(InferenceSecret, bytes) + length + 1);

	secret->length = length;
	memcpy(secret->bytes, bytes, length);
	secret->bytes[length] = '\0';
	callback->func = wipe_secret;
	callback->arg = secret;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return secret;
}

const char *
inf_secret_reveal(const InferenceSecret *secret)
{
	return secret->bytes;
}

int
inf_secret_length(const InferenceSecret *secret)
{
	return secret->length;
}

char *
inf_secret_scrub(const InferenceSecret *secret, const char *text, int max_bytes)
{
	/* up to a NUL, if one was stored: no text holds more of it */
	return inf_scrub_text(secret ? secret->bytes : "", text, max_bytes);
}
