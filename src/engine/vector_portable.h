/*
 * vector_portable.h
 *		Four float32 at a time, in what GCC and Clang know on every CPU: SSE2
 *		on x86-64, NEON on ARM.  See vector_avx512.h.
 */
#ifndef INFERENCE_ENGINE_VECTOR_PORTABLE_H
#define INFERENCE_ENGINE_VECTOR_PORTABLE_H

#include <stdint.h>
#include <string.h>

#define VECTOR_LANES 4
#define TILE_VECTORS 2			/* 12 sums and 2 weights of 16 registers */

typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Words __attribute__((vector_size(16)));

static inline Floats
floats_load(const float *from)
{
	Floats		a;

	memcpy(&a, from, sizeof(a));
	return a;
}

static inline void
floats_store(float *to, Floats a)
{
	memcpy(to, &a, sizeof(a));
}

static inline Floats
floats_all(float a)
{
	return (Floats) {a, a, a, a};
}

static inline Floats
floats_fma(Floats a, Floats b, Floats c)
{
	return a * b + c;
}

/* sum += a * b, of floats in words. */
#define FLOATS_ADD_PRODUCT(sum, a, b) \
	((sum) += words_as_floats(a) * words_as_floats(b))

static inline Words
words_load(const void *from)
{
	Words		a;

	memcpy(&a, from, sizeof(a));
	return a;
}

static inline void
words_store(void *to, Words a)
{
	memcpy(to, &a, sizeof(a));
}

static inline Words
words_all(int32_t a)
{
	return (Words) {a, a, a, a};
}

static inline Words
words_and(Words a, Words b)
{
	return a & b;
}

static inline Words
words_or(Words a, Words b)
{
	return a | b;
}

static inline Words
words_add(Words a, Words b)
{
	return a + b;
}

/* Through unsigned ones: shifts of zeros into either end. */
typedef uint32_t UnsignedWords __attribute__((vector_size(16)));
#define words_shift_left(a, n) ((Words) ((UnsignedWords) (a) << (n)))
#define words_shift_right(a, n) ((Words) ((UnsignedWords) (a) >> (n)))

static inline Floats
words_as_floats(Words a)
{
	return (Floats) a;
}

static inline Words
floats_as_words(Floats a)
{
	return (Words) a;
}

/* Comparisons of vectors give words of all ones, or zeros. */
static inline Floats
floats_choose(Words which, Floats a, Floats b)
{
	return (Floats) ((which & (Words) a) | (~which & (Words) b));
}

/* As the CPU's own: b, where one is not a number. */
static inline Floats
floats_max(Floats a, Floats b)
{
	return floats_choose(a > b, a, b);
}

static inline Floats
floats_min(Floats a, Floats b)
{
	return floats_choose(a < b, a, b);
}

static inline Floats
floats_reciprocal(Floats a)
{
	return 1 / a;
}

static inline float
floats_sum(Floats a)
{
	return (a[0] + a[2]) + (a[1] + a[3]);
}

static inline float
floats_largest(Floats a)
{
	float		largest = a[0];

	for (int i = 1; i < VECTOR_LANES; i++)
		if (a[i] > largest)
			largest = a[i];
	return largest;
}

static inline float
floats_smallest(Floats a)
{
	return -floats_largest(-a);
}

/*
 * To the nearest integer, half to even: adding 1.5 * 2^23 leaves no room for
 * a fraction.  For values up to 2^22.
 */
static inline Words
floats_round(Floats a)
{
	const Floats magic = floats_all(12582912);

	return floats_as_words(a + magic) - floats_as_words(magic);
}

static inline Floats
words_to_floats(Words a)
{
	return __builtin_convertvector(a, Floats);
}

static inline Floats
floats_load_fp16(const uint16_t *from)
{
	const Words halves = {from[0], from[1], from[2], from[3]};
	const Words sign = words_shift_left(halves & 0x8000, 16);
	const Words rest = words_shift_left(halves & 0x7fff, 13);

	/* See fp16_to_fp32(). */
	return (Floats) ((Words) ((Floats) rest * 0x1p112f) | sign);
}

/* The low halves of words. */
static inline void
words_store_16(uint16_t *to, Words a)
{
	for (int i = 0; i < VECTOR_LANES; i++)
		to[i] = a[i];
}

/* The low bytes of words. */
static inline void
words_store_8(uint8_t *to, Words a)
{
	for (int i = 0; i < VECTOR_LANES; i++)
		to[i] = a[i];
}

/*
 * The other way, to the nearest, half to even.  Where the half is a normal
 * number, 13 bits of fraction are cut.  Where it is not, its last bit is worth
 * 2^-24, as is the last of 0.5: the sum with that is rounded as it has to be.
 */
static inline void
floats_store_fp16(uint16_t *to, Floats a)
{
	const Words bits = (Words) a;
	const Words sign = words_shift_right(bits, 16) & 0x8000;
	const Words absolute = bits & 0x7fffffff;
	const Words odd = words_shift_right(absolute, 13) & 1;
	const Words normal = words_shift_right(absolute - (112 << 23) + 0xfff + odd, 13);
	const Words small = (Words) ((Floats) absolute + 0.5f) - (Words) floats_all(0.5f);
	const Words is_small = absolute < (113 << 23);
	const Words is_large = absolute >= 0x477ff000;
	Words		half = (is_small & small) | (~is_small & normal);

	half = (is_large & 0x7c00) | (~is_large & half);
	half |= (absolute > 0x7f800000) & 0x200;
	words_store_16(to, half | sign);
}

#endif							/* INFERENCE_ENGINE_VECTOR_PORTABLE_H */
