/*
 * weights.h
 *		The weights of a network, packed as kernels want them.  Plain C.
 *
 * They lie in one block of memory whose layout follows from the model's
 * configuration and the kernels alone, so that a file of it can be mapped and
 * used as it is.
 *
 * width is the model's hidden size; stride that rounded up to KERNEL_ALIGN.  A
 * head has head_width values, and takes the room of head_stride.
 */
#ifndef INFERENCE_ENGINE_WEIGHTS_H
#define INFERENCE_ENGINE_WEIGHTS_H

#include "engine/engine_error.h"
#include "engine/kernels.h"
#include "engine/model_config.h"
#include "engine/safetensors.h"

/* Of the layout, and of what is computed: with another, files are made anew. */
#define WEIGHTS_VERSION 1

typedef struct Norm
{
	const float *gamma;			/* (stride) */
	const float *beta;			/* (stride) */
} Norm;

typedef struct EncoderLayer
{
	PackedLayer qkv;			/* stride to 3 * nheads * head_stride: queries,
								 * keys, values, head after head */
	PackedLayer context;		/* nheads * head_stride to width */
	Norm		context_norm;
	PackedLayer up;				/* stride to inner_width */
	PackedLayer down;			/* inner_stride to width */
	Norm		down_norm;
} EncoderLayer;

typedef struct Weights
{
	int			stride;
	int			inner_stride;
	int			head_stride;

	Matrix		words;			/* (nvocabulary, stride): NUMBER_FP32, or
								 * NUMBER_FP16_PLAIN for other precisions */
	const float *positions;		/* (npositions, stride), type 0 added */
	Norm		embedding_norm;
	EncoderLayer layers[MODEL_MAX_LAYERS];

	/* MODEL_HEAD_SPARSE only */
	PackedLayer transform;		/* stride to width */
	Norm		transform_norm;
	PackedLayer decoder;		/* stride to nvocabulary */

	size_t		nbytes;			/* of the block */
} Weights;

/*
 * Where everything lies in body; with NULL for body, only nbytes means
 * anything.
 */
extern void inf_weights_lay_out(Weights *weights, const ModelConfig *config,
								const Kernels *kernels, unsigned char *body);

/*
 * Reads and packs the model's tensors into body, zeroed, of the size that
 * inf_weights_lay_out() says.  False if one is missing or of another shape.
 */
extern bool inf_weights_fill(unsigned char *body, const ModelConfig *config,
							 const Kernels *kernels, const Safetensors *source,
							 EngineError *error);

#endif							/* INFERENCE_ENGINE_WEIGHTS_H */
