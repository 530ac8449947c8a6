/*
 * kernel_math.h
 *		What kernels of all precisions need, in vectors: functions of numbers,
 *		rows, and the way from and to memory.
 *
 * For the templates of kernels, after a vector_*.h, in a file of kernels only.
 */
#ifndef INFERENCE_ENGINE_KERNEL_MATH_H
#define INFERENCE_ENGINE_KERNEL_MATH_H

#include <math.h>
#include <string.h>

#include "engine/kernels.h"

#define TILE_ROWS 6

/*
 * Loops over a tile have to go for its sums to be in registers.  Clang sees to
 * that early enough only where the bound is written as a constant.
 */
#if defined(__clang__)
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif
#define EACH_ROW(i) \
	UNROLLED for (int i = 0; i < TILE_ROWS; i++) if (i < nrows)
#define EACH_VECTOR(j) \
	UNROLLED for (int j = 0; j < TILE_VECTORS; j++) if (j < nvectors)

#define NUMBER_BYTES(type) \
	((type) == NUMBER_FP32 ? 4 : (type) == NUMBER_UINT8 ? 1 : 2)
#define NUMBERS_PER_WORD(type) (4 / NUMBER_BYTES(type))

/* Into the second cache: what is there already costs next to nothing. */
#define CACHE_LINE 64
#define PREFETCH(address) __builtin_prefetch(address, 0, 2)

/* A line of a file's table of kernels: functions named x_suffix. */
#define KERNELS(its_name, its_precision, type, suffix) \
	.name = its_name, \
	.is_supported = is_supported, \
	.precision = its_precision, \
	.panel_columns = TILE_VECTORS * VECTOR_LANES, \
	.input_type = type, \
	.linear = linear_##suffix, \
	.embed = embed_##suffix, \
	.norm = norm_##suffix, \
	.convert = convert_##suffix
#define FLOAT_KERNELS(its_name, its_precision, type, suffix, fast) \
	{ \
		KERNELS(its_name, its_precision, type, suffix), \
		.attention_type = (type) == NUMBER_FP16 ? NUMBER_FP16_PLAIN : (type), \
		.is_fast = fast, \
		.attend = attend_##suffix, \
		.scratch_size = scratch_size_##suffix \
	}
#define INT8_KERNELS(its_name, suffix) \
	{ KERNELS(its_name, PRECISION_INT8, NUMBER_UINT8, suffix) }

static inline int
padded(int n, int multiple)
{
	return (n + multiple - 1) / multiple * multiple;
}

/* Rows of the next tile, of nrows that are left: 16 are 6, 5, 5. */
static inline int
rows_of_tile(int nrows)
{
	const int	ntiles = (nrows + TILE_ROWS - 1) / TILE_ROWS;

	return (nrows + ntiles - 1) / ntiles;
}

/* A vector of one word. */
static inline Words
word_at(const char *from)
{
	int32_t		word;

	memcpy(&word, from, sizeof(word));
	return words_all(word);
}

/* The upper half of a float32 is a bf16: to the nearest, half to even. */
static inline void
floats_store_bf16(uint16_t *to, Floats a)
{
	const Words bits = floats_as_words(a);
	const Words odd = words_and(words_shift_right(bits, 16), words_all(1));
	const Words rounded = words_add(bits, words_add(odd, words_all(0x7fff)));

	words_store_16(to, words_shift_right(rounded, 16));
}

/*
 * Words of an fp16 in their upper half, as words of float32.  The exponent
 * has 5 bits with a bias of 15 there, here 8 with 127: moved as it is, it says
 * a number 2^112 times too small, be it subnormal or not.  Not for infinity.
 */
static inline Words
fp16_to_fp32(Words halves)
{
	const Words sign = words_and(halves, words_all(INT32_MIN));
	const Words rest = words_shift_right(words_and(halves, words_all(0x7fff0000)), 3);

	return words_or(sign, floats_as_words(words_as_floats(rest) * floats_all(0x1p112f)));
}

/* To or from a row and column of a matrix; type is the matrix's. */
static inline void
store_vector(const Matrix *matrix, NumberType type, int row, int column, Floats a)
{
	const size_t i = (size_t) row * matrix->stride + column;

	if (type == NUMBER_FP32)
		floats_store((float *) matrix->values + i, a);
	else if (type == NUMBER_BF16)
		floats_store_bf16((uint16_t *) matrix->values + i, a);
	else if (type == NUMBER_FP16)
		floats_store_fp16((uint16_t *) matrix->values + i, a * floats_all(FP16_INPUT_SCALE));
	else
		floats_store_fp16((uint16_t *) matrix->values + i, a);
}

