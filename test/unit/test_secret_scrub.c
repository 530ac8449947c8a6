/*
 * test_secret_scrub.c
 *		Keys in texts, in all forms, at all places, whole and in part.
 */
#include "postgres.h"

#include <stdlib.h>
#include <time.h>

#include "base/secret_scrub.h"

#include "check.h"

#define KEY "sk-aB3+/dE=fG\"hI\\jK&lM%nO_pQ-rS.tU"

/* Stand in for the server. */
void *
palloc(Size size)
{
	return malloc(size);
}

void *
palloc0(Size size)
{
	return calloc(1, size);
}

void
pfree(void *pointer)
{
	free(pointer);
}

/* What becomes of a text; static. */
static const char *
scrub_up_to(const char *key, const char *text, int max_bytes)
{
	static char *result = NULL;

	free(result);
	result = inf_scrub_text(key, text, max_bytes);
	return result;
}

static const char *
scrub(const char *key, const char *text)
{
	return scrub_up_to(key, text, 100000);
}

typedef char *(*Encode) (const char *bytes, int length);

static char *
encode_plain(const char *bytes, int length)
{
	return strndup(bytes, length);
}

static char *
encode_with(const char *bytes, int length, const char *format)
{
	char	   *out = calloc(length + 1, 8);

	for (int i = 0; i < length; i++)
		snprintf(out + strlen(out), 8, format, (unsigned char) bytes[i]);
	return out;
}

static char *
encode_hex(const char *bytes, int length)
{
	return encode_with(bytes, length, "%02x");
}

static char *
encode_upper_hex(const char *bytes, int length)
{
	return encode_with(bytes, length, "%02X");
}

/* As dumps of bytes have them. */
static char *
encode_hex_spaced(const char *bytes, int length)
{
	char	   *out = encode_with(bytes, length, "%02x ");

	out[strlen(out) - 1] = '\0';
	return out;
}

static char *
encode_hex_colons(const char *bytes, int length)
{
	char	   *out = encode_with(bytes, length, "%02X:");

	out[strlen(out) - 1] = '\0';
	return out;
}

static char *
encode_percent(const char *bytes, int length)
{
	return encode_with(bytes, length, "%%%02x");
}

static char *
encode_unicode(const char *bytes, int length)
{
	return encode_with(bytes, length, "\\u%04X");
}

static char *
encode_reference(const char *bytes, int length)
{
	return encode_with(bytes, length, "&#%d;");
}

/* Only what must be escaped, as most writers do. */
static char *
encode_json(const char *bytes, int length)
{
	char	   *out = calloc(length + 1, 2);
	char	   *at = out;

	for (int i = 0; i < length; i++)
	{
		if (strchr("\"\\/", bytes[i]))
			*at++ = '\\';
		*at++ = bytes[i];
	}
	return out;
}

static char *
encode_html(const char *bytes, int length)
{
	char	   *out = calloc(length + 1, 8);

	for (int i = 0; i < length; i++)
		snprintf(out + strlen(out), 8, bytes[i] == '&' ? "&amp;" : bytes[i] == '"' ? "&quot;" : "%c",
				bytes[i]);
	return out;
}

static char *
base64(const char *bytes, int length, const char *last_digits)
{
	char	   *out = calloc(length + 3, 2);
	int			n = 0;

	for (int i = 0; i < length; i += 3)
	{
		unsigned int three = 0;

		for (int j = 0; j < 3; j++)
			three = three << 8 | (i + j < length ? (unsigned char) bytes[i + j] : 0);
		for (int j = 0; j < 4; j++)
		{
			int			digit = three >> (18 - 6 * j) & 63;

			out[n++] = i * 8 + j * 6 >= length * 8 ? '=' :
				digit < 26 ? 'A' + digit : digit < 52 ? 'a' + digit - 26 :
				digit < 62 ? '0' + digit - 52 : last_digits[digit - 62];
		}
	}
	return out;
}

static char *
encode_base64(const char *bytes, int length)
{
	return base64(bytes, length, "+/");
}

static char *
encode_base64url(const char *bytes, int length)
{
	return base64(bytes, length, "-_");
}

/* As mail does: a line break now and then. */
static char *
encode_base64_lines(const char *bytes, int length)
{
	char	   *one = encode_base64(bytes, length);
	char	   *out = calloc(strlen(one), 2);

	for (int i = 0, n = 0; one[i]; i++)
	{
		out[n++] = one[i];
		if (i % 10 == 9)
			out[n++] = '\n';
	}
	free(one);
	return out;
}

static const Encode encodings[] = {
	encode_plain, encode_hex, encode_upper_hex, encode_hex_spaced,
	encode_hex_colons, encode_percent, encode_unicode, encode_reference,
	encode_json, encode_html, encode_base64, encode_base64url,
	encode_base64_lines
};

/* A text of a part of the key, behind so many bytes in the same encoding. */
static bool
is_scrubbed(Encode encode, int nbefore, int nbehind, const char *part, int length)
{
	char		bytes[200];
	char		text[2000];
	char	   *encoded;
	const char *result;

	memset(bytes, 'u', nbefore);
	memcpy(bytes + nbefore, part, length);
	memset(bytes + nbefore + length, 'v', nbehind);
	encoded = encode(bytes, nbefore + length + nbehind);
	snprintf(text, sizeof(text), "got %s here", encoded);
	free(encoded);
	result = scrub(KEY, text);

	/* what is before and behind may go too, or stay; of the key nothing stays */
	while (*result && strncmp(result, "got ", 4) == 0)
		result += 4;
	result += strspn(result, "u");
	return strstr(result, "[redacted]") != NULL && strlen(result) <= 10 + 6 * (nbefore + nbehind) + 5 &&
		strcmp(result + strlen(result) - 5, " here") == 0;
}

