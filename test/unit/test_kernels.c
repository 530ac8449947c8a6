/*
 * test_kernels.c
 *		Each kernel beside its reference: the same in double, one value after
 *		the other.
 *
 * References start from the numbers as they are stored (rounded to 16 bits, or
 * to bytes), so what is allowed to differ is what the arithmetic itself rounds.
 */
#include "engine/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static uint64_t seed;

static void
check_kernels(bool passed, const char *who, const char *what)
{
	char		name[128];

	snprintf(name, sizeof(name), "%s: %s", who, what);
	(void) check_that(passed, name, __FILE__, __LINE__);
}

/* From -1 to 1. */
static float
draw(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int32_t) (seed >> 32) / 2147483648.0f;
}

static int
padded(int n, int multiple)
{
	return (n + multiple - 1) / multiple * multiple;
}

static void *
allocate(size_t nbytes)
{
	void	   *memory = NULL;

	if (posix_memalign(&memory, 64, nbytes + 64) != 0)
		abort();
	return memset(memory, 0, nbytes + 64);
}

/* --- Numbers of 16 bits, and their rounding ------------------------------ */

static double
from_bf16(uint16_t number)
{
	const uint32_t bits = (uint32_t) number << 16;
	float		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static double
from_fp16(uint16_t number)
{
	const int	exponent = number >> 10 & 31;
	const int	fraction = number & 1023;
	double		value;

	if (exponent == 31)
		value = fraction ? NAN : INFINITY;
	else if (exponent == 0)
		value = ldexp(fraction, -24);
	else
		value = ldexp(1024 + fraction, exponent - 25);
	return number & 0x8000 ? -value : value;
}

/* The nearest of all 65536, half to even: slow, and plainly right. */
static uint16_t
nearest(NumberType type, double value)
{
	uint16_t	low = 0;
	uint16_t	high = type == NUMBER_BF16 ? 0x7f80 : 0x7c00;
	double		(*from) (uint16_t) = type == NUMBER_BF16 ? from_bf16 : from_fp16;
	const double absolute = fabs(value);
	double		middle;

	if (isnan(value))
		return high | 0x40 | (high & 0x200);
	while (high - low > 1)
	{
		const uint16_t half = (low + high) / 2;

		if (from(half) <= absolute)
			low = half;
		else
			high = half;
	}
	/* What would come next, if the range had no end. */
	middle = isinf(from(high)) ?
		from(low) + (from(low) - from(low - 1)) / 2 : (from(low) + from(high)) / 2;
	if (absolute > middle || (absolute == middle && (low & 1)))
		low = high;
	return low | (signbit(value) ? 0x8000 : 0);
}

/* --- Matrices ------------------------------------------------------------ */

static Matrix
open_matrix(NumberType type, int nrows, int stride)
{
	return (Matrix) {
		.type = type, .stride = stride,
		.values = allocate((size_t) nrows * stride * inf_number_size(type)),
		.steps = allocate(nrows * sizeof(float)),
		.leasts = allocate(nrows * sizeof(float)),
	};
}

static void
close_matrix(Matrix *matrix)
{
	free(matrix->values);
	free(matrix->steps);
	free(matrix->leasts);
}

/* What a number of the matrix stands for. */
static double
value_of(const Matrix *matrix, int row, int column)
{
	const size_t i = (size_t) row * matrix->stride + column;

	switch (matrix->type)
	{
		case NUMBER_FP32:
			return ((float *) matrix->values)[i];
		case NUMBER_BF16:
			return from_bf16(((uint16_t *) matrix->values)[i]);
		case NUMBER_FP16:
			return from_fp16(((uint16_t *) matrix->values)[i]) / FP16_INPUT_SCALE;
		case NUMBER_FP16_PLAIN:
			return from_fp16(((uint16_t *) matrix->values)[i]);
		case NUMBER_UINT8:
			return (double) ((uint8_t *) matrix->values)[i] * matrix->steps[row] +
				matrix->leasts[row];
	}
	abort();
}

/* How far a number that is stored so may be from value. */
static double
rounding(NumberType type, double value)
{
	return fabs(value) * (type == NUMBER_FP32 ? 0 : type == NUMBER_BF16 ? 0x1p-8 : 0x1p-11) +
		(type == NUMBER_FP32 ? 0 : 1e-6);
}

/* --- Linear layers ------------------------------------------------------- */

typedef struct Layer
{
	PackedLayer packed;
	double	   *values;			/* (noutputs, ninputs), as packed */
} Layer;

static Layer
open_layer(const Kernels *kernels, int ninputs, int noutputs)
{
	const NumberType type = kernels->input_type;
	const int	columns = kernels->panel_columns;
	const int	ncolumns = padded(padded(noutputs, KERNEL_ALIGN), columns);
	const int	per_word = inf_number_per_word(type);
	unsigned char *panels = allocate((size_t) ncolumns * ninputs * inf_number_size(type));
	float	   *scales = allocate(ncolumns * sizeof(float));
	float	   *sums = allocate(ncolumns * sizeof(float));
	float	   *bias = allocate(ncolumns * sizeof(float));
	Layer		layer = {{ninputs, padded(noutputs, KERNEL_ALIGN), panels, scales, sums, bias},
		allocate((size_t) noutputs * ninputs * sizeof(double))};

	for (int n = 0; n < noutputs; n++)
	{
		scales[n] = type == NUMBER_UINT8 ? 0.01f : 16;
		bias[n] = draw();
		for (int k = 0; k < ninputs; k++)
		{
			const size_t word = ((size_t) (n / columns) * (ninputs / per_word) + k / per_word) *
				columns + n % columns;
			const size_t i = word * per_word + k % per_word;
			double	   *value = &layer.values[(size_t) n * ninputs + k];
			const float drawn = draw();

			if (type == NUMBER_UINT8)
			{
				((int8_t *) panels)[i] = lrintf(drawn * 127);
				sums[n] += ((int8_t *) panels)[i];
				*value = ((int8_t *) panels)[i] * (double) scales[n];
			}
			else if (type == NUMBER_FP32)
				*value = ((float *) panels)[i] = drawn;
			else
			{
				((uint16_t *) panels)[i] = nearest(type, drawn);
				*value = type == NUMBER_BF16 ? from_bf16(((uint16_t *) panels)[i]) :
					from_fp16(((uint16_t *) panels)[i]);
			}
		}
	}
	return layer;
}

static void
close_layer(Layer *layer)
{
	free((void *) layer->packed.panels);
	free((void *) layer->packed.scales);
	free((void *) layer->packed.sums);
	free((void *) layer->packed.bias);
	free(layer->values);
}

/* All values of a matrix: (nrows, stride). */
static double *
values_of(const Matrix *matrix, int nrows)
{
	double	   *values = allocate((size_t) nrows * matrix->stride * sizeof(*values));

	for (int i = 0; i < nrows * matrix->stride; i++)
		values[i] = value_of(matrix, i / matrix->stride, i % matrix->stride);
	return values;
}

/* x W + b; *magnitude is the sum of what was added, without signs. */
static double
product(const Layer *layer, const double *input, int row, int column, double *magnitude)
{
	const int	ninputs = layer->packed.ninputs;
	double		sum = layer->packed.bias[column];

	*magnitude = fabs(sum);
	for (int k = 0; k < ninputs; k++)
	{
		const double term = input[(size_t) row * ninputs + k] *
			layer->values[(size_t) column * ninputs + k];

		sum += term;
		*magnitude += fabs(term);
	}
	return sum;
}

/* What sums of that magnitude may be wrong by. */
static double
sum_error(const Kernels *kernels, double magnitude)
{
	/* Chains of fp16: each of some hundred additions rounds to 11 bits. */
	if (kernels->precision == PRECISION_FP16 && kernels->is_fast)
		return magnitude * 4e-3 + 1e-4;
	return magnitude * 2e-6 + 1e-6;
}

static double
exact_gelu(double x)
{
	return x / 2 * (1 + erf(x / sqrt(2)));
}

/* Random rows as the kernels' input; the third is of equal values. */
static Matrix
open_input(const Kernels *kernels, int nrows, int stride)
{
	Matrix		input = open_matrix(kernels->input_type, nrows, stride);
	float	   *values = allocate((size_t) nrows * stride * sizeof(*values));

	for (int i = 0; i < nrows * stride; i++)
		values[i] = i / stride == 2 ? 0.5f : 2 * draw();
	kernels->convert(values, &input, 0, nrows);
	free(values);
	return input;
}

static bool
check_store(const Kernels *kernels, LinearEffect effect, NumberType type,
			int ninputs, int noutputs, int nrows)
{
	const int	stride = padded(noutputs, KERNEL_ALIGN);
	Layer		layer = open_layer(kernels, ninputs, noutputs);
	Matrix		input = open_input(kernels, nrows, ninputs);
	Matrix		output = open_matrix(type, nrows + 1, stride);
	const LinearJob job = {&layer.packed, &input, &output, effect, 1, NULL};
	double	   *values = values_of(&input, nrows);
	bool		good = true;

	memset(output.values, 0x55, nrows * stride * inf_number_size(type));
	if (effect == LINEAR_ADD)
		for (int i = 0; i < nrows * stride; i++)
			((float *) output.values)[i] = i % 7;
	for (int panel = 0; panel < padded(layer.packed.noutputs, kernels->panel_columns) / kernels->panel_columns; panel++)
	{
		/* In two parts: all rows but the last, and that. */
		kernels->linear(&job, panel, 0, nrows - 1);
		kernels->linear(&job, panel, nrows - 1, 1);
	}
	for (int row = 0; row < nrows; row++)
		for (int column = 0; column < noutputs; column++)
		{
			double		magnitude;
			double		expected = product(&layer, values, row, column, &magnitude);
			double		error = sum_error(kernels, magnitude);

			if (effect == LINEAR_ADD)
				expected += (row * stride + column) % 7;
			if (effect == LINEAR_GELU)
			{
				expected = exact_gelu(expected);
				error += kernels->precision == PRECISION_FP32 ? 2e-6 : 1.1e-4;
			}
			error += rounding(type, expected);
			if (!(fabs(value_of(&output, row, column) - expected) <= error))
				good = false;
		}
	/* What is behind the last column is written, as that of a zero row. */
	for (int row = 0; row < nrows && effect != LINEAR_ADD; row++)
		for (int column = noutputs; column < stride; column++)
			good &= value_of(&output, row, column) == 0;

	/* Nothing is written behind the last row. */
	for (size_t i = 0; i < stride * inf_number_size(type); i++)
		if (((char *) output.values)[nrows * stride * inf_number_size(type) + i])
			good = false;
	free(values);
	close_layer(&layer);
	close_matrix(&input);
	close_matrix(&output);
	return good;
}

static bool
check_max(const Kernels *kernels, int ninputs, int noutputs)
{
	const int	offsets[] = {0, 1, 8, 15, 21};
	Layer		layer = open_layer(kernels, ninputs, noutputs);
	Matrix		input = open_input(kernels, 21, ninputs);
	Matrix		output = open_matrix(NUMBER_FP32, 4, padded(noutputs, KERNEL_ALIGN));
	const LinearJob job = {&layer.packed, &input, &output, LINEAR_MAX, 1, offsets};
	double	   *values = values_of(&input, 21);
	bool		good = true;

	for (int panel = 0; panel < padded(layer.packed.noutputs, kernels->panel_columns) / kernels->panel_columns; panel++)
		kernels->linear(&job, panel, 0, 4);
	for (int s = 0; s < 4; s++)
		for (int column = 0; column < noutputs; column++)
		{
			double		greatest = -INFINITY;
			double		error = 0;

			for (int row = offsets[s]; row < offsets[s + 1]; row++)
			{
				double		magnitude;

				greatest = fmax(greatest, product(&layer, values, row, column, &magnitude));
				error = fmax(error, sum_error(kernels, magnitude));
			}
			if (!(fabs(value_of(&output, s, column) - greatest) <= error))
				good = false;
		}
	free(values);
	close_layer(&layer);
	close_matrix(&input);
	close_matrix(&output);
	return good;
}

static void
test_linear(const Kernels *kernels)
{
	static const int inputs[] = {16, 48, 208, 784};
	static const int outputs[] = {1, 16, 52, 64, 130};
	static const int rows[] = {1, 2, 3, 4, 5, 6, 7, 13, 16};
	static const NumberType stored[] = {NUMBER_FP32, NUMBER_BF16, NUMBER_FP16_PLAIN};
	static const NumberType activated[] = {NUMBER_FP32, NUMBER_BF16, NUMBER_FP16};
	bool		good[4] = {true, true, true, true};

	for (int n = 0; n < 5; n++)
	{
		good[3] &= check_max(kernels, inputs[n % 4], outputs[n]);
		for (int r = 0; r < 9; r++)
		{
			const int	k = inputs[(n + r) % 4];

			good[0] &= check_store(kernels, LINEAR_STORE, stored[r % 3], k,
								   outputs[n], rows[r]);
			good[1] &= check_store(kernels, LINEAR_GELU, activated[r % 3], k,
								   outputs[n], rows[r]);
			good[2] &= check_store(kernels, LINEAR_ADD, NUMBER_FP32, k,
								   outputs[n], rows[r]);
		}
	}
	check_kernels(good[0], kernels->name, "linear");
	check_kernels(good[1], kernels->name, "linear, gelu");
	check_kernels(good[2], kernels->name, "linear, added");
	check_kernels(good[3], kernels->name, "linear, greatest of a sequence");
}

/* --- Rows ---------------------------------------------------------------- */

static void
test_convert(const Kernels *kernels)
{
	enum {NROWS = 5, STRIDE = 48};
	Matrix		copy = open_matrix(kernels->input_type, NROWS, STRIDE);
	float	   *values = allocate(NROWS * STRIDE * sizeof(*values));
	bool		good = true;

	for (int i = 0; i < NROWS * STRIDE; i++)
		values[i] = i / STRIDE == 1 ? -3 : ldexpf(draw(), i / STRIDE == 3 ? -20 : i % 8);
	kernels->convert(values, &copy, 0, NROWS);
	for (int row = 0; row < NROWS; row++)
		for (int i = 0; i < STRIDE; i++)
		{
			const float value = values[row * STRIDE + i];
			const double error = copy.type == NUMBER_UINT8 ?
				copy.steps[row] * 0.5001 + fabsf(value) * 1e-6 : 0;
			const uint16_t number = ((uint16_t *) copy.values)[row * STRIDE + i];

			if (copy.type == NUMBER_BF16)
				good &= number == nearest(NUMBER_BF16, value);
			else if (copy.type == NUMBER_FP16)
				good &= number == nearest(NUMBER_FP16, value * FP16_INPUT_SCALE);
			else
				good &= fabs(value_of(&copy, row, i) - value) <= error;
		}
	check_kernels(good, kernels->name, "conversion of rows");
	close_matrix(&copy);
	free(values);
}

/* All there are, at the borders where rounding turns, and out of range. */
static void
test_rounding(const Kernels *kernels)
{
	const NumberType type = kernels->input_type;
	Matrix		copy = open_matrix(type, 1, KERNEL_ALIGN);
	int			nwrong = 0;

	if (type == NUMBER_BF16 || type == NUMBER_FP16)
		for (int bits = 0; bits < 0x10000; bits++)
		{
			const uint16_t number = bits;
			const float here = type == NUMBER_BF16 ? from_bf16(number) : from_fp16(number);
			const float next = type == NUMBER_BF16 ? from_bf16(number + 1) : from_fp16(number + 1);
			const float middle = here / 2 + next / 2;
			float		values[KERNEL_ALIGN] = {here, middle, nextafterf(middle, here), nextafterf(middle, next)};

			if (!isfinite(here) || !isfinite(next) || signbit(here) != signbit(next))
				continue;
			for (int i = 0; i < 4; i++)
				values[i] /= type == NUMBER_FP16 ? FP16_INPUT_SCALE : 1;
			kernels->convert(values, &copy, 0, 1);
			for (int i = 0; i < 4; i++)
				nwrong += ((uint16_t *) copy.values)[i] !=
					nearest(type, values[i] * (type == NUMBER_FP16 ? FP16_INPUT_SCALE : 1));
		}
	if (type == NUMBER_FP16)
	{
		const float values[KERNEL_ALIGN] = {1e30f, -1e30f, INFINITY, -INFINITY, NAN, 65519 * 16.0f, 65520 * 16.0f};

		kernels->convert(values, &copy, 0, 1);
		for (int i = 0; i < 4; i++)
			nwrong += ((uint16_t *) copy.values)[i] != (i % 2 ? 0xfc00 : 0x7c00);
		nwrong += !isnan(value_of(&copy, 0, 4));
		nwrong += ((uint16_t *) copy.values)[5] != 0x7bff;
		nwrong += ((uint16_t *) copy.values)[6] != 0x7c00;
	}
	CHECK_INT(nwrong, 0);
	close_matrix(&copy);
}

static void
test_norm(const Kernels *kernels)
{
	static const int widths[] = {1, 16, 26, 52, 384};
	bool		good = true;

	for (int w = 0; w < 5; w++)
	{
		const int	width = widths[w];
		const int	stride = padded(width, KERNEL_ALIGN);
		float	   *input = allocate(3 * stride * sizeof(float));
		float	   *output = allocate(3 * stride * sizeof(float));
		float	   *gamma = allocate(stride * sizeof(float));
		float	   *beta = allocate(stride * sizeof(float));
		Matrix		copy = open_matrix(kernels->input_type, 3, stride);
		const NormJob job = {input, output, stride, width, gamma, beta, 1e-12f, &copy};

		for (int i = 0; i < width; i++)
		{
			gamma[i] = 1 + draw() / 2;
			beta[i] = draw();
			for (int row = 0; row < 3; row++)
				input[row * stride + i] = 100 * row + draw();
		}
		kernels->norm(&job, 0, 3);
		for (int row = 0; row < 3; row++)
		{
			double		mean = 0;
			double		variance = 0;

			for (int i = 0; i < width; i++)
				mean += input[row * stride + i] / (double) width;
			for (int i = 0; i < width; i++)
				variance += pow(input[row * stride + i] - mean, 2) / width;
			for (int i = 0; i < stride; i++)
			{
				const double expected = i >= width ? 0 :
					(input[row * stride + i] - mean) / sqrt(variance + 1e-12) * gamma[i] + beta[i];
				const double value = output[row * stride + i];

				/* One value has no variance: its rounded mean is magnified. */
				good &= fabs(value - expected) <= (width == 1 ? 20 : 2e-4);
				good &= fabs(value_of(&copy, row, i) - value) <=
					rounding(copy.type, value) + (copy.type == NUMBER_UINT8 ? copy.steps[row] : 0);
			}
		}
		free(input);
		free(output);
		free(gamma);
		free(beta);
		close_matrix(&copy);
	}
	check_kernels(good, kernels->name, "normalisation");
}

static void
test_embed(const Kernels *kernels)
{
	enum {STRIDE = 32};
	static const NumberType types[] = {NUMBER_FP32, NUMBER_FP16_PLAIN};
	const int32_t ids[] = {4, 0, 3};
	const int32_t places[] = {0, 1, 0};
	bool		good = true;

	for (int t = 0; t < 2; t++)
	{
		Matrix		words = open_matrix(types[t], 5, STRIDE);
		float	   *positions = allocate(2 * STRIDE * sizeof(float));
		float	   *output = allocate(3 * STRIDE * sizeof(float));
		const EmbedJob job = {&words, positions, ids, places, output};

		for (int i = 0; i < 5 * STRIDE; i++)
			if (types[t] == NUMBER_FP32)
				((float *) words.values)[i] = draw();
			else
				((uint16_t *) words.values)[i] = nearest(NUMBER_FP16, ldexp(draw(), -i % 30));
		for (int i = 0; i < 2 * STRIDE; i++)
			positions[i] = draw();
		kernels->embed(&job, 0, 3);
		for (int row = 0; row < 3; row++)
			for (int i = 0; i < STRIDE; i++)
				good &= fabs(output[row * STRIDE + i] - value_of(&words, ids[row], i) -
							 positions[places[row] * STRIDE + i]) <= 1e-6;
		close_matrix(&words);
		free(positions);
		free(output);
	}
	check_kernels(good, kernels->name, "embedding");
}

/* --- Attention ----------------------------------------------------------- */

/* One row and head, in double: out (head_stride). */
static void
attend_exactly(const AttentionJob *job, const double *input, int first, int nrows,
			   int head, int row, double *out)
{
	const int	width = job->nheads * job->head_stride;
	const double *queries = input + head * job->head_stride;
	const double *keys = queries + (size_t) first * 3 * width + width;
	const double *values = keys + width;
	double	   *weights = allocate(nrows * sizeof(*weights));
	double		sum = 0;

	memset(out, 0, job->head_stride * sizeof(*out));
	for (int key = 0; key < nrows; key++)
	{
		double		score = 0;

		for (int i = 0; i < job->head_stride; i++)
			score += queries[row * 3 * width + i] * keys[key * 3 * width + i];
		weights[key] = exp(score * job->scale);
		sum += weights[key];
	}
	for (int key = 0; key < nrows; key++)
		for (int i = 0; i < job->head_stride; i++)
			out[i] += weights[key] / sum * values[key * 3 * width + i];
	free(weights);
}

static bool
check_attention(const Kernels *kernels, int head_stride, int nrows, NumberType type)
{
	enum {NHEADS = 3, FIRST = 2};
	const int	width = NHEADS * head_stride;
	Matrix		input = open_matrix(kernels->attention_type, FIRST + nrows, 3 * width);
	Matrix		output = open_matrix(type, FIRST + nrows, width);
	const AttentionJob job = {&input, &output, NHEADS, head_stride, 1 / sqrtf(head_stride)};
	void	   *scratch = allocate(kernels->scratch_size(nrows, head_stride));
	double	   *expected = allocate(head_stride * sizeof(*expected));
	double	   *values;
	bool		good = true;

	/* What is before the sequence is not a number: nobody may look there. */
	for (int i = 0; i < (FIRST + nrows) * 3 * width; i++)
	{
		const float value = i < FIRST * 3 * width ? NAN : 2 * draw();

		if (input.type == NUMBER_FP32)
			((float *) input.values)[i] = value;
		else
			((uint16_t *) input.values)[i] = nearest(input.type, value);
	}
	values = values_of(&input, FIRST + nrows);
	for (int head = 0; head < NHEADS; head++)
		kernels->attend(&job, FIRST, nrows, head, scratch);
	for (int row = FIRST; row < FIRST + nrows; row++)
		for (int head = 0; head < NHEADS; head++)
		{
			attend_exactly(&job, values, FIRST, nrows, head, row, expected);
			for (int i = 0; i < head_stride; i++)
				if (!(fabs(value_of(&output, row, head * head_stride + i) - expected[i]) <=
					  rounding(type, expected[i]) + (kernels->precision == PRECISION_FP32 ? 1e-5 : 1e-2)))
					good = false;
		}
	close_matrix(&input);
	close_matrix(&output);
	free(scratch);
	free(values);
	free(expected);
	return good;
}

static void
test_attention(const Kernels *kernels)
{
	static const int strides[] = {16, 32, 48, 64, 80, 128};
	static const int rows[] = {1, 2, 5, 16, 17, 63, 64, 65, 130, 220};
	static const NumberType types[] = {NUMBER_FP32, NUMBER_BF16, NUMBER_FP16};
	bool		good = true;

	for (int s = 0; s < 6; s++)
		for (int r = 0; r < 10; r++)
			good &= check_attention(kernels, strides[s], rows[r], types[r % 3]);
	check_kernels(good, kernels->name, "attention");
}

/* Scores that no fp16 can hold make values that are no numbers. */
static void
test_overflow(const Kernels *kernels)
{
	enum {WIDTH = 16, NROWS = 4};
	Matrix		input = open_matrix(kernels->attention_type, NROWS, 3 * WIDTH);
	Matrix		output = open_matrix(NUMBER_FP32, NROWS, WIDTH);
	const AttentionJob job = {&input, &output, 1, WIDTH, 1};
	void	   *scratch = allocate(kernels->scratch_size(NROWS, WIDTH));

	for (int i = 0; i < NROWS * 3 * WIDTH; i++)
		if (input.type == NUMBER_FP32)
			((float *) input.values)[i] = 1e30f;
		else
			((uint16_t *) input.values)[i] = nearest(input.type, input.type == NUMBER_BF16 ? 1e30 : 60000);
	kernels->attend(&job, 0, NROWS, 0, scratch);
	check_kernels(input.type == NUMBER_FP16_PLAIN && !kernels->is_fast ? true :
		  isnan(value_of(&output, 0, 0)), kernels->name, "overflow is seen");
	close_matrix(&input);
	close_matrix(&output);
	free(scratch);
}

/* --- Choice -------------------------------------------------------------- */

static void
test_choice(void)
{
	for (Precision p = PRECISION_FP32; p <= PRECISION_INT8; p++)
	{
		const Kernels *portable = inf_kernels_choose(p, "portable");
		const Kernels *best = inf_kernels_choose(p, NULL);

		check_kernels(portable && strncmp(portable->name, "portable", 8) == 0, inf_precision_name(p), "there are portable kernels");
		check_kernels(best && best->precision == p && best->is_supported(inf_cpu_features()), inf_precision_name(p), "the best are supported");
		check_kernels(inf_kernels_choose_attention(p, NULL)->attend != NULL, inf_precision_name(p), "there is attention");
		check_kernels(inf_kernels_choose(p, "mips") == NULL, inf_precision_name(p), "none for another CPU");
	}
	CHECK(inf_kernels_best_precision() != PRECISION_AUTO);
}

int
main(void)
{
	const Kernels *kernels;

	test_choice();
	for (int i = 0; (kernels = inf_kernels_list(i)) != NULL; i++)
	{
		seed = i;
		if (!kernels->is_supported(inf_cpu_features()))
		{
			printf("# %s: not on this CPU\n", kernels->name);
			continue;
		}
		test_linear(kernels);
		test_convert(kernels);
		test_rounding(kernels);
		test_norm(kernels);
		test_embed(kernels);
		if (kernels->attend)
		{
			test_attention(kernels);
			test_overflow(kernels);
		}
	}
	return check_done();
}
