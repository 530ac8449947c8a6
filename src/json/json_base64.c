/*
 * json_base64.c
 *		Base64 that comes in pieces.
 *
 * RFC 4648, section 4; padding may be left out, as some servers do.
 */
#include "json/json_base64.h"

/* The value of a digit, and one more; 0: it is none. */
static const uint8_t digit_values[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41,
	42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63,
	['/'] = 64
};

/* One digit; false: it is none. */
static bool
take_digit(Base64 *state, unsigned char c, unsigned char **out)
{
	uint32_t	value = digit_values[c] - 1u;

	if (c == '=' && state->npadding < 2)
	{
		state->npadding++;
		return true;
	}
	if (value > 63 || state->npadding > 0)
		return false;
	state->bits = state->bits << 6 | value;
	if (++state->ndigits == 4)
	{
		*(*out)++ = state->bits >> 16;
		*(*out)++ = state->bits >> 8;
		*(*out)++ = state->bits;
		state->ndigits = 0;
		state->bits = 0;
	}
	return true;
}

size_t
inf_base64_decode(Base64 *state, const char *digits, size_t length,
				  unsigned char **out)
{
	const unsigned char *in = (const unsigned char *) digits;
	const unsigned char *end = in + length;
	unsigned char *to;

	while (in < end && state->ndigits > 0)
		if (take_digit(state, *in, out))
			in++;
		else
			return in - (const unsigned char *) digits;

	/* Four digits at a time; one that is none has all bits set. */
	to = *out;
	while (end - in >= 4 && state->npadding == 0)
	{
		uint32_t	a = digit_values[in[0]] - 1u;
		uint32_t	b = digit_values[in[1]] - 1u;
		uint32_t	c = digit_values[in[2]] - 1u;
		uint32_t	d = digit_values[in[3]] - 1u;

		if ((a | b | c | d) > 63)
			break;
		to[0] = a << 2 | b >> 4;
		to[1] = b << 4 | c >> 2;
		to[2] = c << 6 | d;
		to += 3;
		in += 4;
	}
	*out = to;

	while (in < end && take_digit(state, *in, out))
		in++;
	return in - (const unsigned char *) digits;
}

bool
inf_base64_end(Base64 *state, unsigned char **out)
{
	if (state->ndigits == 1 ||
		(state->npadding > 0 && state->ndigits + state->npadding != 4))
		return false;
	if (state->ndigits >= 2)
		*(*out)++ = state->bits >> (state->ndigits * 6 - 8);
	if (state->ndigits == 3)
		*(*out)++ = state->bits >> 2;
	return true;
}
