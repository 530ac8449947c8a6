/*
 * network.c
 *		BERT's forward pass.
 *
 * The tokens of all sequences of a pass are rows of one matrix, without
 * padding between them: only attention and pooling look at where a sequence
 * begins.  Each step is a loop over items that threads share; what the steps
 * leave is private memory of NETWORK_ROWS rows.
 */
#include "engine/network.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * With fewer rows, threads share the weights rather than the rows.  Measured: 32
 * rows each are worth it, also where the weights are larger than all caches.
 */
#define MIN_SHARE_ROWS 24

/* Rows that are worth a thread's way to them. */
#define MIN_PART_ROWS 16

/* Counters that threads write lie on cache lines of their own. */
#define NEXT_STRIDE ((int) (64 / sizeof(atomic_int)))

struct Network
{
	/* Not ours */
	const ModelConfig *config;
	const Weights *weights;
	const Kernels *kernels;
	const Kernels *attention;
	ThreadPool *pool;

	int			max_rows;
	size_t		scratch_size;	/* of a thread's attention, bytes */

	/* The pass */
	const int  *offsets;		/* (nsequences + 1) */
	int			nsequences;
	int			nrows;
	int32_t    *places;			/* (max_rows), of tokens in their sequences */

	/*
	 * hidden is what layers hand on.  Kernels that take other numbers than
	 * float32 have them in input and inner_input; else these are the same.
	 */
	Matrix		hidden;			/* (max_rows, stride) */
	Matrix		input;
	Matrix		qkv;			/* (max_rows, 3 * nheads * head_stride) */
	Matrix		context;		/* (max_rows, nheads * head_stride) */
	Matrix		context_input;
	Matrix		inner;			/* (max_rows, inner_stride) */
	Matrix		inner_input;
	Matrix		output;			/* (NETWORK_MAX_SEQUENCES, stride of output) */
	unsigned char *scratch;		/* (threads, scratch_size) */
	atomic_int *next_parts;		/* (threads, NEXT_STRIDE): see RowLoop */
	void	   *memory;			/* of all these */
};

/* --- Memory -------------------------------------------------------------- */

static int
padded(int n)
{
	return (n + KERNEL_ALIGN - 1) / KERNEL_ALIGN * KERNEL_ALIGN;
}

/* Hands out one block from its beginning; memory is NULL to count only. */
typedef struct Room
{
	unsigned char *memory;
	size_t		used;
} Room;

static void *
take(Room *room, size_t nbytes)
{
	const size_t begin = room->used;

	room->used += (nbytes + 63) / 64 * 64;
	return room->memory ? room->memory + begin : NULL;
}

static void
take_matrix(Room *room, Matrix *matrix, NumberType type, int nrows, int stride)
{
	matrix->type = type;
	matrix->stride = stride;
	matrix->values = take(room, (size_t) nrows * stride * inf_number_size(type));
	if (type == NUMBER_UINT8)
	{
		matrix->steps = take(room, nrows * sizeof(float));
		matrix->leasts = take(room, nrows * sizeof(float));
	}
}

/*
 * The input of a linear layer, and what is written there: kernels write all
 * types but bytes, which need the whole row first.
 */
static void
take_input(Room *room, Matrix *written, Matrix *input, NumberType type,
		   int nrows, int stride)
{
	take_matrix(room, written, type == NUMBER_UINT8 ? NUMBER_FP32 : type, nrows, stride);
	*input = *written;
	if (type == NUMBER_UINT8)
		take_matrix(room, input, type, nrows, stride);
}

/* Returns the size of the block. */
static size_t
lay_out(Network *network, unsigned char *memory)
{
	const ModelConfig *config = network->config;
	const Weights *weights = network->weights;
	const NumberType type = network->kernels->input_type;
	const int	nrows = network->max_rows;
	const int	heads_width = config->nheads * weights->head_stride;
	Room		room = {.memory = memory};
	Room		other;

	network->places = take(&room, nrows * sizeof(*network->places));
	network->scratch = take(&room, network->scratch_size *
							inf_thread_pool_size(network->pool));
	network->next_parts = take(&room, sizeof(*network->next_parts) * NEXT_STRIDE *
							   inf_thread_pool_size(network->pool));
	take_matrix(&room, &network->output, NUMBER_FP32, NETWORK_MAX_SEQUENCES,
				padded(inf_network_output_width(network)));
	take_matrix(&room, &network->hidden, NUMBER_FP32, nrows, weights->stride);
	network->input = network->hidden;
	if (type != NUMBER_FP32)
		take_matrix(&room, &network->input, type, nrows, weights->stride);

	/* Attention is over when the inner layer begins, and the other way. */
	other = room;
	take_matrix(&room, &network->qkv, network->attention->attention_type, nrows,
				3 * heads_width);
	take_input(&room, &network->context, &network->context_input, type, nrows,
			   heads_width);
	take_input(&other, &network->inner, &network->inner_input, type, nrows,
			   weights->inner_stride);
	return room.used > other.used ? room.used : other.used;
}

