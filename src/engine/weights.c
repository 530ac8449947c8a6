/*
 * weights.c
 *		Where packed weights lie, and how they get there.
 */
#include "engine/weights.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tensor_names.h"
#include "engine/vector_portable.h"
#include "engine/kernel_math.h"

/* Lines of the cache, and vectors, begin at such multiples. */
#define WEIGHTS_ALIGN 64

/* --- Layout -------------------------------------------------------------- */

/* Hands out the block from its beginning; body is NULL to count only. */
typedef struct Room
{
	unsigned char *body;
	size_t		used;
	const Kernels *kernels;
} Room;

static void *
take(Room *room, size_t nbytes)
{
	const size_t begin = room->used;

	room->used += (nbytes + WEIGHTS_ALIGN - 1) / WEIGHTS_ALIGN * WEIGHTS_ALIGN;
	return room->body ? room->body + begin : NULL;
}

static float *
take_floats(Room *room, size_t n)
{
	return take(room, n * sizeof(float));
}

static void
lay_out_layer(Room *room, PackedLayer *layer, int ninputs, int noutputs)
{
	const int	nwritten = padded(noutputs, KERNEL_ALIGN);
	const size_t ncolumns = padded(nwritten, room->kernels->panel_columns);
	const NumberType type = room->kernels->input_type;

	layer->ninputs = ninputs;
	layer->noutputs = nwritten;
	layer->panels = take(room, ncolumns * ninputs * inf_number_size(type));
	layer->bias = take_floats(room, ncolumns);
	if (type == NUMBER_FP16 || type == NUMBER_UINT8)
		layer->scales = take_floats(room, ncolumns);
	if (type == NUMBER_UINT8)
		layer->sums = take_floats(room, ncolumns);
}

static void
lay_out_norm(Room *room, Norm *norm, int stride)
{
	norm->gamma = take_floats(room, stride);
	norm->beta = take_floats(room, stride);
}

static void
lay_out_encoder(Room *room, EncoderLayer *layer, const ModelConfig *config,
				const Weights *weights)
{
	const int	heads_width = config->nheads * weights->head_stride;

	lay_out_layer(room, &layer->qkv, weights->stride, 3 * heads_width);
	lay_out_layer(room, &layer->context, heads_width, config->width);
	lay_out_norm(room, &layer->context_norm, weights->stride);
	lay_out_layer(room, &layer->up, weights->stride, config->inner_width);
	lay_out_layer(room, &layer->down, weights->inner_stride, config->width);
	lay_out_norm(room, &layer->down_norm, weights->stride);
}

void
inf_weights_lay_out(Weights *weights, const ModelConfig *config,
					const Kernels *kernels, unsigned char *body)
{
	Room		room = {.body = body, .kernels = kernels};

	memset(weights, 0, sizeof(*weights));
	weights->stride = padded(config->width, KERNEL_ALIGN);
	weights->inner_stride = padded(config->inner_width, KERNEL_ALIGN);
	weights->head_stride = padded(config->width / config->nheads, KERNEL_ALIGN);

	weights->words.type = kernels->precision == PRECISION_FP32 ?
		NUMBER_FP32 : NUMBER_FP16_PLAIN;
	weights->words.stride = weights->stride;
	weights->words.values = take(&room, (size_t) config->nvocabulary * weights->stride *
								 inf_number_size(weights->words.type));
	weights->positions = take_floats(&room, (size_t) config->npositions * weights->stride);
	lay_out_norm(&room, &weights->embedding_norm, weights->stride);
	for (int i = 0; i < config->nlayers; i++)
		lay_out_encoder(&room, &weights->layers[i], config, weights);
	if (config->head == MODEL_HEAD_SPARSE)
	{
		lay_out_layer(&room, &weights->transform, weights->stride, config->width);
		lay_out_norm(&room, &weights->transform_norm, weights->stride);
		lay_out_layer(&room, &weights->decoder, weights->stride, config->nvocabulary);
	}
	weights->nbytes = room.used;
}

/* --- Packing ------------------------------------------------------------- */

/*
 * Values in groups that are apart in the packed layer: ngroups of width, each
 * in the room of stride.
 */
typedef struct Spread
{
	int			ngroups;
	int			width;
	int			stride;
} Spread;

