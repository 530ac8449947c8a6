/*
 * kernels.h
 *		The arithmetic of a BERT: one interface, an implementation for each kind
 *		of CPU and precision.  Plain C.
 *
 * Shapes are row-major.  A row of a matrix has stride elements; strides are
 * multiples of KERNEL_ALIGN, and what lies behind the width is zero.  Rows
 * begin at multiples of 64 bytes.  Kernels allocate nothing and cannot fail.
 *
 * All multiply alike.  The input is taken in words of 32 bits: one float32,
 * two bf16 or fp16, four bytes.  A word is multiplied with the words of a
 * panel, the weights of panel_columns outputs: (nwords, panel_columns, values
 * of a word).
 */
#ifndef INFERENCE_ENGINE_KERNELS_H
#define INFERENCE_ENGINE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/cpu.h"
#include "engine/precision.h"

#define KERNEL_ALIGN 16			/* elements */

/* Before fp16 multiplies, activations are made smaller: sums stay in range. */
#define FP16_INPUT_SCALE (1 / 16.0f)

typedef enum NumberType
{
	NUMBER_FP32,
	NUMBER_BF16,
	NUMBER_FP16,				/* of activations: times FP16_INPUT_SCALE */
	NUMBER_FP16_PLAIN,			/* not: queries, keys and values */
	NUMBER_UINT8				/* value = byte * step + least, by row */
} NumberType;

/* A matrix of activations. */
typedef struct Matrix
{
	NumberType	type;
	void	   *values;			/* (rows, stride) */
	int			stride;			/* elements */

	/* NUMBER_UINT8 only */
	float	   *steps;			/* (rows) */
	float	   *leasts;			/* (rows) */
} Matrix;

/* The weights and bias of a linear layer, packed for the kernels. */
typedef struct PackedLayer
{
	int			ninputs;		/* multiples of KERNEL_ALIGN */
	int			noutputs;
	const void *panels;			/* (npanels, nwords, panel_columns) words */

	/* What a column was divided by, for fp16 and int8; else NULL. */
	const float *scales;		/* (npanels * panel_columns) */

	/* Sums of the columns as packed, for int8; else NULL. */
	const float *sums;			/* (npanels * panel_columns) */

	const float *bias;			/* (npanels * panel_columns) */
} PackedLayer;

/* A row is the sum of a row of words and one of positions. */
typedef struct EmbedJob
{
	const Matrix *words;		/* NUMBER_FP32 or NUMBER_FP16_PLAIN */
	const float *positions;		/* (.., stride of words) */
	const int32_t *ids;			/* (rows), of words */
	const int32_t *places;		/* (rows), in their sequences */
	float	   *output;			/* (rows, stride of words) */
} EmbedJob;

typedef enum LinearEffect
{
	LINEAR_STORE,				/* output = x W + b */
	LINEAR_GELU,				/* output = gelu(x W + b) */
	LINEAR_ADD,					/* output = output + x W + b, float32 */
	LINEAR_MAX					/* output, float32, a row for each sequence:
								 * the greatest of its rows of x W + b */
} LinearEffect;

typedef struct LinearJob
{
	const PackedLayer *layer;
	const Matrix *input;
	const Matrix *output;
	LinearEffect effect;

	/* How many panels on the same thread goes on, as far as one can tell. */
	int			panels_ahead;

	/* LINEAR_MAX: sequence i is rows offsets[i] to offsets[i + 1] - 1. */
	const int  *offsets;
} LinearJob;

/*
 * y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, over the first
 * width values of a row.  x and y may be the same.
 */
typedef struct NormJob
{
	const float *input;			/* (rows, stride) */
	float	   *output;			/* (rows, stride) */
	int			stride;
	int			width;
	const float *gamma;			/* (stride) */
	const float *beta;			/* (stride) */
	float		epsilon;
	const Matrix *copy;			/* of the output, in another type; or NULL */
} NormJob;

/* softmax(q k' * scale) v for the heads of sequences. */
typedef struct AttentionJob
{
	/* (rows, 3 * nheads * head_stride): queries, keys, values of all heads */
	const Matrix *input;
	const Matrix *output;		/* (rows, nheads * head_stride) */
	int			nheads;
	int			head_stride;	/* a multiple of KERNEL_ALIGN */
	float		scale;
} AttentionJob;

typedef struct Kernels
{
	const char *name;			/* as in "avx512-fp16" */
	bool		(*is_supported) (const CpuFeatures *cpu);
	Precision	precision;
	int			panel_columns;
	NumberType	input_type;		/* of linear layers */

	/* Of queries, keys and values, where attend() is these kernels' */
	NumberType	attention_type;

	/* Whether 16 bits multiply faster than 32, by an instruction of the CPU. */
	bool		is_fast;

	/* Rows first to first + nrows - 1 of the output, columns of one panel. */
	void		(*linear) (const LinearJob *job, int panel, int first, int nrows);
	void		(*embed) (const EmbedJob *job, int first, int nrows);
	void		(*norm) (const NormJob *job, int first, int nrows);

	/* Rows of float32 to copy's type; stride as copy's. */
	void		(*convert) (const float *from, const Matrix *copy,
							int first, int nrows);

	/*
	 * One head of the sequence of rows first to first + nrows - 1; scratch as
	 * scratch_size() says.
	 */
	void		(*attend) (const AttentionJob *job, int first, int nrows,
						   int head, void *scratch);
	size_t		(*scratch_size) (int nrows, int head_stride);	/* bytes */
} Kernels;

/*
 * Those of each kind of CPU, by precision; each list ends with an entry without
 * name.  inf_kernels_list() walks all of them.
 */
extern const Kernels inf_kernels_avx512_fp16[];
extern const Kernels inf_kernels_avx512_bf16[];
extern const Kernels inf_kernels_avx512_vnni[];
extern const Kernels inf_kernels_avx512[];
extern const Kernels inf_kernels_avx2[];
extern const Kernels inf_kernels_portable[];

/* Values in a word of 32 bits. */
extern int	inf_number_per_word(NumberType type);
extern size_t inf_number_size(NumberType type);

/*
 * The best kernels of this CPU for a precision other than auto; cpu may limit
 * them to "portable", "avx2" or "avx512".  NULL if there are none of that name
 * or the CPU has not what it takes.
 */
extern const Kernels *inf_kernels_choose(Precision precision, const char *cpu);

/*
 * Those whose attend() goes with kernels chosen so: those themselves for fp32,
 * else the fastest that there are.
 */
extern const Kernels *inf_kernels_choose_attention(Precision precision,
												   const char *cpu);

/* The precision that auto stands for here. */
extern Precision inf_kernels_best_precision(void);

/* Kernels number i, the best first, on whatever CPU; NULL behind the last. */
extern const Kernels *inf_kernels_list(int i);

#endif							/* INFERENCE_ENGINE_KERNELS_H */