Network *
inf_network_open(const ModelConfig *config, const Weights *weights,
				 const Kernels *kernels, const Kernels *attention,
				 ThreadPool *pool, EngineError *error)
{
	Network    *network = calloc(1, sizeof(*network));
	size_t		nbytes;

	if (network == NULL)
	{
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
		return NULL;
	}
	network->config = config;
	network->weights = weights;
	network->kernels = kernels;
	network->attention = attention;
	network->pool = pool;
	network->max_rows = config->max_tokens > NETWORK_ROWS ?
		config->max_tokens : NETWORK_ROWS;
	network->scratch_size =
		(attention->scratch_size(config->max_tokens, weights->head_stride) + 63) / 64 * 64;
	nbytes = lay_out(network, NULL);
	if (posix_memalign(&network->memory, 64, nbytes) != 0)
	{
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "out of memory for %zu bytes of values of %d tokens",
							   nbytes, network->max_rows);
		free(network);
		return NULL;
	}
	(void) lay_out(network, network->memory);
	return network;
}

void
inf_network_close(Network *network)
{
	if (network == NULL)
		return;
	free(network->memory);
	free(network);
}

int
inf_network_output_width(const Network *network)
{
	return network->config->head == MODEL_HEAD_SPARSE ?
		network->config->nvocabulary : network->config->width;
}

int
inf_network_max_rows(const Network *network)
{
	return network->max_rows;
}

/* --- Steps, each a loop that threads share ------------------------------- */

/*
 * Rows are in shares, one for each thread, and a share is in parts: panels of a
 * linear layer, or rows.  A thread does parts of its own share first, and then
 * of others': what it reads, its own cache has of the step before.
 */
typedef struct RowLoop
{
	const Network *network;
	int			nrows;
	int			nshares;
	int			share_rows;
	int			nparts;
	int			part_rows;		/* if parts are rows */

	/* What is done to them: one of these is set. */
	const LinearJob *linear;
	const EmbedJob *embed;
	const NormJob *norm;
	const float *from;			/* rows to convert to copy's type */
	const Matrix *copy;
} RowLoop;

static void
do_part(const RowLoop *loop, int share, int part)
{
	const Kernels *kernels = loop->network->kernels;
	const int	end = (share + 1) * loop->share_rows < loop->nrows ?
		(share + 1) * loop->share_rows : loop->nrows;
	int			first = share * loop->share_rows;
	int			nrows = end - first;

	if (loop->linear)
	{
		kernels->linear(loop->linear, part, first, nrows);
		return;
	}
	first += part * loop->part_rows;
	nrows = end - first < loop->part_rows ? end - first : loop->part_rows;
	if (nrows <= 0)
		return;
	if (loop->norm)
		kernels->norm(loop->norm, first, nrows);
	else if (loop->embed)
		kernels->embed(loop->embed, first, nrows);
	else
		kernels->convert(loop->from, loop->copy, first, nrows);
}

/* One part, of the thread's own share while there are any. */
static void
do_any_part(void *context, int item, int thread)
{
	const RowLoop *loop = context;

	for (int i = 0; i < loop->nshares; i++)
	{
		const int	share = (thread + i) % loop->nshares;
		atomic_int *next = &loop->network->next_parts[share * NEXT_STRIDE];
		int			part;

		if (atomic_load_explicit(next, memory_order_relaxed) >= loop->nparts)
			continue;
		part = atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
		if (part < loop->nparts)
		{
			do_part(loop, share, part);
			return;
		}
	}
}

/* Shares of few rows would read all weights for little. */
static int
count_shares(const Network *network, int nrows)
{
	const int	nthreads = inf_thread_pool_size(network->pool);
	const int	most = nrows / MIN_SHARE_ROWS;

	return most < 1 ? 1 : most < nthreads ? most : nthreads;
}