typedef struct Packer
{
	const ModelConfig *config;
	const Kernels *kernels;
	const Safetensors *source;
	EngineError *error;

	/* Room for one panel, as source and as packed: (panel_columns, ninputs) */
	float	   *values;
	unsigned char *numbers;
} Packer;

/* Number number i as it is packed; the place of padding is -1. */
static int
place_of(const Spread *spread, int i)
{
	const int	group = i / spread->stride;
	const int	within = i % spread->stride;

	if (group >= spread->ngroups || within >= spread->width)
		return -1;
	return group * spread->width + within;
}

/* A row of weights (ninputs of the packed layer), with zeros for padding. */
static void
read_row(const Tensor *tensor, int row, const Spread *inputs, float *values)
{
	const int	width = inputs->ngroups * inputs->width;

	memset(values, 0, sizeof(float) * inputs->ngroups * inputs->stride);
	for (int group = 0; group < inputs->ngroups; group++)
		inf_tensor_read(tensor, (int64_t) row * width + group * inputs->width,
						inputs->width, values + group * inputs->stride);
}

static float
greatest_of(const float *values, int n)
{
	float		greatest = 0;

	for (int i = 0; i < n; i++)
		if (fabsf(values[i]) > greatest)
			greatest = fabsf(values[i]);
	return greatest;
}

/* What the weights of an output are divided by before they are packed. */
static float
scale_of(NumberType type, const float *values, int n)
{
	const float greatest = greatest_of(values, n);
	int			exponent;

	if (greatest == 0)
		return 1;
	if (type == NUMBER_UINT8)
		return greatest / 127;
	/* A power of two: what was an fp16 stays exact. */
	(void) frexpf(greatest, &exponent);
	return ldexpf(1, exponent);
}

/* n weights, divided by scale, as numbers of type. */
static void
pack_numbers(NumberType type, const float *values, int n, float scale,
			 unsigned char *numbers)
{
	if (type == NUMBER_UINT8)
		for (int i = 0; i < n; i++)
			((int8_t *) numbers)[i] = lrintf(values[i] / scale);
	else if (type == NUMBER_FP32)
		memcpy(numbers, values, n * sizeof(float));
	else
		for (int i = 0; i < n; i += VECTOR_LANES)
		{
			const Floats a = floats_load(values + i) * floats_all(1 / scale);

			if (type == NUMBER_FP16)
				floats_store_fp16((uint16_t *) numbers + i, a);
			else
				floats_store_bf16((uint16_t *) numbers + i, a);
		}
}

/* The weights of one output: numbers and what belongs to its column. */
static void
pack_output(const PackedLayer *layer, NumberType type, int column,
			const float *values, unsigned char *numbers)
{
	const bool	is_scaled = layer->scales != NULL;
	const float scale = is_scaled ? scale_of(type, values, layer->ninputs) : 1;
	float		sum = 0;

	pack_numbers(type, values, layer->ninputs, scale, numbers);
	if (is_scaled)
		((float *) layer->scales)[column] =
			type == NUMBER_FP16 ? scale / FP16_INPUT_SCALE : scale;
	if (layer->sums)
	{
		for (int i = 0; i < layer->ninputs; i++)
			sum += ((int8_t *) numbers)[i];
		((float *) layer->sums)[column] = sum;
	}
}

/*
 * Packs nparts tensors, one's outputs behind the other's; biases may hold NULL
 * for those that have none.
 */
static void
pack_layer(Packer *packer, const PackedLayer *layer,
		   const Tensor *const *tensors, const Tensor *const *biases, int nparts,
		   const Spread *outputs, const Spread *inputs)
{
	const NumberType type = packer->kernels->input_type;
	const int	ncolumns = packer->kernels->panel_columns;
	const int	part_outputs = outputs->ngroups * outputs->stride;
	const int	nwords = layer->ninputs / inf_number_per_word(type);
	int32_t    *panel = (int32_t *) layer->panels;

	for (int begin = 0; begin < layer->noutputs; begin += ncolumns)
	{
		memset(packer->numbers, 0, (size_t) ncolumns * nwords * sizeof(*panel));
		for (int i = 0; i < ncolumns && begin + i < layer->noutputs; i++)
		{
			const int	part = (begin + i) / part_outputs;
			const int	row = place_of(outputs, (begin + i) % part_outputs);

			if (part >= nparts || row < 0)
				continue;
			read_row(tensors[part], row, inputs, packer->values);
			pack_output(layer, type, begin + i, packer->values,
						packer->numbers + (size_t) i * nwords * sizeof(*panel));
			if (biases[part])
				inf_tensor_read(biases[part], row, 1, (float *) layer->bias + begin + i);
		}
		transpose_words((const int32_t *) packer->numbers, nwords, ncolumns, nwords,
						panel, ncolumns);
		panel += (size_t) nwords * ncolumns;
	}
}

