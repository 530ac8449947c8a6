/*
 * json_number.c
 *		Numbers of JSON as float32.
 *
 * The digits make an integer w < 10^18, the point and the exponent a power of
 * ten.  Their product in double precision is off by three roundings at most
 * (of w, of the power, of the product), which together are less than two units
 * in the last place.  Rounding it to single precision gives the right float
 * unless a midpoint between two floats lies that close: then, and for whatever
 * is subnormal or too large, strtof() decides.  That is one number in 30
 * million.
 *
 * Eight digits at a time, after D. Lemire, "Number parsing at a gigabyte per
 * second" (2021), section 3.
 */
#include "json/json_number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* More digits than this do not fit into w. */
#define MAX_DIGITS 18

/* Zeros after the point that are skipped for free. */
#define MAX_ZEROS 8

/* Powers of ten beyond which float32 has nothing: 10^-45 with 18 digits. */
#define MAX_POWER 64

/* Bits of a double that a float lacks. */
#define LOST_BITS 29

/* Exponents of a double, as stored, that float32 has in normal numbers. */
#define MIN_EXPONENT (1023 - 125)
#define MAX_EXPONENT (1023 + 126)

/* How near to a midpoint is too near, in units of the double's last place. */
#define MARGIN 8

/* 10^-64 ... 10^64, each correctly rounded by the compiler. */
static const double powers_of_ten[2 * MAX_POWER + 1] = {
	1e-64, 1e-63, 1e-62, 1e-61, 1e-60, 1e-59, 1e-58, 1e-57, 1e-56, 1e-55,
	1e-54, 1e-53, 1e-52, 1e-51, 1e-50, 1e-49, 1e-48, 1e-47, 1e-46, 1e-45,
	1e-44, 1e-43, 1e-42, 1e-41, 1e-40, 1e-39, 1e-38, 1e-37, 1e-36, 1e-35,
	1e-34, 1e-33, 1e-32, 1e-31, 1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25,
	1e-24, 1e-23, 1e-22, 1e-21, 1e-20, 1e-19, 1e-18, 1e-17, 1e-16, 1e-15,
	1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5,
	1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5,
	1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25,
	1e26, 1e27, 1e28, 1e29, 1e30, 1e31, 1e32, 1e33, 1e34, 1e35,
	1e36, 1e37, 1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44, 1e45,
	1e46, 1e47, 1e48, 1e49, 1e50, 1e51, 1e52, 1e53, 1e54, 1e55,
	1e56, 1e57, 1e58, 1e59, 1e60, 1e61, 1e62, 1e63, 1e64
};

static inline bool
is_digit(char c)
{
	return (unsigned char) (c - '0') < 10;
}