static void
run_rows(RowLoop *loop)
{
	ThreadPool *pool = loop->network->pool;
	const int	nthreads = inf_thread_pool_size(pool);

	loop->nshares = count_shares(loop->network, loop->nrows);
	loop->share_rows = (loop->nrows + loop->nshares - 1) / loop->nshares;
	loop->nshares = (loop->nrows + loop->share_rows - 1) / loop->share_rows;
	if (!loop->linear)
	{
		loop->part_rows = nthreads == 1 ? loop->share_rows : MIN_PART_ROWS;
		loop->nparts = (loop->share_rows + loop->part_rows - 1) / loop->part_rows;
	}
	for (int i = 0; i < loop->nshares; i++)
		atomic_store_explicit(&loop->network->next_parts[i * NEXT_STRIDE], 0,
							  memory_order_relaxed);
	inf_thread_pool_run(pool, loop->nshares * loop->nparts, do_any_part, loop);
}

static void
run_linear(const Network *network, const PackedLayer *layer, const Matrix *input,
		   const Matrix *output, LinearEffect effect)
{
	const int	columns = network->kernels->panel_columns;
	const int	nrows = effect == LINEAR_MAX ? network->nsequences : network->nrows;
	const LinearJob job = {
		.layer = layer, .input = input, .output = output, .effect = effect,
		.panels_ahead = inf_thread_pool_size(network->pool) / count_shares(network, nrows),
		.offsets = network->offsets
	};
	RowLoop		loop = {
		.network = network, .linear = &job, .nrows = nrows,
		.nparts = (layer->noutputs + columns - 1) / columns
	};

	run_rows(&loop);
}

/* To hidden, and to the input of the next linear layer. */
static void
run_norm(const Network *network, const float *rows, const Norm *norm)
{
	const bool	is_same = network->input.values == network->hidden.values;
	const NormJob job = {
		.input = rows, .output = network->hidden.values,
		.stride = network->weights->stride, .width = network->config->width,
		.gamma = norm->gamma, .beta = norm->beta,
		.epsilon = network->config->layer_norm_epsilon,
		.copy = is_same ? NULL : &network->input
	};
	RowLoop		loop = {.network = network, .nrows = network->nrows, .norm = &job};

	run_rows(&loop);
}

/* What was written as float32, as input, if that is something else. */
static void
run_convert(const Network *network, const Matrix *written, const Matrix *input)
{
	RowLoop		loop = {
		.network = network, .nrows = network->nrows,
		.from = written->values, .copy = input
	};

	if (written->values != input->values)
		run_rows(&loop);
}

typedef struct AttentionLoop
{
	const Network *network;
	const AttentionJob *job;
} AttentionLoop;

static void
do_head(void *context, int item, int thread)
{
	const AttentionLoop *loop = context;
	const Network *network = loop->network;
	const int	sequence = item / loop->job->nheads;
	const int	first = network->offsets[sequence];

	network->attention->attend(loop->job, first,
							   network->offsets[sequence + 1] - first,
							   item % loop->job->nheads,
							   network->scratch + thread * network->scratch_size);
}

static void
run_attention(const Network *network)
{
	const ModelConfig *config = network->config;
	const AttentionJob job = {
		.input = &network->qkv, .output = &network->context,
		.nheads = config->nheads, .head_stride = network->weights->head_stride,
		.scale = 1 / sqrtf(config->width / config->nheads)
	};
	AttentionLoop loop = {.network = network, .job = &job};

	inf_thread_pool_run(network->pool, network->nsequences * config->nheads,
						do_head, &loop);
}

/* --- The network --------------------------------------------------------- */

/* hidden = norm(word + position + type) */
static void
run_embedding(const Network *network, const int32_t *ids)
{
	const Weights *weights = network->weights;
	const EmbedJob job = {
		.words = &weights->words, .positions = weights->positions,
		.ids = ids, .places = network->places,
		.output = network->hidden.values
	};
	RowLoop		loop = {.network = network, .nrows = network->nrows, .embed = &job};

	for (int s = 0; s < network->nsequences; s++)
		for (int i = network->offsets[s]; i < network->offsets[s + 1]; i++)
			network->places[i] = i - network->offsets[s];
	run_rows(&loop);
	run_norm(network, network->hidden.values, &weights->embedding_norm);
}

/*
 * hidden = norm(hidden + attention(hidden))
 * hidden = norm(hidden + down(gelu(up(hidden))))
 */
