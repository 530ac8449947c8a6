/*
 * feature_hash.c
 *		Text to vectors by hashing its words and their parts.
 */
#include "service/feature_hash.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define MIN_NGRAM 3
#define MAX_NGRAM 5

/* Stand before and behind a word, so that its ends differ from its middle. */
#define WORD_BEGIN '<'
#define WORD_END '>'

/*
 * ----------
 * Characters
 * ----------
 */

/* Length of a UTF-8 character by its first byte; 1 for what is none. */
static int
char_length(unsigned char first)
{
	if (first < 0xc0)
		return 1;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static uint32_t
decode(const char *s, int length)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t	c = (unsigned char) s[0] & masks[length];

	for (int i = 1; i < length; i++)
		c = c << 6 | ((unsigned char) s[i] & 0x3f);
	return c;
}

/* Writes a code point; returns its length. */
static int
encode(uint32_t c, char *s)
{
	if (c < 0x80)
	{
		s[0] = c;
		return 1;
	}
	if (c < 0x800)
	{
		s[0] = 0xc0 | c >> 6;
		s[1] = 0x80 | (c & 0x3f);
		return 2;
	}
	if (c < 0x10000)
	{
		s[0] = 0xe0 | c >> 12;
		s[1] = 0x80 | (c >> 6 & 0x3f);
		s[2] = 0x80 | (c & 0x3f);
		return 3;
	}
	s[0] = 0xf0 | c >> 18;
	s[1] = 0x80 | (c >> 12 & 0x3f);
	s[2] = 0x80 | (c >> 6 & 0x3f);
	s[3] = 0x80 | (c & 0x3f);
	return 4;
}

static bool
is_word_char(uint32_t c)
{
	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z');
	return c >= 0xc0 && c != 0xd7 && c != 0xf7 &&
		!(c >= 0x2000 && c <= 0x206f) && !(c >= 0x3000 && c <= 0x303f) &&
		!(c >= 0xff00 && c <= 0xff0f);
}

/*
 * Lower case of Latin, Greek and Cyrillic letters: a table of the server's or
 * the C library's would give different vectors on different machines.
 */
static uint32_t
lower(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if (c >= 0xc0 && c <= 0xde)
		return c == 0xd7 ? c : c + 32;
	if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) ||
		(c >= 0x14a && c <= 0x177))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c & 1 ? c + 1 : c;
	if (c >= 0x391 && c <= 0x3a9)
		return c + 32;
	if (c >= 0x388 && c <= 0x38a)
		return c + 37;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c >= 0x410 && c <= 0x42f)
		return c + 32;
	return c;
}

size_t
inf_feature_next_word(const char *utf8, size_t length, size_t *position,
					  char *word)
{
	size_t		n = 0;

	while (*position < length)
	{
		int			size = char_length(utf8[*position]);
		uint32_t	c;

		if (*position + size > length)
			size = 1;
		c = decode(utf8 + *position, size);
		if (!is_word_char(c) && n > 0)
			break;
		*position += size;
		if (is_word_char(c) && n + 4 <= INF_FEATURE_MAX_WORD_BYTES)
			n += encode(lower(c), word + n);
	}
	word[n] = '\0';
	return n;
}

/*
 * ----------
 * Hashing
 * ----------
 */

/*
 * FNV-1a, finished by MurmurHash3's mixer: FNV alone leaves its high bits
 * too regular for short strings.
 */
static uint64_t
hash_bytes(const char *bytes, size_t length, uint64_t seed)
{
	uint64_t	h = UINT64_C(0xcbf29ce484222325) ^ seed;

	for (size_t i = 0; i < length; i++)
	{
		h ^= (unsigned char) bytes[i];
		h *= UINT64_C(0x100000001b3);
	}
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h;
}

/* The top bit is the sign, the rest the place. */
static void
add_feature(const char *bytes, size_t length, uint64_t kind, float weight,
			float *vector, int ndimensions)
{
	uint64_t	h = hash_bytes(bytes, length, kind);

	vector[(h & UINT64_C(0x7fffffffffffffff)) % (uint64_t) ndimensions] +=
		h >> 63 ? -weight : weight;
}

/* Kinds of features: the same bytes as a word and as a part differ. */
#define KIND_WORD 1
#define KIND_NGRAM 2
#define KIND_TEXT 3

/* Adds the n-grams of a word, all together of norm 1 if none collide. */
static void
add_ngrams(const char *word, size_t length, float *vector, int ndimensions)
{
	char		marked[INF_FEATURE_MAX_WORD_BYTES + 2];
	size_t		starts[INF_FEATURE_MAX_WORD_BYTES + 3];
	size_t		marked_length = length + 2;
	int			nchars = 0;
	int			nngrams = 0;

	marked[0] = WORD_BEGIN;
	memcpy(marked + 1, word, length);
	marked[length + 1] = WORD_END;
	for (size_t i = 0; i < marked_length; i += char_length(marked[i]))
		starts[nchars++] = i;
	starts[nchars] = marked_length;
	for (int n = MIN_NGRAM; n <= MAX_NGRAM && n <= nchars; n++)
		nngrams += nchars - n + 1;
	for (int n = MIN_NGRAM; n <= MAX_NGRAM && n <= nchars; n++)
		for (int i = 0; i + n <= nchars; i++)
			add_feature(marked + starts[i], starts[i + n] - starts[i],
						KIND_NGRAM, 1.0f / sqrtf((float) nngrams),
						vector, ndimensions);
}

static double
squared_norm(const float *vector, int ndimensions)
{
	double		sum = 0;

	for (int i = 0; i < ndimensions; i++)
		sum += (double) vector[i] * vector[i];
	return sum;
}

bool
inf_feature_add_words(const char *utf8, size_t length, size_t *position,
					  int max_words, float *vector, int ndimensions)
{
	char		word[INF_FEATURE_MAX_WORD_BYTES + 1];
	size_t		word_length;

	for (int i = 0; i < max_words; i++)
	{
		word_length = inf_feature_next_word(utf8, length, position, word);
		if (word_length == 0)
			return false;
		add_feature(word, word_length, KIND_WORD, 1.0f, vector, ndimensions);
		add_ngrams(word, word_length, vector, ndimensions);
	}
	return true;
}

void
inf_feature_finish(const char *utf8, size_t length, float *vector,
				   int ndimensions)
{
	double		norm = sqrt(squared_norm(vector, ndimensions));

	/* No words, or features that cancelled each other out. */
	if (norm < 1e-6)
	{
		memset(vector, 0, sizeof(float) * ndimensions);
		add_feature(utf8, length, KIND_TEXT, 1.0f, vector, ndimensions);
		return;
	}
	for (int i = 0; i < ndimensions; i++)
		vector[i] = (float) (vector[i] / norm);
}
