/*
 * vector_avx2.h
 *		Eight float32 at a time: AVX2 with FMA and F16C.  See vector_avx512.h.
 */
#ifndef INFERENCE_ENGINE_VECTOR_AVX2_H
#define INFERENCE_ENGINE_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define VECTOR_LANES 8
#define TILE_VECTORS 2			/* 12 sums and 2 weights of 16 registers */

typedef __m256 Floats;			/* VECTOR_LANES float32 */
typedef __m256i Words;			/* as many 32-bit words, of whatever is in them */

static inline Floats
floats_load(const float *from)
{
	return _mm256_loadu_ps(from);
}

static inline void
floats_store(float *to, Floats a)
{
	_mm256_storeu_ps(to, a);
}

static inline Floats
floats_all(float a)
{
	return _mm256_set1_ps(a);
}

/* a * b + c, rounded once where the CPU can. */
static inline Floats
floats_fma(Floats a, Floats b, Floats c)
{
	return _mm256_fmadd_ps(a, b, c);
}

static inline Floats
floats_max(Floats a, Floats b)
{
	return _mm256_max_ps(a, b);
}

static inline Floats
floats_min(Floats a, Floats b)
{
	return _mm256_min_ps(a, b);
}

/* 1 / a to about 2 units in the last place. */
static inline Floats
floats_reciprocal(Floats a)
{
	Floats		guess = _mm256_rcp_ps(a);

	return guess * _mm256_fnmadd_ps(a, guess, _mm256_set1_ps(2));
}

static inline float
floats_sum(Floats a)
{
	__m128		b = _mm_add_ps(_mm256_castps256_ps128(a),
							   _mm256_extractf128_ps(a, 1));

	b = _mm_add_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

static inline float
floats_largest(Floats a)
{
	__m128		b = _mm_max_ps(_mm256_castps256_ps128(a),
							   _mm256_extractf128_ps(a, 1));

	b = _mm_max_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

static inline float
floats_smallest(Floats a)
{
	return -floats_largest(-a);
}

/*
 * sum += a * b, of floats in words.  In assembler, since GCC 12 copies the sums
 * of a tile from register to register, and to memory, if it sees through.
 */
#define FLOATS_ADD_PRODUCT(sum, a, b) \
	__asm__("vfmadd231ps %2, %1, %0" : "+x" (sum) : "x" (a), "x" (b))

static inline Words
words_load(const void *from)
{
	return _mm256_loadu_si256((const __m256i *) from);
}

static inline void
words_store(void *to, Words a)
{
	_mm256_storeu_si256((__m256i *) to, a);
}

static inline Words
words_all(int32_t a)
{
	return _mm256_set1_epi32(a);
}

static inline Words
words_and(Words a, Words b)
{
	return _mm256_and_si256(a, b);
}

static inline Words
words_or(Words a, Words b)
{
	return _mm256_or_si256(a, b);
}

static inline Words
words_add(Words a, Words b)
{
	return _mm256_add_epi32(a, b);
}

/* Macros: the count must be a constant even where nothing is inlined. */
#define words_shift_left(a, n) _mm256_slli_epi32(a, n)
#define words_shift_right(a, n) _mm256_srli_epi32(a, n)

/* The bits, as the other type. */
static inline Floats
words_as_floats(Words a)
{
	return _mm256_castsi256_ps(a);
}

static inline Words
floats_as_words(Floats a)
{
	return _mm256_castps_si256(a);
}

/* The value: to the nearest integer, and back. */
static inline Words
floats_round(Floats a)
{
	return _mm256_cvtps_epi32(a);
}

static inline Floats
words_to_floats(Words a)
{
	return _mm256_cvtepi32_ps(a);
}

static inline Floats
floats_load_fp16(const uint16_t *from)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) from));
}

static inline void
floats_store_fp16(uint16_t *to, Floats a)
{
	_mm_storeu_si128((__m128i *) to,
					 _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

/* The low halves of words. */
static inline void
words_store_16(uint16_t *to, Words a)
{
	const		__m256i low = _mm256_and_si256(a, _mm256_set1_epi32(0xffff));

	_mm_storeu_si128((__m128i *) to,
					 _mm_packus_epi32(_mm256_castsi256_si128(low),
									  _mm256_extracti128_si256(low, 1)));
}

/* The low bytes of words from 0 to 255. */
static inline void
words_store_8(uint8_t *to, Words a)
{
	const		__m128i halves = _mm_packus_epi32(_mm256_castsi256_si128(a),
												  _mm256_extracti128_si256(a, 1));

	_mm_storel_epi64((__m128i *) to, _mm_packus_epi16(halves, halves));
}

#endif							/* INFERENCE_ENGINE_VECTOR_AVX2_H */