/* Whether the next eight bytes are digits; adds them to *w if so. */
static inline bool
take_eight(const char *text, uint64_t *w)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t	v;

	memcpy(&v, text, 8);
	if ((((v & 0xf0f0f0f0f0f0f0f0u) |
		  (((v + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4)) !=
		 0x3333333333333333u))
		return false;
	v -= 0x3030303030303030u;
	v = v * 10 + (v >> 8);
	v = ((v & 0x000000ff000000ffu) * 0x000f424000000064u +
		 ((v >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u) >> 32;
	*w = *w * 100000000 + (uint32_t) v;
	return true;
#else
	return false;
#endif
}

/* At most max_digits + 1 digits, eight of which are looked at anyway. */
static inline const char *
take_digits(const char *text, int max_digits, uint64_t *w)
{
	const char *limit = text + max_digits + 1;

	if (max_digits >= 8 && take_eight(text, w))
		text += 8;
	while (is_digit(*text) && text < limit)
		*w = *w * 10 + (*text++ - '0');
	return text;
}

static const char *
skip_zeros(const char *text)
{
	const char *limit = text + MAX_ZEROS;

	while (*text == '0' && text < limit)
		text++;
	return text;
}

/* The exponent of ten after an "e"; NULL: no digits, or absurdly many. */
static const char *
take_exponent(const char *text, int *exponent)
{
	bool		is_negative = *text == '-';
	const char *digits;
	int			value = 0;

	if (*text == '-' || *text == '+')
		text++;
	for (digits = text; is_digit(*text) && text - digits < 4; text++)
		value = value * 10 + (*text - '0');
	if (text == digits || is_digit(*text))
		return NULL;
	*exponent += is_negative ? -value : value;
	return text;
}

/* Whether what is as near to d as the margin, d > 0, rounds to the same float. */
static inline bool
rounds_surely(double d)
{
	const uint64_t midpoint = (uint64_t) 1 << (LOST_BITS - 1);
	uint64_t	bits;
	uint64_t	lost;

	memcpy(&bits, &d, sizeof(bits));
	lost = bits & ((midpoint << 1) - 1);
	return (bits >> 52) - MIN_EXPONENT <= MAX_EXPONENT - MIN_EXPONENT &&
		lost - (midpoint - MARGIN) > 2 * MARGIN;
}

const char *
inf_json_scan_float(const char *text, float *value)
{
	uint64_t	w = 0;
	int			ndigits = 0;	/* that count: in w */
	int			exponent = 0;
	bool		is_negative = *text == '-';
	const char *start;
	double		d;

	text += is_negative;
	start = text;
	if (is_digit(*text))
		w = *text++ - '0';
	else
		return NULL;
	if (w != 0)
	{
		if (is_digit(*text))
			text = take_digits(text, MAX_DIGITS - 1, &w);
		ndigits = text - start;
		if (ndigits > MAX_DIGITS)
			return NULL;
	}
	if (*text == '.')
	{
		const char *fraction = ++text;

		text = take_digits(fraction, MAX_DIGITS - ndigits, &w);
		if (text - fraction > MAX_DIGITS - ndigits)
		{
			/* perhaps it has more zeros before than it may have digits */
			if (ndigits > 0)
				return NULL;
			text = skip_zeros(fraction);
			w = 0;
			ndigits = -(int) (text - fraction);
			text = take_digits(text, MAX_DIGITS, &w);
			if (text - fraction + ndigits > MAX_DIGITS)
				return NULL;
		}
		exponent = -(int) (text - fraction);
		if (text == fraction)
			return NULL;
	}
	if (is_digit(*text))
		return NULL;			/* 01 */
	if ((*text | 0x20) == 'e')
	{
		text = take_exponent(text + 1, &exponent);
		if (text == NULL)
			return NULL;
	}

	if (w == 0)
	{
		*value = is_negative ? -0.0f : 0.0f;
		return text;
	}
	if (exponent < -MAX_POWER || exponent > MAX_POWER)
		return NULL;
	d = (double) (int64_t) w * powers_of_ten[exponent + MAX_POWER];
	if (!rounds_surely(d))
		return NULL;
	*value = (float) (is_negative ? -d : d);
	return text;
}

/* Whether text is one number of JSON's grammar. */
static bool
is_json_number(const char *text)
{
	text += *text == '-';
	if (*text == '0')
		text++;
	else
	{
		if (!is_digit(*text))
			return false;
		while (is_digit(*text))
			text++;
	}
	if (*text == '.')
	{
		if (!is_digit(*++text))
			return false;
		while (is_digit(*text))
			text++;
	}
	if ((*text | 0x20) == 'e')
	{
		text++;
		text += *text == '+' || *text == '-';
		if (!is_digit(*text))
			return false;
		while (is_digit(*text))
			text++;
	}
	return *text == '\0';
}

bool
inf_json_read_float(const char *text, float *value, bool *in_range)
{
	*in_range = true;
	if (!is_json_number(text))
		return false;
	*value = strtof(text, NULL);
	*in_range = isfinite(*value);
	return *in_range;
}