static inline Floats
load_vector(const Matrix *matrix, NumberType type, int row, int column)
{
	return floats_load((const float *) matrix->values +
					   (size_t) row * matrix->stride + column);
}

static inline void
embed_row(const EmbedJob *job, int row)
{
	const int	stride = job->words->stride;
	const size_t word = (size_t) job->ids[row] * stride;
	const float *position = job->positions + (size_t) job->places[row] * stride;
	float	   *output = job->output + (size_t) row * stride;

	for (int i = 0; i < stride; i += VECTOR_LANES)
		floats_store(output + i,
					 floats_load(position + i) +
					 (job->words->type == NUMBER_FP32 ?
					  floats_load((const float *) job->words->values + word + i) :
					  floats_load_fp16((const uint16_t *) job->words->values + word + i)));
}

/*
 * x / 2 * (1 + erf(x / sqrt(2))), with erf(x / sqrt(2)) = x P(x^2) / Q(x^2),
 * wrong by 5e-7 at most, which is about what float32 leaves of it.  Beyond
 * 5.3 it is as good as 1.  Coefficients: least squares, weighted until the
 * greatest error was the least.
 */
static inline Floats
gelu(Floats x)
{
	const Floats clipped = floats_max(floats_min(x, floats_all(5.3f)), floats_all(-5.3f));
	const Floats z = clipped * clipped;
	Floats		p = floats_all(-3.5222463e-08f);
	Floats		q = floats_all(0.00015666166f);

	p = floats_fma(p, z, floats_all(1.2045852e-05f));
	q = floats_fma(q, z, floats_all(0.0035664006f));
	p = floats_fma(p, z, floats_all(0.00093113078f));
	q = floats_fma(q, z, floats_all(0.046205271f));
	p = floats_fma(p, z, floats_all(0.012859719f));
	q = floats_fma(q, z, floats_all(0.33040252f));
	p = floats_fma(p, z, floats_all(0.13065131f));
	q = floats_fma(q, z, floats_all(1));
	p = floats_fma(p, z, floats_all(0.79788321f));
	x = x * floats_all(0.5f);
	return floats_fma(x, clipped * p * floats_reciprocal(q), x);
}

/*
 * The same where the result is rounded to 16 bits or fewer anyway: a
 * polynomial for erf(x / sqrt(2)) / x that leaves a result wrong by 1e-4 at
 * most.  It is 1 / 4.2 at 4.2, beyond which erf is as good as 1.
 */
static inline Floats
gelu_roughly(Floats x)
{
	const Floats clipped = floats_max(floats_min(x, floats_all(4.2f)), floats_all(-4.2f));
	const Floats z = clipped * clipped;
	Floats		p = floats_all(-1.8228862e-09f);

	p = floats_fma(p, z, floats_all(1.6024798e-07f));
	p = floats_fma(p, z, floats_all(-6.1184705e-06f));
	p = floats_fma(p, z, floats_all(0.00013445204f));
	p = floats_fma(p, z, floats_all(-0.0019072262f));
	p = floats_fma(p, z, floats_all(0.018625136f));
	p = floats_fma(p, z, floats_all(-0.13112558f));
	p = floats_fma(p, z, floats_all(0.79699337f));
	x = x * floats_all(0.5f);
	return floats_fma(x, clipped * p, x);
}

/*
 * 2^x for x <= 0, relative error 3e-7; less than 2^-126 for x below that.
 * The sum with the constant has no room for a fraction: its last bits are
 * the whole part of x, and 127, ready to become an exponent.
 */
static inline Floats
power_of_2(Floats x)
{
	const Floats round = floats_all(12582912 + 127);
	const Floats clipped = floats_max(x, floats_all(-126.5f));
	const Floats whole = clipped + round;
	const Floats f = clipped - (whole - round);
	Floats		p = floats_all(0.0013276466f);

	p = floats_fma(p, f, floats_all(0.009675541f));
	p = floats_fma(p, f, floats_all(0.055507135f));
	p = floats_fma(p, f, floats_all(0.24022120f));
	p = floats_fma(p, f, floats_all(0.69314694f));
	p = floats_fma(p, f, floats_all(1));
	return p * words_as_floats(words_shift_left(floats_as_words(whole), 23));
}

/*
 * Row row of weights (.., nwhole) = exp(scale * (scores - the greatest)) for
 * the first n scores; returns their sum.  What stands behind them becomes next
 * to nothing.  The sum is not a number if a score was infinite: then others
 * are lost too.
 */
