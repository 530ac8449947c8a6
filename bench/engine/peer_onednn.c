/*
 * peer_onednn.c
 *		The models of make_models.py on oneDNN's primitives, as a resident
 *		program: see resident.h.
 *
 *		peer_onednn FOLDER fp32|bf16|int8 THREADS
 *
 * Weights are packed as oneDNN wants them; bias, GELU and the residual are
 * fused into its products; primitives are made once for each number of tokens.
 * All sequences share a product, attention is one sequence at a time, and the
 * vocabulary comes in chunks whose logits stay in the cache until the greatest
 * are found.  int8: activations as bytes with one scale and zero point, weights
 * with a scale for each column, attention in float32.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmmintrin.h>

#include "peer_onednn.h"
#include "resident.h"

static void
normalise(Network *net, Plan *plan, const Norm *norm, float *x)
{
	move(net, plan->norm_data, x);
	move(net, plan->norm_scale, norm->scale);
	move(net, plan->norm_shift, norm->shift);
	execute(net, plan->norm, 4, (dnnl_exec_arg_t[]) {
			{DNNL_ARG_SRC, plan->norm_data}, {DNNL_ARG_DST, plan->norm_data},
			{DNNL_ARG_SCALE, plan->norm_scale}, {DNNL_ARG_SHIFT, plan->norm_shift}});
}

/* x, (rows, columns) of float32, as products read it. */
static Input
narrow(Network *net, Plan *plan, const float *x, int columns)
{
	Input		input = {.values = x};

	if (net->mode == MODE_BF16)
	{
		move(net, plan->cast_from, x);
		move(net, plan->cast_to, net->narrow);
		execute(net, plan->cast, 2, (dnnl_exec_arg_t[]) {
				{DNNL_ARG_FROM, plan->cast_from}, {DNNL_ARG_TO, plan->cast_to}});
		input.values = net->narrow;
	}
	else if (net->mode == MODE_INT8)
		quantise(x, (size_t) plan->rows * columns, net->bytes, &input);
	return input;
}

static void
attend(Network *net, int first, int length)
{
	size_t		number_size = net->mode == MODE_BF16 ? 2 : 4;
	int			size = net->width / net->heads;
	Attention  *a = find_attention(net, length);

	for (int head = 0; head < net->heads; head += a->heads_at_once)
	{
		size_t		place = (size_t) first * net->width + head * size;

		move(net, a->query, (char *) net->projected[0] + number_size * place);
		move(net, a->key, (char *) net->projected[1] + number_size * place);
		move(net, a->value, (char *) net->projected[2] + number_size * place);
		move(net, a->out, (char *) net->attended + number_size * place);
		execute(net, a->score, 3, (dnnl_exec_arg_t[]) {
				{DNNL_ARG_SRC, a->query}, {DNNL_ARG_WEIGHTS, a->key}, {DNNL_ARG_DST, a->scores}});
		execute(net, a->softmax, 2, (dnnl_exec_arg_t[]) {
				{DNNL_ARG_SRC, a->scores}, {DNNL_ARG_DST, a->shares}});
		execute(net, a->mix, 3, (dnnl_exec_arg_t[]) {
				{DNNL_ARG_SRC, a->shares}, {DNNL_ARG_WEIGHTS, a->value}, {DNNL_ARG_DST, a->out}});
	}
}

/* What a product wrote, as another reads it. */
static Input
again(Network *net, Plan *plan, void *values, int columns)
{
	if (net->mode == MODE_INT8)
		return narrow(net, plan, values, columns);
	return (Input) {.values = values};
}

static void
run_layer(Network *net, Plan *plan, int i, const int32_t *offsets, int nsequences)
{
	Input		input = narrow(net, plan, net->x, net->width);

	for (int k = 0; k < 3; k++)
		multiply(net, plan, KIND_PROJECT, &net->projections[3 * i + k], &input, net->projected[k]);
	for (int s = 0; s < nsequences; s++)
		attend(net, offsets[s], offsets[s + 1] - offsets[s]);
	input = again(net, plan, net->attended, net->width);
	multiply(net, plan, KIND_OUTPUT, &net->output[i], &input, net->x);
	normalise(net, plan, &net->output_norm[i], net->x);
	input = narrow(net, plan, net->x, net->width);
	multiply(net, plan, KIND_INNER, &net->inner_linear[i], &input, net->hidden);
	input = again(net, plan, net->hidden, net->inner);
	multiply(net, plan, KIND_OUTER, &net->outer[i], &input, net->x);
	normalise(net, plan, &net->outer_norm[i], net->x);
}