static void
run_layer(const Network *network, const EncoderLayer *layer)
{
	run_linear(network, &layer->qkv, &network->input, &network->qkv, LINEAR_STORE);
	run_attention(network);
	run_convert(network, &network->context, &network->context_input);
	run_linear(network, &layer->context, &network->context_input, &network->hidden,
			   LINEAR_ADD);
	run_norm(network, network->hidden.values, &layer->context_norm);

	run_linear(network, &layer->up, &network->input, &network->inner, LINEAR_GELU);
	run_convert(network, &network->inner, &network->inner_input);
	run_linear(network, &layer->down, &network->inner_input, &network->hidden,
			   LINEAR_ADD);
	run_norm(network, network->hidden.values, &layer->down_norm);
}

/*
 * output = log(1 + relu(max over positions of
 *			decoder(norm(gelu(transform(hidden))))))
 *
 * The logarithm and relu keep order, so they can come after the maximum.
 */
static void
run_sparse_head(const Network *network)
{
	const Weights *weights = network->weights;
	const int	width = network->config->nvocabulary;

	/* No layer follows that would need the memory of queries. */
	const Matrix transformed = {
		.type = NUMBER_FP32, .values = network->qkv.values, .stride = weights->stride
	};

	run_linear(network, &weights->transform, &network->input, &transformed,
			   LINEAR_GELU);
	run_norm(network, transformed.values, &weights->transform_norm);
	run_linear(network, &weights->decoder, &network->input, &network->output,
			   LINEAR_MAX);
	for (int s = 0; s < network->nsequences; s++)
	{
		float	   *row = (float *) network->output.values +
			(size_t) s * network->output.stride;

		for (int i = 0; i < width; i++)
			row[i] = row[i] > 0 ? log1pf(row[i]) : 0;
		for (int i = 0; i < width && network->config->takes_log_twice; i++)
			row[i] = row[i] > 0 ? log1pf(row[i]) : 0;
	}
}

/* The mean over positions, or the first; of length 1, if the model wants it. */
static void
run_dense_head(const Network *network)
{
	const int	width = network->config->width;
	const int	stride = network->hidden.stride;

	for (int s = 0; s < network->nsequences; s++)
	{
		const int	first = network->offsets[s];
		const int	nrows = network->config->head == MODEL_HEAD_CLS ? 1 :
			network->offsets[s + 1] - first;
		const float *hidden = (const float *) network->hidden.values + (size_t) first * stride;
		float	   *row = (float *) network->output.values +
			(size_t) s * network->output.stride;
		double		squares = 0;
		float		factor;

		memset(row, 0, stride * sizeof(*row));
		for (int i = 0; i < nrows; i++)
			for (int j = 0; j < width; j++)
				row[j] += hidden[(size_t) i * stride + j];
		for (int j = 0; j < width; j++)
			squares += (double) row[j] * row[j];
		factor = 1.0f / nrows;
		if (network->config->normalize)
			factor = squares > 0 ? 1 / sqrt(squares) : 0;
		for (int j = 0; j < width; j++)
			row[j] *= factor;
	}
}

/* Whether all that the encoder left are numbers: infinity ends as NaN there. */
static bool
is_finite(const Network *network)
{
	const uint32_t *bits = network->hidden.values;
	const size_t n = (size_t) network->nrows * network->hidden.stride;
	uint32_t	greatest = 0;

	/* Without their signs, floats are ordered as their bits are. */
	for (size_t i = 0; i < n; i++)
		if ((bits[i] & 0x7fffffff) > greatest)
			greatest = bits[i] & 0x7fffffff;
	return greatest < 0x7f800000;
}

const float *
inf_network_run(Network *network, const int32_t *ids, const int *offsets,
				int nsequences, int *stride, EngineError *error)
{
	network->offsets = offsets;
	network->nsequences = nsequences;
	network->nrows = offsets[nsequences];

	run_embedding(network, ids);
	for (int i = 0; i < network->config->nlayers; i++)
		run_layer(network, &network->weights->layers[i]);
	if (network->config->head == MODEL_HEAD_SPARSE)
		run_sparse_head(network);
	else
		run_dense_head(network);
	if (!is_finite(network))
	{
		(void) inf_engine_fail(error, ENGINE_OUT_OF_RANGE,
							   "the values left the range of precision \"%s\"",
							   inf_precision_name(network->kernels->precision));
		return NULL;
	}
	*stride = network->output.stride;
	return network->output.values;
}
