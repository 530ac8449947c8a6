/*
 * secret.c
 *		A string that is wiped when its memory context goes, and never printed.
 */
#include "postgres.h"

#include "common/base64.h"
#include "lib/stringinfo.h"
#include "utils/palloc.h"

#include "base/secret.h"

#define REDACTED "[redacted]"

/*
 * Providers show refused keys masked, as in "sk-ab********wxyz": so much of
 * the beginning, a run of so many mask characters, and whatever follows.
 */
#define MASKED_PREFIX_BYTES 3
#define MASK_RUN_BYTES 3

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

/*
 * ----------
 * Scrubbing
 * ----------
 */

/*
 * Replaces what wherever it occurs; of what follows, characters in rest go
 * along.
 */
static char *
replace_all(const char *text, const char *what, const char *rest)
{
	StringInfoData out;
	size_t		length = strlen(what);
	const char *found;

	if (length == 0 || strstr(text, what) == NULL)
		return unconstify(char *, text);
	initStringInfo(&out);
	while ((found = strstr(text, what)) != NULL)
	{
		appendBinaryStringInfo(&out, text, found - text);
		appendStringInfoString(&out, REDACTED);
		text = found + length + strspn(found + length, rest);
	}
	appendStringInfoString(&out, text);
	return out.data;
}

static char *
url_encoded(const char *bytes, const char *digits)
{
	StringInfoData out;

	initStringInfo(&out);
	for (; *bytes; bytes++)
	{
		unsigned char c = *bytes;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') || strchr("-_.~", c) != NULL)
			appendStringInfoChar(&out, c);
		else
			appendStringInfo(&out, "%%%c%c", digits[c >> 4], digits[c & 15]);
	}
	return out.data;
}

#define BASE64_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

/* Base64 without its last characters, which depend on what follows. */
static char *
base64_encoded(const char *bytes)
{
	int			length = strlen(bytes);
	int			size = pg_b64_enc_len(length);
	char	   *out = palloc0(size + 1);

	(void) pg_b64_encode((const void *) bytes, length - length % 3, out, size);
	return out;
}

static bool
is_mask(char c)
{
	return c == '*' || c == '.' || c == 'x' || c == 'X' || c == '#';
}

static bool
ends_word(char c)
{
	return c == '\0' || strchr(" \t\r\n\"',;:)]}<>", c) != NULL;
}

/*
 * The length of a masked form of the key at text, or 0: as much of the key's
 * beginning as there is, a run of mask characters, and the word's rest.
 */
static size_t
masked_length(const char *text, const InferenceSecret *secret)
{
	size_t		prefix = 0;
	size_t		run = 0;
	size_t		end;

	while (prefix < (size_t) secret->length &&
		   text[prefix] == secret->bytes[prefix] && !is_mask(text[prefix]))
		prefix++;
	if (prefix < MASKED_PREFIX_BYTES)
		return 0;
	while (is_mask(text[prefix + run]))
		run++;
	if (run < MASK_RUN_BYTES)
		return 0;
	for (end = prefix + run; !ends_word(text[end]); end++)
		;
	return end;
}

static char *
replace_masked(const char *text, const InferenceSecret *secret)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*text)
	{
		size_t		length = masked_length(text, secret);

		if (length > 0)
		{
			appendStringInfoString(&out, REDACTED);
			text += length;
		}
		else
			appendStringInfoChar(&out, *text++);
	}
	return out.data;
}

char *
inf_secret_scrub(const InferenceSecret *secret, const char *text)
{
	char	   *clean = unconstify(char *, text);

	if (secret == NULL || secret->length == 0)
		return pstrdup(text);
	clean = replace_all(clean, secret->bytes, "");
	clean = replace_all(clean, url_encoded(secret->bytes, "0123456789ABCDEF"), "");
	clean = replace_all(clean, url_encoded(secret->bytes, "0123456789abcdef"), "");
	clean = replace_all(clean, base64_encoded(secret->bytes), BASE64_CHARACTERS);
	clean = replace_all(clean, base64_encoded(psprintf("Bearer %s", secret->bytes)),
						BASE64_CHARACTERS);
	clean = replace_all(clean, base64_encoded(psprintf("ApiKey %s", secret->bytes)),
						BASE64_CHARACTERS);
	clean = replace_masked(clean, secret);
	return clean == text ? pstrdup(text) : clean;
}
