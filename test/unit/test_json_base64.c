/*
 * test_json_base64.c
 *		Base64 in pieces, whole and broken.
 */
#include "json/json_base64.h"

#include <stdlib.h>

#include "check.h"

/* Decodes in pieces of n digits; NULL: refused. */
static const char *
decode(const char *digits, size_t n)
{
	static unsigned char bytes[200];
	unsigned char *out = bytes;
	Base64		state = {0};
	size_t		length = strlen(digits);

	for (size_t i = 0; i < length; i += n)
	{
		size_t		piece = length - i < n ? length - i : n;
		char	   *copy = malloc(piece);	/* so that a byte too far shows */
		size_t		taken;

		memcpy(copy, digits + i, piece);
		taken = inf_base64_decode(&state, copy, piece, &out);
		free(copy);
		if (taken != piece)
			return NULL;
	}
	if (!inf_base64_end(&state, &out))
		return NULL;
	*out = '\0';
	return (const char *) bytes;
}

/* The same in pieces of every size. */
static const char *
decode_any(const char *digits)
{
	const char *whole = decode(digits, 1000);
	char		copy[200];

	if (whole != NULL)
		whole = strcpy(copy, whole);
	for (size_t n = 1; n <= strlen(digits); n++)
	{
		const char *other = decode(digits, n);

		if ((other == NULL) != (whole == NULL) ||
			(other != NULL && strcmp(other, whole) != 0))
			return "pieces differ";
	}
	return whole != NULL ? decode(digits, 1000) : NULL;
}

int
main(void)
{
	CHECK_STR(decode_any(""), "");
	CHECK_STR(decode_any("Zg=="), "f");
	CHECK_STR(decode_any("Zm8="), "fo");
	CHECK_STR(decode_any("Zm9v"), "foo");
	CHECK_STR(decode_any("Zm9vYg=="), "foob");
	CHECK_STR(decode_any("Zm9vYmE="), "fooba");
	CHECK_STR(decode_any("Zm9vYmFy"), "foobar");
	CHECK_STR(decode_any("Zm9vYg"), "foob");
	CHECK_STR(decode_any("Zm9vYmE"), "fooba");
	CHECK_STR(decode_any("VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIDEzIGxhenkgZG9ncy4="),
			  "The quick brown fox jumps over 13 lazy dogs.");
	CHECK_STR(decode_any("Pj4/Pz8+"), ">>?\?\?>");

	CHECK_STR(decode_any("Z"), NULL);
	CHECK_STR(decode_any("Zm9vY"), NULL);
	CHECK_STR(decode_any("Zm9v="), NULL);
	CHECK_STR(decode_any("Zg="), NULL);
	CHECK_STR(decode_any("Zg==="), NULL);
	CHECK_STR(decode_any("Zg==Zg=="), NULL);
	CHECK_STR(decode_any("Zm 9v"), NULL);
	CHECK_STR(decode_any("Zm9-"), NULL);
	CHECK_STR(decode_any("Zm9vZm9vZm9v\303\251"), NULL);
	return check_done();
}
