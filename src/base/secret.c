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

/*
 * A shorter secret is looked for as a whole word and as it is: its letters are
 * in every other word, and a message must stay readable.
 */
#define MIN_PART_BYTES 4

#define BASE64_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

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
 *
 * Each function named *_length says how many bytes at a place of the text are
 * the secret in one of its forms, 0 if they are not.
 * ----------
 */

/*
 * The secret up to a NUL, if one was stored: no text holds more of it, and the
 * functions below stop at the text's own NUL because the key holds none.
 */
typedef struct SecretForms
{
	const char *key;
	size_t		length;
	char	   *base64[3];		/* of the key behind no and each scheme */
} SecretForms;

static bool
is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z') || IS_HIGHBIT_SET(c);
}

static size_t
plain_length(const SecretForms *forms, const char *text, const char *at)
{
	size_t		length = forms->length;

	if (strncmp(at, forms->key, length) != 0)
		return 0;
	if (length < MIN_PART_BYTES &&
		((at > text && is_word_byte(at[-1])) || is_word_byte(at[length])))
		return 0;
	return length;
}

/* The number that so many hexadecimal digits write, or -1. */
static int
hex_number(const char *digits, int ndigits)
{
	int			number = 0;

	for (int i = 0; i < ndigits; i++)
	{
		char		c = digits[i];

		if (c >= '0' && c <= '9')
			number = number * 16 + c - '0';
		else if (c >= 'a' && c <= 'f')
			number = number * 16 + c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			number = number * 16 + c - 'A' + 10;
		else
			return -1;
	}
	return number;
}

/* One byte of the secret: as it is, or escaped as in URLs or in JSON. */
static size_t
escaped_byte_length(unsigned char byte, const char *at)
{
	if (at[0] == '%' && hex_number(at + 1, 2) == byte)
		return 3;
	if (at[0] == '\\' && at[1] == 'u' && hex_number(at + 2, 4) == byte)
		return 6;
	if (at[0] == '\\' && (unsigned char) at[1] == byte &&
		(byte == '"' || byte == '\\' || byte == '/'))
		return 2;
	return (unsigned char) at[0] == byte ? 1 : 0;
}

/* Byte by byte, since no two writers agree on what they escape. */
static size_t
escaped_length(const SecretForms *forms, const char *at)
{
	const char *next = at;

	for (size_t i = 0; i < forms->length; i++)
	{
		size_t		length = escaped_byte_length(forms->key[i], next);

		if (length == 0)
			return 0;
		next += length;
	}
	return next - at;
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
 * The masked form: as much of the key's beginning as there is, a run of mask
 * characters, and the word's rest.  The key may hold mask characters itself;
 * those next to the run count as part of it.
 */
static size_t
masked_length(const SecretForms *forms, const char *at)
{
	size_t		prefix = 0;
	size_t		end;

	while (prefix < forms->length && at[prefix] == forms->key[prefix])
		prefix++;
	for (end = prefix; is_mask(at[end]); end++)
		;
	while (prefix > 0 && is_mask(at[prefix - 1]))
		prefix--;
	if (prefix < MASKED_PREFIX_BYTES || end - prefix < MASK_RUN_BYTES)
		return 0;
	while (!ends_word(at[end]))
		end++;
	return end;
}

/* Without its last characters, which depend on what follows. */
static char *
base64_encoded(const char *scheme, const char *key)
{
	char	   *plain = psprintf("%s%s", scheme, key);
	int			length = strlen(plain);
	int			size = pg_b64_enc_len(length);
	char	   *out = palloc0(size + 1);

	if (pg_b64_encode((const void *) plain, length - length % 3, out, size) < 0)
		elog(ERROR, "could not encode base64");
	explicit_bzero(plain, length);
	pfree(plain);
	return out;
}

static size_t
base64_length(const char *encoded, const char *at)
{
	size_t		length = strlen(encoded);

	if (strncmp(at, encoded, length) != 0)
		return 0;
	return length + strspn(at + length, BASE64_CHARACTERS);
}

static size_t
any_length(const SecretForms *forms, const char *text, const char *at)
{
	size_t		length = plain_length(forms, text, at);

	if (length > 0 || forms->length < MIN_PART_BYTES)
		return length;
	length = escaped_length(forms, at);
	for (int i = 0; i < 3 && length == 0; i++)
		length = base64_length(forms->base64[i], at);
	return length > 0 ? length : masked_length(forms, at);
}

char *
inf_secret_scrub(const InferenceSecret *secret, const char *text)
{
	static const char *const schemes[] = {"", "Bearer ", "ApiKey "};
	SecretForms forms;
	StringInfoData out;

	if (secret == NULL || secret->bytes[0] == '\0')
		return pstrdup(text);
	forms.key = secret->bytes;
	forms.length = strlen(forms.key);
	for (int i = 0; i < 3; i++)
		forms.base64[i] = base64_encoded(schemes[i], forms.key);

	/* One walk: what was put in place of a secret is not looked at again. */
	initStringInfo(&out);
	for (const char *at = text; *at != '\0';)
	{
		size_t		length = any_length(&forms, text, at);

		if (length > 0)
			appendStringInfoString(&out, REDACTED);
		else
			appendStringInfoChar(&out, *at);
		at += length > 0 ? length : 1;
	}
	for (int i = 0; i < 3; i++)
	{
		explicit_bzero(forms.base64[i], strlen(forms.base64[i]));
		pfree(forms.base64[i]);
	}
	return out.data;
}
