/*
 * kernels_avx512_bf16.c
 *		Kernels of bf16 for CPUs that multiply it, in pairs, into float32.
 */
#include "engine/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")
#endif

#include "engine/vector_avx512.h"
#include "engine/kernel_math.h"

#define INPUT_TYPE NUMBER_BF16
#define ATTENTION_TYPE NUMBER_BF16
#define Sum Floats
#define SUM_ZERO floats_all(0)
#define NPARTS 1
#define ROW_PART(word, i) (word)
#define PANEL_PART(words, i) (words)
#define SUM_ADD(sum, a, b) \
	__asm__("vdpbf16ps %2, %1, %0" : "+v" (sum) : "v" (a), "v" (b))
#define CHAIN_WORDS INT32_MAX
#define SUM_PUT(to, sum, is_first) floats_store(to, sum)
#define KERNEL(name) name##_bf16
#include "engine/kernel_linear_template.h"
#include "engine/kernel_attention_template.h"
#include "engine/kernel_undefine.h"

static bool
is_supported(const CpuFeatures *cpu)
{
	return cpu->avx512 && cpu->avx512_bf16;
}

const Kernels inf_kernels_avx512_bf16[] = {
	FLOAT_KERNELS("avx512-dot-bf16", PRECISION_BF16, NUMBER_BF16, bf16, true),
	{0}
};

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else							/* !x86-64 */

const Kernels inf_kernels_avx512_bf16[] = {{0}};

#endif
