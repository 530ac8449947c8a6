/*
 * precision.c
 *		Names of precisions.
 */
#include "engine/precision.h"

#include <string.h>

static const char *const names[] = {
	[PRECISION_AUTO] = "auto",
	[PRECISION_FP32] = "fp32",
	[PRECISION_BF16] = "bf16",
	[PRECISION_FP16] = "fp16",
	[PRECISION_INT8] = "int8",
};

const char *
inf_precision_name(Precision precision)
{
	return names[precision];
}

bool
inf_precision_parse(const char *name, Precision *precision)
{
	for (int i = 0; i < (int) (sizeof(names) / sizeof(*names)); i++)
		if (strcmp(name, names[i]) == 0)
		{
			*precision = i;
			return true;
		}
	return false;
}