static void
find_greatest(const float *logits, int columns, const int32_t *offsets, int nsequences,
			  float *out, int stride)
{
	for (int s = 0; s < nsequences; s++)
	{
		float	   *greatest = out + (size_t) s * stride;

		memcpy(greatest, logits + (size_t) offsets[s] * columns, sizeof(float) * columns);
		for (int row = offsets[s] + 1; row < offsets[s + 1]; row++)
			for (int c = 0; c < columns; c++)
			{
				float		logit = logits[(size_t) row * columns + c];

				greatest[c] = logit > greatest[c] ? logit : greatest[c];
			}
	}
}

static void
run_sparse_head(Network *net, Plan *plan, const int32_t *offsets, int nsequences, float *out)
{
	Input		input = narrow(net, plan, net->x, net->width);

	multiply(net, plan, KIND_TRANSFORM, &net->transform, &input, net->other);
	normalise(net, plan, &net->transform_norm, net->other);
	input = narrow(net, plan, net->other, net->width);
	for (int i = 0; i < net->ndecoders; i++)
	{
		Kind		kind = i < net->ndecoders - 1 ? KIND_DECODE : KIND_DECODE_LAST;

		multiply(net, plan, kind, &net->decoders[i], &input, net->logits);
		find_greatest(net->logits, net->shapes[kind].outputs, offsets, nsequences,
					  out + (size_t) i * CHUNK, net->nvocabulary);
	}
	for (int s = 0; s < nsequences; s++)
		for (int c = 0; c < net->nvocabulary; c++)
		{
			float	   *weight = out + (size_t) s * net->nvocabulary + c;
			float		logit = *weight + net->decoder_bias[c];

			*weight = logit > 0 ? log1pf(logit) : 0;
		}
}

static void
run_dense_head(Network *net, const int32_t *offsets, int nsequences, float *out)
{
	for (int s = 0; s < nsequences; s++)
	{
		float	   *vector = out + (size_t) s * net->width;
		float		square = 0;

		memset(vector, 0, sizeof(float) * net->width);
		for (int row = offsets[s]; row < offsets[s + 1]; row++)
			for (int c = 0; c < net->width; c++)
				vector[c] += net->x[(size_t) row * net->width + c];
		for (int c = 0; c < net->width; c++)
			square += vector[c] * vector[c];
		for (int c = 0; c < net->width; c++)
			vector[c] /= sqrtf(square);
	}
}

static void
make_room(Network *net, int rows)
{
	if (rows <= net->max_rows)
		return;
	free(net->x);
	free(net->other);
	free(net->narrow);
	for (int k = 0; k < 3; k++)
		free(net->projected[k]);
	free(net->attended);
	free(net->hidden);
	free(net->bytes);
	free(net->logits);
	net->max_rows = rows;
	net->x = allocate(sizeof(float) * rows * net->width);
	net->other = allocate(sizeof(float) * rows * net->width);
	net->narrow = allocate(sizeof(float) * rows * net->width);
	for (int k = 0; k < 3; k++)
		net->projected[k] = allocate(sizeof(float) * rows * net->width);
	net->attended = allocate(sizeof(float) * rows * net->width);
	net->hidden = allocate(sizeof(float) * rows * net->inner);
	net->bytes = allocate((size_t) rows * net->inner);
	net->logits = allocate(sizeof(float) * rows * CHUNK);
}

