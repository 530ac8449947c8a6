/*
 * kernel_attention_template.h
 *		Attention, written once for all CPUs and precisions but bytes.
 *
 * Comes after kernel_linear_template.h, whose tiles it multiplies with;
 * includers define ATTENTION_TYPE, the NumberType of queries, keys and values,
 * with as many to a word as INPUT_TYPE has.
 *
 * The scores of a few queries at a time stay in the nearest cache: the whole
 * matrix of scores is never in memory.
 */

/*
 * Keys and values of a head, as panels: keys (head_stride words, nrows), a
 * panel for each PANEL_COLUMNS keys; values (nrows in words, head_stride).
 * Behind the last row come zeros.
 */
static void
KERNEL(pack_head)(const AttentionJob *job, int first, int nrows, int head,
				  int32_t *key_panels, int32_t *value_panels)
{
	const Matrix *input = job->input;
	const int	per_word = NUMBERS_PER_WORD(ATTENTION_TYPE);
	const int	nwords = job->head_stride / per_word;
	const int	width = job->nheads * job->head_stride;
	const int	npadded = padded(nrows, KERNEL_ALIGN);
	const size_t stride = (size_t) input->stride / per_word;
	const int32_t *keys = (const int32_t *) input->values + first * stride +
		(width + head * job->head_stride) / per_word;
	const int32_t *values = keys + width / per_word;

	for (int begin = 0; begin < npadded; begin += PANEL_COLUMNS)
	{
		const int	ncolumns = npadded - begin < PANEL_COLUMNS ? npadded - begin : PANEL_COLUMNS;

		transpose_words(keys + begin * stride, stride,
						nrows - begin < ncolumns ? nrows - begin : ncolumns, nwords,
						key_panels + (size_t) begin * nwords, ncolumns);
	}
	for (int begin = 0; begin < job->head_stride; begin += PANEL_COLUMNS)
	{
		const int	rest = job->head_stride - begin;
		const int	ncolumns = rest < PANEL_COLUMNS ? rest : PANEL_COLUMNS;
		int32_t    *panel = value_panels + (size_t) begin * (npadded / per_word);

		for (int row = 0; row < npadded; row += per_word, panel += ncolumns)
			interleave_rows(values + row * stride + begin / per_word, stride,
							nrows - row, per_word, ncolumns, panel);
	}
}

/* A matrix product of up to TILE_ROWS rows: to (nrows, ncolumns). */
static void
KERNEL(multiply_rows)(int nrows, const void *rows, size_t row_bytes,
					  const int32_t *panels, int nwords, int ncolumns, float *to)
{
	for (int begin = 0; begin < ncolumns; begin += PANEL_COLUMNS)
	{
		const int	n = ncolumns - begin < PANEL_COLUMNS ? ncolumns - begin : PANEL_COLUMNS;

		KERNEL(run_tile)(nrows, n / VECTOR_LANES, rows, row_bytes,
						 (const char *) (panels + (size_t) begin * nwords), nwords,
						 to + begin, ncolumns, rows, 0);
	}
}

static size_t
KERNEL(scratch_size)(int nrows, int head_stride)
{
	const size_t npadded = padded(nrows, KERNEL_ALIGN);

	/* Keys, values; scores, probabilities; the sums of values. */
	return sizeof(float) * (2 * npadded * head_stride +
							TILE_ROWS * (2 * npadded + head_stride));
}

static void
KERNEL(attend)(const AttentionJob *job, int first, int nrows, int head,
			   void *scratch)
{
	const int	per_word = NUMBERS_PER_WORD(ATTENTION_TYPE);
	const int	head_stride = job->head_stride;
	const int	npadded = padded(nrows, KERNEL_ALIGN);
	const size_t row_bytes = (size_t) job->input->stride * NUMBER_BYTES(ATTENTION_TYPE);
	const char *queries = (const char *) job->input->values + first * row_bytes +
		(size_t) head * head_stride * NUMBER_BYTES(ATTENTION_TYPE);
	int32_t    *keys = scratch;
	int32_t    *values = keys + (size_t) npadded * head_stride;
	float	   *scores = (float *) (values + (size_t) npadded * head_stride);
	float	   *results = scores + TILE_ROWS * npadded;
	const Matrix weights = {
		.type = ATTENTION_TYPE,
		.values = results + TILE_ROWS * head_stride,
		.stride = npadded
	};
	int			n;

	KERNEL(pack_head)(job, first, nrows, head, keys, values);
	for (int row = 0; row < nrows; row += n)
	{
		float		shares[TILE_ROWS];

		n = rows_of_tile(nrows - row);
		KERNEL(multiply_rows)(n, queries + row * row_bytes, row_bytes, keys,
							  head_stride / per_word, npadded, scores);
		for (int i = 0; i < n; i++)
			shares[i] = 1 / exponentiate(scores + i * npadded, nrows, npadded,
										 job->scale, &weights, ATTENTION_TYPE, i);
		KERNEL(multiply_rows)(n, weights.values,
							  npadded * NUMBER_BYTES(ATTENTION_TYPE), values,
							  npadded / per_word, head_stride, results);
		for (int i = 0; i < n; i++)
			for (int j = 0; j < head_stride; j += VECTOR_LANES)
				store_vector(job->output, job->output->type, first + row + i,
							 head * head_stride + j,
							 floats_load(results + i * head_stride + j) * floats_all(shares[i]));
	}
}
