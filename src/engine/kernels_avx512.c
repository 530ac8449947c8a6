/*
 * kernels_avx512.c
 *		Kernels for AVX-512 as all CPUs that have it know it.
 */
#include "engine/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma")
#endif

#include "engine/vector_avx512.h"
#include "engine/kernel_math.h"

#define KERNEL(name) name##_fp32
#include "engine/kernel_fp32.h"
#define KERNEL(name) name##_bf16
#include "engine/kernel_bf16.h"
#define KERNEL(name) name##_fp16
#include "engine/kernel_fp16.h"

static bool
is_supported(const CpuFeatures *cpu)
{
	return cpu->avx512;
}

const Kernels inf_kernels_avx512[] = {
	FLOAT_KERNELS("avx512-fp32", PRECISION_FP32, NUMBER_FP32, fp32, false),
	FLOAT_KERNELS("avx512-bf16", PRECISION_BF16, NUMBER_BF16, bf16, false),
	FLOAT_KERNELS("avx512-fp16", PRECISION_FP16, NUMBER_FP16, fp16, false),
	{0}
};

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else							/* !x86-64 */

const Kernels inf_kernels_avx512[] = {{0}};

#endif
