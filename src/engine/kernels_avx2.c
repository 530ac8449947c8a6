/*
 * kernels_avx2.c
 *		Kernels for AVX2 with FMA and F16C: x86-64 since 2013.
 */
#include "engine/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c")
#endif

#include "engine/vector_avx2.h"
#include "engine/kernel_math.h"

#define KERNEL(name) name##_fp32
#include "engine/kernel_fp32.h"
#define KERNEL(name) name##_bf16
#include "engine/kernel_bf16.h"
#define KERNEL(name) name##_fp16
#include "engine/kernel_fp16.h"

/*
 * Even bytes, and odd ones, as 16 bits each, whose products are summed in
 * pairs, exactly: VPMADDUBSW, which takes bytes, would saturate.
 */
#define NPARTS 2
#define ROW_PART(word, i) \
	((i) == 0 ? words_and(word, words_all(0x00ff00ff)) : \
	 _mm256_srli_epi16(word, 8))
#define PANEL_PART(words, i) \
	_mm256_srai_epi16((i) == 0 ? _mm256_slli_epi16(words, 8) : (words), 8)
#define SUM_ADD(sum, a, b) \
	((sum) = words_add(sum, _mm256_madd_epi16(a, b)))
#define KERNEL(name) name##_int8
#include "engine/kernel_int8.h"

static bool
is_supported(const CpuFeatures *cpu)
{
	return cpu->avx2;
}

const Kernels inf_kernels_avx2[] = {
	FLOAT_KERNELS("avx2-fp32", PRECISION_FP32, NUMBER_FP32, fp32, false),
	FLOAT_KERNELS("avx2-bf16", PRECISION_BF16, NUMBER_BF16, bf16, false),
	FLOAT_KERNELS("avx2-fp16", PRECISION_FP16, NUMBER_FP16, fp16, false),
	INT8_KERNELS("avx2-int8", int8),
	{0}
};

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else							/* !x86-64 */

const Kernels inf_kernels_avx2[] = {{0}};

#endif
