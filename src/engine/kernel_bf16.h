/*
 * kernel_bf16.h
 *		Kernels of bf16, for CPUs that do not multiply it: a bf16 is the upper
 *		half of a float32, and sums are of those.  See kernel_fp32.h.
 */
#define INPUT_TYPE NUMBER_BF16
#define ATTENTION_TYPE NUMBER_BF16
#define Sum Floats
#define SUM_ZERO floats_all(0)
#define NPARTS 2
#define BF16_PART(words, i) \
	((i) == 0 ? words_shift_left(words, 16) : \
	 words_and(words, words_all((int32_t) 0xffff0000)))
#define ROW_PART(word, i) BF16_PART(word, i)
#define PANEL_PART(words, i) BF16_PART(words, i)
#define SUM_ADD(sum, a, b) FLOATS_ADD_PRODUCT(sum, a, b)
#define CHAIN_WORDS INT32_MAX
#define SUM_PUT(to, sum, is_first) floats_store(to, sum)
#include "engine/kernel_linear_template.h"
#include "engine/kernel_attention_template.h"
#include "engine/kernel_undefine.h"
#undef BF16_PART
