/*
 * precision.h
 *		How numbers of weights and activations are kept and multiplied.
 */
#ifndef INFERENCE_ENGINE_PRECISION_H
#define INFERENCE_ENGINE_PRECISION_H

#include <stdbool.h>

typedef enum Precision
{
	PRECISION_AUTO,				/* fp16 or bf16 where the CPU multiplies it
								 * faster than fp32, else fp32 */
	PRECISION_FP32,
	PRECISION_BF16,
	PRECISION_FP16,
	PRECISION_INT8				/* weights per column, activations per row */
} Precision;

/* "auto", "fp32", "bf16", "fp16", "int8". */
extern const char *inf_precision_name(Precision precision);

/* False if there is no precision of that name. */
extern bool inf_precision_parse(const char *name, Precision *precision);

#endif							/* INFERENCE_ENGINE_PRECISION_H */
