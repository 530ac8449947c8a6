/*
 * kernel_fp16.h
 *		Kernels of fp16, for CPUs that do not multiply it: as float32.  See
 *		kernel_fp32.h.
 */
#define INPUT_TYPE NUMBER_FP16
#define ATTENTION_TYPE NUMBER_FP16_PLAIN
#define Sum Floats
#define SUM_ZERO floats_all(0)
#define NPARTS 2
#define FP16_PART(words, i) \
	fp16_to_fp32((i) == 0 ? words_shift_left(words, 16) : (words))
#define ROW_PART(word, i) FP16_PART(word, i)
#define PANEL_PART(words, i) FP16_PART(words, i)
#define SUM_ADD(sum, a, b) FLOATS_ADD_PRODUCT(sum, a, b)
#define CHAIN_WORDS INT32_MAX
#define SUM_PUT(to, sum, is_first) floats_store(to, sum)
#include "engine/kernel_linear_template.h"
#include "engine/kernel_attention_template.h"
#include "engine/kernel_undefine.h"
#undef FP16_PART