/* --- Tensors ------------------------------------------------------------- */

/* The tensor of that role, of that shape; ncolumns is 0 if it has one dimension. */
static const Tensor *
find(Packer *packer, TensorRole role, int layer, int nrows, int ncolumns)
{
	const Tensor *tensor = inf_tensor_find_role(packer->source, packer->config->family,
												role, layer, packer->error);

	if (tensor == NULL)
		return NULL;
	if (tensor->type == TENSOR_OTHER)
		(void) inf_engine_fail(packer->error, ENGINE_UNSUPPORTED,
							   "tensor \"%s\" has a type other than F32, F16 and BF16",
							   tensor->name);
	else if (tensor->ndims != (ncolumns ? 2 : 1) || tensor->shape[0] != nrows ||
			 (ncolumns && tensor->shape[1] != ncolumns))
		(void) inf_engine_fail(packer->error, ENGINE_BAD_FILE,
							   ncolumns ? "tensor \"%s\" does not have the shape (%d, %d) that config.json says" :
							   "tensor \"%s\" does not have the shape (%d) that config.json says",
							   tensor->name, nrows, ncolumns);
	else
		return tensor;
	return NULL;
}

/* A linear layer that is one tensor and its bias. */
static bool
fill_layer(Packer *packer, const PackedLayer *layer, TensorRole weight,
		   TensorRole bias, int index, int noutputs, const Spread *inputs)
{
	const Spread outputs = {1, noutputs, layer->noutputs};
	const Tensor *tensors[] = {
		find(packer, weight, index, noutputs, inputs->ngroups * inputs->width)
	};
	const Tensor *biases[] = {
		tensors[0] ? find(packer, bias, index, noutputs, 0) : NULL
	};

	if (biases[0] == NULL)
		return false;
	pack_layer(packer, layer, tensors, biases, 1, &outputs, inputs);
	return true;
}

static bool
fill_norm(Packer *packer, const Norm *norm, TensorRole weight, TensorRole bias,
		  int index)
{
	const int	width = packer->config->width;
	const Tensor *gamma = find(packer, weight, index, width, 0);
	const Tensor *beta = gamma ? find(packer, bias, index, width, 0) : NULL;

	if (beta == NULL)
		return false;
	inf_tensor_read(gamma, 0, width, (float *) norm->gamma);
	inf_tensor_read(beta, 0, width, (float *) norm->beta);
	return true;
}

static bool
fill_encoder(Packer *packer, const EncoderLayer *layer, const Weights *weights,
			 int index)
{
	const ModelConfig *config = packer->config;
	const int	width = config->width;
	const Spread plain = {1, width, weights->stride};
	const Spread heads = {config->nheads, width / config->nheads, weights->head_stride};
	const Spread inner = {1, config->inner_width, weights->inner_stride};
	const Tensor *tensors[3];
	const Tensor *biases[3];

	for (int i = 0; i < 3; i++)
	{
		tensors[i] = find(packer, TENSOR_QUERY_WEIGHT + 2 * i, index, width, width);
		if (tensors[i] == NULL)
			return false;
		biases[i] = find(packer, TENSOR_QUERY_BIAS + 2 * i, index, width, 0);
		if (biases[i] == NULL)
			return false;
	}
	pack_layer(packer, &layer->qkv, tensors, biases, 3, &heads, &plain);
	return fill_layer(packer, &layer->context, TENSOR_CONTEXT_WEIGHT,
					  TENSOR_CONTEXT_BIAS, index, width, &heads) &&
		fill_norm(packer, &layer->context_norm, TENSOR_CONTEXT_GAMMA,
				  TENSOR_CONTEXT_BETA, index) &&
		fill_layer(packer, &layer->up, TENSOR_UP_WEIGHT, TENSOR_UP_BIAS, index,
				   config->inner_width, &plain) &&
		fill_layer(packer, &layer->down, TENSOR_DOWN_WEIGHT, TENSOR_DOWN_BIAS,
				   index, width, &inner) &&
		fill_norm(packer, &layer->down_norm, TENSOR_DOWN_GAMMA, TENSOR_DOWN_BETA,
				  index);
}

