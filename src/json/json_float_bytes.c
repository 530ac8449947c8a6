/*
 * json_float_bytes.c
 *		The numbers of a vector that came as bytes, in base64.
 */
#include "json/json_float_bytes.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
 * Exponents (biased) of numbers that embeddings are made of: 2^-40 to 2^40.  Read
 * in the wrong byte order, or as another type, seven numbers in ten have others.
 */
#define LEAST_EXPONENT (127 - 40)
#define MOST_EXPONENT (127 + 40)

/* The same of doubles, narrower: pairs of small floats look like 2^-30. */
#define LEAST_DOUBLE_EXPONENT (1023 - 24)
#define MOST_DOUBLE_EXPONENT (1023 + 24)

/*
 * With fewer doubles than this, pairs of floats may look like them by chance,
 * unless their number tells.
 */
#define MIN_DOUBLES 8

static uint32_t
word_of(const float *values, int i)
{
	uint32_t	word;

	memcpy(&word, &values[i], sizeof(word));
	return word;
}

static int
exponent_of(uint32_t word)
{
	return word >> 23 & 0xff;
}

/*
 * Whether all exponents are of the common ones; so almost always.  Two words at
 * a time: adding what is missing to a bound carries into the sign's place.
 */
static bool
are_common(const float *values, int n)
{
	const uint64_t twice = 0x0000000100000001;
	const uint64_t to_least = (0x80000000u - ((uint32_t) LEAST_EXPONENT << 23)) * twice;
	const uint64_t to_most = (0x80000000u - ((uint32_t) (MOST_EXPONENT + 1) << 23)) * twice;
	uint64_t	reached = 0x80000000 * twice;
	uint64_t	passed = 0;
	uint64_t	words;
	int			i;

	for (i = 0; i + 1 < n; i += 2)
	{
		memcpy(&words, &values[i], sizeof(words));
		words &= 0x7fffffff * twice;
		reached &= words + to_least;
		passed |= words + to_most;
	}
	if (i < n)
	{
		words = (word_of(values, i) & 0x7fffffff) * twice;
		reached &= words + to_least;
		passed |= words + to_most;
	}
	return ((reached & ~passed) & (0x80000000 * twice)) == 0x80000000 * twice;
}

static bool
is_plausible(uint32_t word)
{
	int			exponent = exponent_of(word);

	return (word & 0x7fffffff) == 0 ||
		(exponent >= LEAST_EXPONENT && exponent <= MOST_EXPONENT);
}

/* Whether most of the finite numbers are not plausible. */
static bool
are_implausible(const float *values, int n)
{
	int			nfinite = 0;
	int			nplausible = 0;

	for (int i = 0; i < n; i++)
	{
		uint32_t	word = word_of(values, i);

		nfinite += exponent_of(word) != 0xff;
		nplausible += is_plausible(word);
	}
	return nplausible * 2 < nfinite;
}

/*
 * Whether pairs of words are doubles.  As such they have common exponents; and
 * some of their lower words look like no floats, or nearly all of them do or end
 * in zeros, as those of doubles do that were floats once.  A few that end so are
 * not enough: 0 and 2 are floats of that kind, and vectors of numbers with few
 * digits are full of them.
 */
static bool
are_doubles(const float *values, int n)
{
	int			ndoubles = n / 2;
	int			nnonzero = 0;
	int			ncommon = 0;
	int			nshort = 0;
	int			nodd = 0;

	for (int i = 0; i < ndoubles; i++)
	{
		uint32_t	low = word_of(values, 2 * i);
		uint32_t	high = word_of(values, 2 * i + 1);
		int			exponent = high >> 20 & 0x7ff;

		if ((low | (high & 0x7fffffff)) == 0)
			continue;
		nnonzero++;
		ncommon += exponent >= LEAST_DOUBLE_EXPONENT &&
			exponent <= MOST_DOUBLE_EXPONENT;
		nshort += is_plausible(low) && (low & 0x07ffffff) == 0;
		nodd += !is_plausible(low);
	}
	return ncommon * 2 > nnonzero &&
		(nodd * 8 > nnonzero || (nshort + nodd) * 4 > nnonzero * 3);
}

/* In place: a float is never written beyond the double it comes from. */
static void
narrow_doubles(float *values, int n, int *bad_element, bool *out_of_range)
{
	for (int i = 0; i < n; i++)
	{
		uint64_t	bits = (uint64_t) word_of(values, 2 * i + 1) << 32 |
			word_of(values, 2 * i);
		double		value;

		memcpy(&value, &bits, sizeof(value));
		values[i] = (float) value;
		if (!isfinite(values[i]) && *bad_element < 0)
		{
			*bad_element = i;
			*out_of_range = isfinite(value);
		}
	}
}

/* From little-endian order to that of this machine. */
static void
swap_words(float *values, int n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	for (int i = 0; i < n; i++)
	{
		uint32_t	word = __builtin_bswap32(word_of(values, i));

		memcpy(&values[i], &word, sizeof(word));
	}
#endif
}

static int
first_not_finite(const float *values, int n)
{
	for (int i = 0; i < n; i++)
		if (exponent_of(word_of(values, i)) == 0xff)
			return i;
	return -1;
}

const char *
inf_float_bytes_decode(float *values, size_t nbytes, int wanted, int *n,
					   int *bad_element, bool *out_of_range)
{
	*n = nbytes / sizeof(float);
	*bad_element = -1;
	*out_of_range = false;
	if (nbytes % sizeof(float) != 0)
		return "valid base64 of 32-bit floats";
	swap_words(values, *n);
	if (wanted > 0 ? *n == 2 * (int64_t) wanted : *n % 2 == 0 && *n >= 2 * MIN_DOUBLES)
	{
		if (are_doubles(values, *n) && wanted == 0)
			return "base64 of 32-bit floats, but seemingly of 64-bit ones";
		if (are_doubles(values, *n))
		{
			*n = wanted;
			narrow_doubles(values, *n, bad_element, out_of_range);
			return NULL;
		}
	}
	if (are_common(values, *n))
		return NULL;
	if (are_implausible(values, *n))
		return "base64 of 32-bit floats in little-endian order: most of them would be beyond 1e12, or within 1e-12 of zero";
	*bad_element = first_not_finite(values, *n);
	return NULL;
}
