/*
 * kernels_avx512_vnni.c
 *		Kernels of bytes for AVX-512 with VNNI: Intel since 2019, AMD since 2022.
 */
#include "engine/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma")
#endif

#include "engine/vector_avx512.h"
#include "engine/kernel_math.h"

#define NPARTS 1
#define ROW_PART(word, i) (word)
#define PANEL_PART(words, i) (words)
#define SUM_ADD(sum, a, b) \
	__asm__("vpdpbusd %2, %1, %0" : "+v" (sum) : "v" (a), "v" (b))
#define KERNEL(name) name##_int8
#include "engine/kernel_int8.h"

static bool
is_supported(const CpuFeatures *cpu)
{
	return cpu->avx512 && cpu->avx512_vnni;
}

const Kernels inf_kernels_avx512_vnni[] = {
	INT8_KERNELS("avx512-vnni-int8", int8),
	{0}
};

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else							/* !x86-64 */

const Kernels inf_kernels_avx512_vnni[] = {{0}};

#endif