static void
test_forms(void)
{
	const char *key = KEY;
	int			length = strlen(key);

	for (int e = 0; e < lengthof(encodings); e++)
	{
		bool		whole = true;
		bool		parts = true;

		for (int nbefore = 0; nbefore < 7; nbefore++)
			for (int nbehind = 0; nbehind < 4; nbehind++)
				whole = whole && is_scrubbed(encodings[e], nbefore, nbehind, key, length);

		/* without a character at either end, or some; in base64 two more count */
		for (int first = 0; first <= length / 2; first++)
			for (int n = (length + 1) / 2 + 2; first + n <= length; n++)
				parts = parts && is_scrubbed(encodings[e], 0, 0, key + first, n);
		CHECK(whole);
		CHECK(parts);
	}
	CHECK_STR(scrub(KEY, "key " KEY ", again " KEY "."), "key [redacted], again [redacted].");
	CHECK_STR(scrub(KEY, "an " "sk-aB3" " is no key"), "an sk-aB3 is no key");
	CHECK_STR(scrub("abcdefghijklmnop", "abcdefgh, ijklmnop, defghijk, abcdefg"),
			  "[redacted], [redacted], [redacted], abcdefg");
	CHECK_STR(scrub("abcdefghijklmnop", "xabcdefghx"), "x[redacted]x");
	CHECK_STR(scrub("secretly", "secretl"), "secretl");
}

/* Basic authentication, whoever the user is. */
static void
test_basic(void)
{
	static const char *const users[] = {"", "a", "me", "bob", "user"};

	for (int i = 0; i < lengthof(users); i++)
	{
		char		pair[100];
		char		text[200];
		char	   *encoded;

		snprintf(pair, sizeof(pair), "%s:%s", users[i], KEY);
		encoded = encode_base64(pair, strlen(pair));
		snprintf(text, sizeof(text), "Authorization: Basic %s", encoded);
		CHECK_STR(scrub(KEY, text), "Authorization: Basic [redacted]");
		free(encoded);
	}
}

static void
test_masks(void)
{
	CHECK_STR(scrub(KEY, "Incorrect: sk-a********S.tU."), "Incorrect: [redacted]");
	CHECK_STR(scrub(KEY, "Incorrect: sk-a***S.tU, and"), "Incorrect: [redacted], and");
	CHECK_STR(scrub(KEY, "a sk-**, b"), "a sk-**, b");
	CHECK_STR(scrub("xxxx-key", "xxxxx"), "xxxxx");
}

static void
test_short_keys(void)
{
	CHECK_STR(scrub("", "text"), "text");
	CHECK_STR(scrub("a", "a cat, a-b, (a)"), "[redacted] cat, [redacted]-b, ([redacted])");
	CHECK_STR(scrub("key", "the keys are key"), "the keys are [redacted]");
	CHECK_STR(scrub("keys", "monkeys"), "mon[redacted]");
	CHECK_STR(scrub("keys", "6b657973 a2V5cw== key"), "[redacted] [redacted] key");
}

/* The limit is one of the text; what it cuts is seen whole before. */
static void
test_limit(void)
{
	bool		is_safe = true;
	char		text[200];

	CHECK_STR(scrub_up_to("", "0123456789", 10), "0123456789");
	CHECK_STR(scrub_up_to("", "0123456789a", 10), "0123456789...");
	CHECK_STR(scrub_up_to("", "012345678\xc3\xa4", 10), "012345678...");
	snprintf(text, sizeof(text), "the key is %s.", KEY);
	for (int limit = 0; limit <= strlen(text); limit++)
		is_safe = is_safe && strstr(scrub_up_to(KEY, text, limit), "sk") == NULL;
	CHECK(is_safe);
	CHECK_STR(scrub_up_to(KEY, text, 12), "the key is [redacted]...");
}

/* Texts that make a naive search quadratic. */
static void
test_time(void)
{
	const int	ntext = 300000;
	const int	nkey = 4096;
	char	   *text = malloc(ntext + 1);
	char	   *key = malloc(nkey + 1);
	static const char fillers[] = {'a', 'x', '*', '%', '\\', '&', 'A'};
	clock_t		start = clock();

	for (int i = 0; i < lengthof(fillers); i++)
	{
		memset(text, fillers[i], ntext);
		text[ntext] = '\0';
		memset(key, fillers[i], nkey);
		key[nkey - 1] = 'b';
		key[nkey] = '\0';
		free(inf_scrub_text(key, text, ntext));
		key[0] = 'c';
		free(inf_scrub_text(key, text, ntext));
	}
	/* a naive search would compare 1 G bytes for each, some times */
	CHECK((clock() - start) / CLOCKS_PER_SEC < 20);
	free(text);
	free(key);
}

int
main(void)
{
	test_forms();
	test_basic();
	test_masks();
	test_short_keys();
	test_limit();
	test_time();
	return check_done();
}
