/*
 * kernel_int8.h
 *		Kernels of bytes: unsigned activations times signed weights, summed as
 *		int32, exactly.  See kernel_fp32.h; includers define NPARTS, ROW_PART,
 *		PANEL_PART and SUM_ADD too.  Attention is left to other kernels.
 */
#define INPUT_TYPE NUMBER_UINT8
#define Sum Words
#define SUM_ZERO words_all(0)
#define CHAIN_WORDS INT32_MAX
#define SUM_PUT(to, sum, is_first) words_store(to, sum)
#include "engine/kernel_linear_template.h"
#include "engine/kernel_undefine.h"
