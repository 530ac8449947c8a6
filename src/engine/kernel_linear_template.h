/*
 * kernel_linear_template.h
 *		Linear layers and rows, written once for all CPUs and precisions.
 *
 * Includers have included a vector_*.h and kernel_math.h, and define:
 *
 *	KERNEL(name)		name of a function of these kernels
 *	INPUT_TYPE			NumberType of the input of linear layers
 *	Sum					a vector of sums
 *	SUM_ZERO			one of zeros
 *	NPARTS				in how many parts words are multiplied
 *	ROW_PART(word, i)	part i of a vector of one word of the input
 *	PANEL_PART(words, i)	part i of a vector of words of a panel
 *	SUM_ADD(sum, a, b)	sum += a * b
 *	CHAIN_WORDS			words after which sums are put aside
 *	SUM_PUT(to, sum, is_first)	puts them aside at to: float32, or int32
 *						where the input is of bytes
 */

#define PANEL_COLUMNS (TILE_VECTORS * VECTOR_LANES)
#define WORD_BYTES 4

/*
 * A tile: to (nrows, nvectors * VECTOR_LANES; to_stride) = rows (nrows, nwords)
 * times panel (nwords, nvectors * VECTOR_LANES).  The sums stay in registers,
 * which is why the first two arguments have to be constants.
 *
 * Meanwhile memory at ahead is brought near, ahead_step bytes for each word.
 */
static inline __attribute__((always_inline)) void
KERNEL(tile)(const int nrows, const int nvectors,
			 const char *rows, size_t row_bytes,
			 const char *panel, int nwords, float *to, size_t to_stride,
			 const char *ahead, size_t ahead_step)
{
	const size_t panel_bytes = nvectors * VECTOR_LANES * WORD_BYTES;

	for (int begin = 0; begin < nwords; begin += CHAIN_WORDS)
	{
		const int	end = nwords - begin > CHAIN_WORDS ? begin + CHAIN_WORDS : nwords;
		Sum			sums[TILE_ROWS][TILE_VECTORS];

		EACH_ROW(i)
			EACH_VECTOR(j)
				sums[i][j] = SUM_ZERO;
		for (int word = begin; word < end; word++)
		{
			UNROLLED for (int part = 0; part < NPARTS; part++)
			{
				Words		weights[TILE_VECTORS];

				EACH_VECTOR(j)
					weights[j] = PANEL_PART(words_load(panel + j * VECTOR_LANES * WORD_BYTES), part);
				EACH_ROW(i)
				{
					const Words input =
						ROW_PART(word_at(rows + i * row_bytes + word * WORD_BYTES), part);

					EACH_VECTOR(j)
						SUM_ADD(sums[i][j], input, weights[j]);
				}
			}
			panel += panel_bytes;
			PREFETCH(ahead);
			PREFETCH(ahead + CACHE_LINE);
			ahead += ahead_step;
		}
		EACH_ROW(i)
			EACH_VECTOR(j)
				SUM_PUT(to + i * to_stride + j * VECTOR_LANES, sums[i][j], begin == 0);
	}
}

/* A function for each number of rows, so that the tiles stay constant. */
static __attribute__((noinline)) void
KERNEL(run_tile)(int nrows, int nvectors, const char *rows, size_t row_bytes,
				 const char *panel, int nwords, float *to, size_t to_stride,
				 const char *ahead, size_t ahead_step)
{
#define TILE(r, v) \
	case (r) * 8 + (v): \
		KERNEL(tile)(r, v, rows, row_bytes, panel, nwords, to, to_stride, ahead, ahead_step); \
		return;
#define TILES(r) TILE(r, 1) TILE(r, 2) TILES_OF_MORE(r)
#if TILE_VECTORS == 4
#define TILES_OF_MORE(r) TILE(r, 3) TILE(r, 4)
#else
#define TILES_OF_MORE(r)
#endif

	switch (nrows * 8 + nvectors)
	{
			TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6)
	}
#undef TILE
#undef TILES
#undef TILES_OF_MORE
}