static inline float
exponentiate(float *scores, int n, int nwhole, float scale,
			 const Matrix *weights, NumberType type, int row)
{
	const Floats factor = floats_all(scale * (float) M_LOG2E);
	Floats		greatest = floats_all(-INFINITY);
	Floats		sum = floats_all(0);
	Floats		shift;

	for (int i = n; i < nwhole; i++)
		scores[i] = -INFINITY;
	for (int i = 0; i < nwhole; i += VECTOR_LANES)
		greatest = floats_max(greatest, floats_load(scores + i));
	greatest = floats_all(floats_largest(greatest));
	shift = -greatest * factor;
	for (int i = 0; i < nwhole; i += VECTOR_LANES)
	{
		const Floats weight = power_of_2(floats_fma(floats_load(scores + i), factor, shift));

		sum += weight;
		store_vector(weights, type, row, i, weight);
	}
	return floats_sum(sum + (greatest - greatest));
}

/* See NormJob.  Twice over the row, as differences of squares lose digits. */
static inline void
normalize_row(const NormJob *job, const float *input, float *output)
{
	const int	whole = job->width / VECTOR_LANES * VECTOR_LANES;
	Floats		sum = floats_all(0);
	Floats		squares = floats_all(0);
	float		mean;
	float		variance;
	float		factor;

	for (int i = 0; i < job->stride; i += VECTOR_LANES)
		sum += floats_load(input + i);
	mean = floats_sum(sum) / job->width;
	for (int i = 0; i < whole; i += VECTOR_LANES)
	{
		const Floats difference = floats_load(input + i) - floats_all(mean);

		squares = floats_fma(difference, difference, squares);
	}
	variance = floats_sum(squares);
	for (int i = whole; i < job->width; i++)
		variance += (input[i] - mean) * (input[i] - mean);
	factor = 1 / sqrtf(variance / job->width + job->epsilon);
	for (int i = 0; i < job->stride; i += VECTOR_LANES)
		floats_store(output + i,
					 floats_fma((floats_load(input + i) - floats_all(mean)) * floats_all(factor),
								floats_load(job->gamma + i),
								floats_load(job->beta + i)));
}

/* 255 steps from the least value of the row to the greatest. */
static inline void
convert_row_to_bytes(const float *from, const Matrix *copy, int row)
{
	uint8_t    *to = (uint8_t *) copy->values + (size_t) row * copy->stride;
	Floats		least = floats_load(from);
	Floats		greatest = least;
	float		step;
	float		per_step;

	for (int i = VECTOR_LANES; i < copy->stride; i += VECTOR_LANES)
	{
		least = floats_min(least, floats_load(from + i));
		greatest = floats_max(greatest, floats_load(from + i));
	}
	copy->leasts[row] = floats_smallest(least);
	step = (floats_largest(greatest) - copy->leasts[row]) / 255;
	per_step = step > 0 ? 1 / step : 0;
	copy->steps[row] = step;
	for (int i = 0; i < copy->stride; i += VECTOR_LANES)
	{
		const Floats steps = (floats_load(from + i) - floats_all(copy->leasts[row])) *
			floats_all(per_step);

		words_store_8(to + i, floats_round(floats_min(steps, floats_all(255))));
	}
}

/*
 * to (nwords, ncolumns) = the transpose of from (nrows, nwords), with zeros in
 * columns from nrows on.
 */
static inline void
transpose_words(const int32_t *from, size_t stride, int nrows, int nwords,
				int32_t *to, int ncolumns)
{
	for (int column = 0; column < ncolumns; column++)
		for (int word = 0; word < nwords; word++)
			to[(size_t) word * ncolumns + column] =
				column < nrows ? from[column * stride + word] : 0;
}

/*
 * Words of the numbers of per_word rows, one below the other: to (ncolumns).
 * Rows from nrows on are zeros.
 */
static inline void
interleave_rows(const int32_t *from, size_t stride, int nrows, int per_word,
				int ncolumns, int32_t *to)
{
	const uint16_t *upper = (const uint16_t *) from;
	const uint16_t *lower = (const uint16_t *) (from + stride);

	if (nrows <= 0)
		memset(to, 0, ncolumns * sizeof(*to));
	else if (per_word == 1)
		memcpy(to, from, ncolumns * sizeof(*to));
	else
		for (int i = 0; i < ncolumns; i++)
			to[i] = upper[i] | (nrows > 1 ? (uint32_t) lower[i] << 16 : 0);
}

#endif							/* INFERENCE_ENGINE_KERNEL_MATH_H */
