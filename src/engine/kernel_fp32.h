/*
 * kernel_fp32.h
 *		Kernels of float32, for the vectors that were included before; includers
 *		define KERNEL(name).
 */
#define INPUT_TYPE NUMBER_FP32
#define ATTENTION_TYPE NUMBER_FP32
#define Sum Floats
#define SUM_ZERO floats_all(0)
#define NPARTS 1
#define ROW_PART(word, i) (word)
#define PANEL_PART(words, i) (words)
#define SUM_ADD(sum, a, b) FLOATS_ADD_PRODUCT(sum, a, b)
#define CHAIN_WORDS INT32_MAX
#define SUM_PUT(to, sum, is_first) floats_store(to, sum)
#include "engine/kernel_linear_template.h"
#include "engine/kernel_attention_template.h"
#include "engine/kernel_undefine.h"
