/*
 * kernels_avx512_fp16.c
 *		Kernels of fp16 for CPUs that multiply it: Intel since 2023.
 */
#include "engine/kernels.h"

/* Clang 14 has no _Float16 in a file for other CPUs. */
#if defined(__x86_64__) && (!defined(__clang__) || __clang_major__ > 14)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512fp16,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512fp16,fma")
#endif

#include "engine/vector_avx512.h"
#include "engine/kernel_math.h"

/*
 * Sums are fp16 too, of words: the values at even places apart from those at
 * odd.  Each addition rounds to 11 bits, so after CHAIN_WORDS of them the two
 * are added, and that to a sum in float32.
 */
static inline void
put_halves(float *to, Words sum, bool is_first)
{
	const __m512h halves = _mm512_add_ph((__m512h) sum,
										 (__m512h) _mm512_rol_epi32(sum, 16));
	const Floats whole = _mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i) halves));

	if (is_first)
		floats_store(to, whole);
	else
		floats_store(to, whole + floats_load(to));
}

#define INPUT_TYPE NUMBER_FP16
#define ATTENTION_TYPE NUMBER_FP16_PLAIN
#define Sum Words
#define SUM_ZERO words_all(0)
#define NPARTS 1
#define ROW_PART(word, i) (word)
#define PANEL_PART(words, i) (words)
#define SUM_ADD(sum, a, b) \
	__asm__("vfmadd231ph %2, %1, %0" : "+v" (sum) : "v" (a), "v" (b))
#define CHAIN_WORDS 96
#define SUM_PUT(to, sum, is_first) put_halves(to, sum, is_first)
#define KERNEL(name) name##_fp16
#include "engine/kernel_linear_template.h"
#include "engine/kernel_attention_template.h"
#include "engine/kernel_undefine.h"

static bool
is_supported(const CpuFeatures *cpu)
{
	return cpu->avx512 && cpu->avx512_fp16;
}

const Kernels inf_kernels_avx512_fp16[] = {
	FLOAT_KERNELS("avx512-multiply-fp16", PRECISION_FP16, NUMBER_FP16, fp16, true),
	{0}
};

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else							/* !x86-64 */

const Kernels inf_kernels_avx512_fp16[] = {{0}};

#endif
