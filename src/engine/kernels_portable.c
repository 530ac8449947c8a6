/*
 * kernels_portable.c
 *		Kernels for every CPU, and what the others are tested against.
 */
#include "engine/vector_portable.h"
#include "engine/kernel_math.h"

#define KERNEL(name) name##_fp32
#include "engine/kernel_fp32.h"
#define KERNEL(name) name##_bf16
#include "engine/kernel_bf16.h"
#define KERNEL(name) name##_fp16
#include "engine/kernel_fp16.h"

/* Byte i of a word; the last of a panel's is what the others are shifted to. */
#define NPARTS 4
#define ROW_PART(word, i) (words_shift_right(word, 8 * (i)) & 255)
#define PANEL_PART(words, i) (words_shift_left(words, 24 - 8 * (i)) >> 24)
#define SUM_ADD(sum, a, b) ((sum) += (a) * (b))
#define KERNEL(name) name##_int8
#include "engine/kernel_int8.h"

static bool
is_supported(const CpuFeatures *cpu)
{
	return true;
}

const Kernels inf_kernels_portable[] = {
	FLOAT_KERNELS("portable-fp32", PRECISION_FP32, NUMBER_FP32, fp32, false),
	FLOAT_KERNELS("portable-bf16", PRECISION_BF16, NUMBER_BF16, bf16, false),
	FLOAT_KERNELS("portable-fp16", PRECISION_FP16, NUMBER_FP16, fp16, false),
	INT8_KERNELS("portable-int8", int8),
	{0}
};
