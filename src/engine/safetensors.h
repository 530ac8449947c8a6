/*
 * safetensors.h
 *		Weights as Hugging Face stores them: one model.safetensors, or shards
 *		with model.safetensors.index.json.  Plain C.
 *
 * Format: https://huggingface.co/docs/safetensors (8 bytes of length, a JSON
 * object of name to {dtype, shape, data_offsets}, the data).
 *
 * Everything is checked on opening: the header's length and JSON, names,
 * dtypes, shapes whose product is the length of the data, offsets that stay
 * within the file and do not overlap.
 */
#ifndef INFERENCE_ENGINE_SAFETENSORS_H
#define INFERENCE_ENGINE_SAFETENSORS_H

#include <stdint.h>

#include "engine/engine_error.h"
#include "engine/mapped_file.h"

#define TENSOR_MAX_DIMS 4

typedef enum TensorType
{
	TENSOR_F32,
	TENSOR_F16,
	TENSOR_BF16,
	TENSOR_OTHER				/* known to the format, of no use to us */
} TensorType;

typedef struct Tensor
{
	const char *name;
	TensorType	type;
	int			ndims;
	int64_t		shape[TENSOR_MAX_DIMS];
	int64_t		nvalues;		/* product of shape */
	int64_t		nbytes;			/* of data */
	const void *data;			/* (nvalues), little-endian, maybe unaligned */
} Tensor;

typedef struct Safetensors
{
	Tensor	   *tensors;		/* (ntensors), by name */
	int			ntensors;

	/* The files, in the order of their names; they stay mapped. */
	MappedFile *files;
	int			nfiles;

	/* Of names, sizes and times of change of the files, and their headers. */
	uint64_t	fingerprint;
} Safetensors;

/*
 * Opens folder's weights.  Without model.safetensors, but with
 * pytorch_model.bin, the message says how to get the other format.
 */
extern bool inf_safetensors_open(Safetensors *weights, const char *folder,
								 EngineError *error);
extern void inf_safetensors_close(Safetensors *weights);

/* NULL if there is none of that name. */
extern const Tensor *inf_safetensors_find(const Safetensors *weights,
										  const char *name);

/*
 * Copies n values from the first-th on, as float32.  The tensor's type must
 * not be TENSOR_OTHER, and the range must lie inside of it.
 */
extern void inf_tensor_read(const Tensor *tensor, int64_t first, int64_t n,
							float *values);

#endif							/* INFERENCE_ENGINE_SAFETENSORS_H */