/* The table of words, in its type. */
static void
fill_words(const Matrix *words, const Tensor *tensor, int width, float *row)
{
	memset(row, 0, words->stride * sizeof(*row));
	for (int64_t i = 0; i < tensor->shape[0]; i++)
	{
		inf_tensor_read(tensor, i * width, width, row);
		for (int j = 0; j < words->stride; j += VECTOR_LANES)
			store_vector(words, words->type, i, j, floats_load(row + j));
	}
}

static bool
fill_embeddings(Packer *packer, const Weights *weights)
{
	const ModelConfig *config = packer->config;
	const int	width = config->width;
	const Tensor *words = find(packer, TENSOR_WORDS, 0, config->nvocabulary, width);
	const Tensor *positions = words ?
		find(packer, TENSOR_POSITIONS, 0, config->npositions, width) : NULL;
	const Tensor *types = NULL;
	float	   *type = packer->values;

	if (positions == NULL)
		return false;
	fill_words(&weights->words, words, width, packer->values);
	memset(type, 0, width * sizeof(*type));
	if (config->ntypes > 0)
	{
		types = find(packer, TENSOR_TYPES, 0, config->ntypes, width);
		if (types == NULL)
			return false;
		inf_tensor_read(types, 0, width, type);
	}
	for (int i = 0; i < config->npositions; i++)
	{
		float	   *row = (float *) weights->positions + (size_t) i * weights->stride;

		inf_tensor_read(positions, (int64_t) i * width, width, row);
		for (int j = 0; j < width; j++)
			row[j] += type[j];
	}
	return fill_norm(packer, &weights->embedding_norm, TENSOR_EMBEDDING_GAMMA,
					 TENSOR_EMBEDDING_BETA, 0);
}

static bool
fill_all(Packer *packer, const Weights *weights)
{
	const ModelConfig *config = packer->config;
	const Spread plain = {1, config->width, weights->stride};

	if (!fill_embeddings(packer, weights))
		return false;
	for (int i = 0; i < config->nlayers; i++)
		if (!fill_encoder(packer, &weights->layers[i], weights, i))
			return false;
	return config->head != MODEL_HEAD_SPARSE ||
		(fill_layer(packer, &weights->transform, TENSOR_TRANSFORM_WEIGHT,
					TENSOR_TRANSFORM_BIAS, 0, config->width, &plain) &&
		 fill_norm(packer, &weights->transform_norm, TENSOR_TRANSFORM_GAMMA,
				   TENSOR_TRANSFORM_BETA, 0) &&
		 fill_layer(packer, &weights->decoder, TENSOR_DECODER_WEIGHT,
					TENSOR_DECODER_BIAS, 0, config->nvocabulary, &plain));
}

bool
inf_weights_fill(unsigned char *body, const ModelConfig *config,
				 const Kernels *kernels, const Safetensors *source,
				 EngineError *error)
{
	Packer		packer = {
		.config = config, .kernels = kernels, .source = source, .error = error
	};
	Weights    *weights = malloc(sizeof(*weights));
	const size_t widest = padded(config->width, KERNEL_ALIGN) * (size_t) KERNEL_ALIGN +
		padded(config->inner_width, KERNEL_ALIGN);
	bool		filled = false;

	packer.values = malloc(widest * sizeof(float));
	packer.numbers = malloc(widest * kernels->panel_columns * sizeof(float));
	if (weights == NULL || packer.values == NULL || packer.numbers == NULL)
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "out of memory for packing weights");
	else
	{
		inf_weights_lay_out(weights, config, kernels, body);
		filled = fill_all(&packer, weights);
	}
	free(packer.values);
	free(packer.numbers);
	free(weights);
	return filled;
}
