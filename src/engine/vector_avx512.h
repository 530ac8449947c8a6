/*
 * vector_avx512.h
 *		Sixteen float32 at a time: AVX-512 F, BW, DQ and VL.
 *
 * The operations that kernel templates are written in; vector_avx2.h and
 * vector_portable.h have the same.  Sums, products and the like are written
 * with C's operators, which work on vectors.  To be included where the
 * target is set already.
 */
#ifndef INFERENCE_ENGINE_VECTOR_AVX512_H
#define INFERENCE_ENGINE_VECTOR_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#define VECTOR_LANES 16
#define TILE_VECTORS 4			/* 24 sums and 4 weights of 32 registers */

typedef __m512 Floats;			/* VECTOR_LANES float32 */
typedef __m512i Words;			/* as many 32-bit words, of whatever is in them */

static inline Floats
floats_load(const float *from)
{
	return _mm512_loadu_ps(from);
}

static inline void
floats_store(float *to, Floats a)
{
	_mm512_storeu_ps(to, a);
}

static inline Floats
floats_all(float a)
{
	return _mm512_set1_ps(a);
}

/* a * b + c, rounded once where the CPU can. */
static inline Floats
floats_fma(Floats a, Floats b, Floats c)
{
	return _mm512_fmadd_ps(a, b, c);
}

static inline Floats
floats_max(Floats a, Floats b)
{
	return _mm512_max_ps(a, b);
}

static inline Floats
floats_min(Floats a, Floats b)
{
	return _mm512_min_ps(a, b);
}

/* 1 / a to about 2 units in the last place. */
static inline Floats
floats_reciprocal(Floats a)
{
	Floats		guess = _mm512_rcp14_ps(a);

	return guess * _mm512_fnmadd_ps(a, guess, _mm512_set1_ps(2));
}

static inline float
floats_sum(Floats a)
{
	return _mm512_reduce_add_ps(a);
}

static inline float
floats_largest(Floats a)
{
	return _mm512_reduce_max_ps(a);
}

static inline float
floats_smallest(Floats a)
{
	return _mm512_reduce_min_ps(a);
}

/*
 * sum += a * b, of floats in words.  In assembler, since GCC 12 copies the sums
 * of a tile from register to register, and to memory, if it sees through.
 */
#define FLOATS_ADD_PRODUCT(sum, a, b) \
	__asm__("vfmadd231ps %2, %1, %0" : "+v" (sum) : "v" (a), "v" (b))

static inline Words
words_load(const void *from)
{
	return _mm512_loadu_si512(from);
}

static inline void
words_store(void *to, Words a)
{
	_mm512_storeu_si512(to, a);
}

static inline Words
words_all(int32_t a)
{
	return _mm512_set1_epi32(a);
}

static inline Words
words_and(Words a, Words b)
{
	return _mm512_and_si512(a, b);
}

static inline Words
words_or(Words a, Words b)
{
	return _mm512_or_si512(a, b);
}

static inline Words
words_add(Words a, Words b)
{
	return _mm512_add_epi32(a, b);
}

/* Macros: the count must be a constant even where nothing is inlined. */
#define words_shift_left(a, n) _mm512_slli_epi32(a, n)
#define words_shift_right(a, n) _mm512_srli_epi32(a, n)

/* The bits, as the other type. */
static inline Floats
words_as_floats(Words a)
{
	return _mm512_castsi512_ps(a);
}

static inline Words
floats_as_words(Floats a)
{
	return _mm512_castps_si512(a);
}

/* The value: to the nearest integer, and back. */
static inline Words
floats_round(Floats a)
{
	return _mm512_cvtps_epi32(a);
}

static inline Floats
words_to_floats(Words a)
{
	return _mm512_cvtepi32_ps(a);
}

static inline Floats
floats_load_fp16(const uint16_t *from)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) from));
}

static inline void
floats_store_fp16(uint16_t *to, Floats a)
{
	_mm256_storeu_si256((__m256i *) to,
						_mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* The low halves of words. */
static inline void
words_store_16(uint16_t *to, Words a)
{
	_mm256_storeu_si256((__m256i *) to, _mm512_cvtepi32_epi16(a));
}

/* The low bytes of words. */
static inline void
words_store_8(uint8_t *to, Words a)
{
	_mm_storeu_si128((__m128i *) to, _mm512_cvtepi32_epi8(a));
}

#endif							/* INFERENCE_ENGINE_VECTOR_AVX512_H */
