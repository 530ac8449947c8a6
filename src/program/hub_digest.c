/*
 * hub_digest.c
 *		Whether a file is the one that the hub has.
 */
#include "program/hub_digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#define BUFFER_BYTES (256 * 1024)

static const EVP_MD *
algorithm_of(HubDigestKind kind)
{
	return kind == HUB_DIGEST_SHA256 ? EVP_sha256() : EVP_sha1();
}

bool
inf_hub_digest_read(HubDigest *digest, HubDigestKind kind, const char *digits)
{
	const size_t length = kind == HUB_DIGEST_SHA256 ? 64 : 40;

	if (digits == NULL || strlen(digits) != length ||
		strspn(digits, "0123456789abcdef") != length)
		return false;
	digest->kind = kind;
	strcpy(digest->digits, digits);
	return true;
}

/* Feeds all bytes of a file, which has to have size of them. */
static bool
digest_file(EVP_MD_CTX *context, int fd, int64_t size, EngineError *error)
{
	char	   *buffer = malloc(BUFFER_BYTES);
	int64_t		at = 0;
	bool		good = buffer != NULL;

	if (!good)
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	while (good && at < size)
	{
		const size_t wanted = size - at < BUFFER_BYTES ? size - at : BUFFER_BYTES;
		const ssize_t n = pread(fd, buffer, wanted, at);

		if (n > 0)
		{
			good = EVP_DigestUpdate(context, buffer, n) == 1 ||
				inf_engine_fail(error, ENGINE_NO_MEMORY, "libcrypto cannot go on with a digest");
			at += n;
		}
		else if (n == 0 || errno != EINTR)
			good = inf_engine_fail(error, ENGINE_NO_FILE, "could not read the file back: %s",
								   n == 0 ? "it is shorter than before" : strerror(errno));
	}
	free(buffer);
	return good;
}

/* Writes the digits of a file's digest. */
static bool
compute(EVP_MD_CTX *context, HubDigestKind kind, int fd, int64_t size,
		char digits[HUB_DIGEST_SIZE], EngineError *error)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int nbytes = 0;
	char		head[32];
	const int	head_length = snprintf(head, sizeof(head), "blob %" PRId64, size) + 1;

	if (EVP_DigestInit_ex(context, algorithm_of(kind), NULL) != 1 ||
		(kind == HUB_DIGEST_GIT && EVP_DigestUpdate(context, head, head_length) != 1))
		return inf_engine_fail(error, ENGINE_UNSUPPORTED, "libcrypto has no %s",
							   kind == HUB_DIGEST_SHA256 ? "sha256" : "sha1");
	if (!digest_file(context, fd, size, error))
		return false;
	if (EVP_DigestFinal_ex(context, bytes, &nbytes) != 1)
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "libcrypto cannot end a digest");
	for (unsigned int i = 0; i < nbytes && 2 * i + 2 < HUB_DIGEST_SIZE; i++)
		(void) snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

bool
inf_hub_digest_check(const HubDigest *digest, int fd, int64_t size,
					 bool *is_equal, EngineError *error)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	char		digits[HUB_DIGEST_SIZE] = "";
	bool		good;

	*is_equal = false;
	if (context == NULL)
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	good = compute(context, digest->kind, fd, size, digits, error);
	EVP_MD_CTX_free(context);
	*is_equal = good && strcmp(digits, digest->digits) == 0;
	return good;
}