/*
 * One tile of a linear layer.  Weights that no cache has arrive more slowly than
 * they are multiplied by few rows, so the first tiles of a panel bring what
 * comes next: each a half of it if there are few, else each a quarter.
 */
static inline void
KERNEL(multiply)(const LinearJob *job, int panel, int first, int nrows, int tile,
				 int ntiles, float *sums)
{
	const Matrix *input = job->input;
	const int	nwords = job->layer->ninputs / NUMBERS_PER_WORD(INPUT_TYPE);
	const size_t panel_bytes = (size_t) nwords * PANEL_COLUMNS * WORD_BYTES;
	const size_t row_bytes = (size_t) input->stride * NUMBER_BYTES(INPUT_TYPE);
	const char *weights = (const char *) job->layer->panels + panel * panel_bytes;
	const char *ahead = weights + job->panels_ahead * panel_bytes;
	const int	nparts = ntiles < 4 ? 2 : 4;
	const size_t ahead_step = PANEL_COLUMNS * WORD_BYTES / nparts;
	const bool	is_ahead = tile < nparts;

	KERNEL(run_tile)(nrows, TILE_VECTORS,
					 (const char *) input->values + first * row_bytes, row_bytes,
					 weights, nwords, sums, PANEL_COLUMNS,
					 is_ahead ? ahead + tile * (panel_bytes / nparts) : weights,
					 is_ahead ? ahead_step : 0);
}

/* Vector number vector of a row of the tile, as x W of column column. */
static inline Floats
KERNEL(product)(const LinearJob *job, const float *sums, int row, int column)
{
	if (INPUT_TYPE == NUMBER_UINT8)
	{
		const Floats bytes = words_to_floats(words_load(sums));
		const Floats least = floats_all(job->input->leasts[row]);

		return floats_fma(bytes, floats_all(job->input->steps[row]),
						  least * floats_load(job->layer->sums + column));
	}
	return floats_load(sums);
}

static inline Floats
KERNEL(with_bias)(const PackedLayer *layer, Floats product, int column)
{
	const Floats bias = floats_load(layer->bias + column);

	if (INPUT_TYPE == NUMBER_UINT8 || INPUT_TYPE == NUMBER_FP16)
		return floats_fma(product, floats_load(layer->scales + column), bias);
	return product + bias;
}

/* The tile at sums (nrows, PANEL_COLUMNS) becomes output. */
static inline __attribute__((always_inline)) void
KERNEL(finish)(const LinearJob *job, LinearEffect effect, NumberType type,
			   const float *sums, int first, int nrows, int column)
{
	const Matrix *output = job->output;
	int			nvectors = (output->stride - column) / VECTOR_LANES;

	if (nvectors > TILE_VECTORS)
		nvectors = TILE_VECTORS;
	for (int j = 0; j < nvectors; j++, column += VECTOR_LANES)
		for (int i = 0; i < nrows; i++)
		{
			const int	row = first + i;
			const float *sum = sums + i * PANEL_COLUMNS + j * VECTOR_LANES;
			Floats		value = KERNEL(product)(job, sum, row, column);

			value = KERNEL(with_bias)(job->layer, value, column);
			if (effect == LINEAR_GELU)
				value = INPUT_TYPE == NUMBER_FP32 ? gelu(value) : gelu_roughly(value);
			if (effect == LINEAR_ADD)
				value += load_vector(output, NUMBER_FP32, row, column);
			store_vector(output, type, row, column, value);
		}
}

static void
KERNEL(finish_tile)(const LinearJob *job, const float *sums,
					int first, int nrows, int column)
{
#define FINISH(effect, type) \
	case (effect) * 8 + (type): \
		KERNEL(finish)(job, effect, type, sums, first, nrows, column); \
		return;

	switch (job->effect * 8 + job->output->type)
	{
			FINISH(LINEAR_STORE, NUMBER_FP32)
			FINISH(LINEAR_STORE, NUMBER_BF16)
			FINISH(LINEAR_STORE, NUMBER_FP16_PLAIN)
			FINISH(LINEAR_GELU, NUMBER_FP32)
			FINISH(LINEAR_GELU, NUMBER_BF16)
			FINISH(LINEAR_GELU, NUMBER_FP16)
			FINISH(LINEAR_ADD, NUMBER_FP32)
	}
#undef FINISH
}