static const char *
compute(void *model, const int32_t *ids, const int32_t *offsets, int nsequences, float *out)
{
	Network    *net = model;
	int			rows = offsets[nsequences];
	Plan	   *plan = find_plan(net, rows);

	make_room(net, rows);
	for (int s = 0; s < nsequences; s++)
		for (int row = offsets[s]; row < offsets[s + 1]; row++)
		{
			const float *word = net->words + (size_t) ids[row] * net->width;
			const float *position = net->positions + (size_t) (row - offsets[s]) * net->width;

			for (int c = 0; c < net->width; c++)
				net->x[(size_t) row * net->width + c] = word[c] + position[c] + net->types[c];
		}
	normalise(net, plan, &net->first_norm, net->x);
	for (int i = 0; i < net->layers; i++)
		run_layer(net, plan, i, offsets, nsequences);
	if (net->is_sparse)
		run_sparse_head(net, plan, offsets, nsequences, out);
	else
		run_dense_head(net, offsets, nsequences, out);
	return NULL;
}

/* --- Start --- */

static void
set_shape(Network *net, Kind kind, int inputs, int outputs, Effect effect,
		  dnnl_data_type_t output_type, Linear *linears, int n)
{
	Shape	   *shape = &net->shapes[kind];

	shape->inputs = inputs;
	shape->outputs = outputs;
	shape->effect = effect;
	shape->has_bias = kind < KIND_DECODE;
	shape->output_type = output_type;
	shape->nlinears = n;
	shape->linears = allocate(sizeof(Linear *) * n);
	for (int i = 0; i < n; i++)
		shape->linears[i] = &linears[i];
}

static void
set_shapes(Network *net)
{
	int			width = net->width;
	int			last = net->nvocabulary - (net->ndecoders - 1) * CHUNK;
	dnnl_data_type_t narrow_type = net->mode == MODE_BF16 ? dnnl_bf16 : dnnl_f32;

	set_shape(net, KIND_PROJECT, width, width, EFFECT_NONE, narrow_type, net->projections, 3 * net->layers);
	set_shape(net, KIND_OUTPUT, width, width, EFFECT_ADD, dnnl_f32, net->output, net->layers);
	set_shape(net, KIND_INNER, width, net->inner, EFFECT_GELU, narrow_type, net->inner_linear, net->layers);
	set_shape(net, KIND_OUTER, net->inner, width, EFFECT_ADD, dnnl_f32, net->outer, net->layers);
	if (net->is_sparse)
	{
		set_shape(net, KIND_TRANSFORM, width, width, EFFECT_GELU, dnnl_f32, &net->transform, 1);
		set_shape(net, KIND_DECODE, width, CHUNK, EFFECT_NONE, dnnl_f32, net->decoders, net->ndecoders - 1);
		set_shape(net, KIND_DECODE_LAST, width, last, EFFECT_NONE, dnnl_f32,
				  net->decoders + net->ndecoders - 1, 1);
	}
}

int
main(int argc, char **argv)
{
	static Network net;
	Resident	resident = {.model = &net, .compute = compute};

	if (argc < 4)
	{
		fprintf(stderr, "usage: %s FOLDER fp32|bf16|int8 THREADS\n", argv[0]);
		return 2;
	}
	_mm_setcsr(_mm_getcsr() | 0x8040);	/* no denormals */
	omp_set_num_threads(atoi(argv[3]));
	net.mode = strcmp(argv[2], "int8") == 0 ? MODE_INT8 : strcmp(argv[2], "bf16") == 0 ? MODE_BF16 : MODE_FP32;
	read_network(&net, argv[1]);
	set_shapes(&net);
	check(dnnl_engine_create(&net.engine, dnnl_cpu, 0), "engine");
	check(dnnl_stream_create(&net.stream, net.engine, dnnl_stream_default_flags), "stream");
	net.scores = allocate(sizeof(float) * SCORES_AT_ONCE);
	net.shares = allocate(sizeof(float) * SCORES_AT_ONCE);
	net.scales = allocate(sizeof(float) * (net.inner + CHUNK));
	net.shifts = allocate(sizeof(float) * (net.inner + CHUNK));
	resident.what = argv[2];
	resident.nvocabulary = net.nvocabulary;
	resident.width = net.is_sparse ? net.nvocabulary : net.width;
	resident_serve(&resident);
	return 0;
}