/*
 * The greatest of the rows of each sequence.  What a column is multiplied with
 * and its bias change no order, so they come last.
 */
static void
KERNEL(linear_max)(const LinearJob *job, int panel, int first, int nsequences)
{
	const int	column = panel * PANEL_COLUMNS;
	const int	nvectors = (job->output->stride - column) / VECTOR_LANES;
	const int	nrows_all = job->offsets[first + nsequences] - job->offsets[first];
	const int	ntiles = (nrows_all + TILE_ROWS - 1) / TILE_ROWS;
	float		sums[TILE_ROWS * PANEL_COLUMNS] __attribute__((aligned(64)));
	int			tile = 0;

	for (int s = first; s < first + nsequences; s++)
	{
		Floats		greatest[TILE_VECTORS];
		int			nrows;

		for (int j = 0; j < TILE_VECTORS; j++)
			greatest[j] = floats_all(-__builtin_inff());
		for (int row = job->offsets[s]; row < job->offsets[s + 1]; row += nrows)
		{
			nrows = rows_of_tile(job->offsets[s + 1] - row);
			KERNEL(multiply)(job, panel, row, nrows, tile++, ntiles, sums);
			for (int i = 0; i < nrows; i++)
				for (int j = 0; j < TILE_VECTORS; j++)
					greatest[j] = floats_max(greatest[j],
											 KERNEL(product)(job, sums + i * PANEL_COLUMNS + j * VECTOR_LANES,
															 row + i, column + j * VECTOR_LANES));
		}
		for (int j = 0; j < TILE_VECTORS && j < nvectors; j++)
			store_vector(job->output, NUMBER_FP32, s, column + j * VECTOR_LANES,
						 KERNEL(with_bias)(job->layer, greatest[j], column + j * VECTOR_LANES));
	}
}

static void
KERNEL(linear)(const LinearJob *job, int panel, int first, int nrows)
{
	const int	ntiles = (nrows + TILE_ROWS - 1) / TILE_ROWS;
	const int	end = first + nrows;
	float		sums[TILE_ROWS * PANEL_COLUMNS] __attribute__((aligned(64)));
	int			tile = 0;
	int			n;

	if (job->effect == LINEAR_MAX)
	{
		KERNEL(linear_max)(job, panel, first, nrows);
		return;
	}
	for (int row = first; row < end; row += n)
	{
		n = rows_of_tile(end - row);
		KERNEL(multiply)(job, panel, row, n, tile++, ntiles, sums);
		KERNEL(finish_tile)(job, sums, row, n, panel * PANEL_COLUMNS);
	}
}

/* A row of float32, as input of a linear layer. */
static inline void
KERNEL(convert_row)(const float *from, const Matrix *copy, int row)
{
	if (INPUT_TYPE == NUMBER_UINT8)
		convert_row_to_bytes(from, copy, row);
	else
		for (int i = 0; i < copy->stride; i += VECTOR_LANES)
			store_vector(copy, INPUT_TYPE, row, i, floats_load(from + i));
}

static void
KERNEL(convert)(const float *from, const Matrix *copy, int first, int nrows)
{
	for (int row = first; row < first + nrows; row++)
		KERNEL(convert_row)(from + (size_t) row * copy->stride, copy, row);
}

static void
KERNEL(embed)(const EmbedJob *job, int first, int nrows)
{
	for (int row = first; row < first + nrows; row++)
		embed_row(job, row);
}

static void
KERNEL(norm)(const NormJob *job, int first, int nrows)
{
	for (int row = first; row < first + nrows; row++)
	{
		float	   *output = job->output + (size_t) row * job->stride;

		normalize_row(job, job->input + (size_t) row * job->stride, output);
		if (job->copy)
			KERNEL(convert_row)(output, job->copy, row);
	}
}
