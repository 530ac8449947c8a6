/*
 * peer_onednn_parts.c
 *		oneDNN's primitives for a BERT: products with packed weights, norms,
 *		attention.
 */
#include "peer_onednn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
check(dnnl_status_t status, const char *what)
{
	if (status != dnnl_success)
	{
		fprintf(stderr, "oneDNN: %s: status %d\n", what, (int) status);
		exit(1);
	}
}

static dnnl_memory_desc_t
describe(int ndims, const dnnl_dim_t *dims, const dnnl_dim_t *strides, dnnl_data_type_t type)
{
	dnnl_memory_desc_t desc;
	dnnl_dims_t all_dims = {0};
	dnnl_dims_t all_strides = {0};

	memcpy(all_dims, dims, sizeof(*dims) * ndims);
	memcpy(all_strides, strides, sizeof(*strides) * ndims);
	check(dnnl_memory_desc_init_by_strides(&desc, ndims, all_dims, type, all_strides), "description");
	return desc;
}

static dnnl_memory_desc_t
describe_rows(int rows, int columns, dnnl_data_type_t type)
{
	return describe(2, (dnnl_dim_t[]) {rows, columns}, (dnnl_dim_t[]) {columns, 1}, type);
}

static dnnl_memory_t
remember(const Network *net, const dnnl_memory_desc_t *desc, void *values)
{
	dnnl_memory_t memory;

	check(dnnl_memory_create(&memory, desc, net->engine, values), "memory");
	return memory;
}

void
execute(const Network *net, dnnl_primitive_t primitive, int n, const dnnl_exec_arg_t *args)
{
	check(dnnl_primitive_execute(primitive, net->stream, n, args), "execution");
}

void
move(const Network *net, dnnl_memory_t memory, const void *values)
{
	check(dnnl_memory_set_data_handle_v2(memory, (void *) values, net->stream), "handle");
}

static void
reorder(const Network *net, const dnnl_memory_desc_t *from, dnnl_memory_t from_memory,
		const dnnl_memory_desc_t *to, dnnl_memory_t to_memory)
{
	dnnl_primitive_desc_t desc;
	dnnl_primitive_t primitive;

	check(dnnl_reorder_primitive_desc_create(&desc, from, net->engine, to, net->engine, NULL), "reorder");
	check(dnnl_primitive_create(&primitive, desc), "reorder");
	execute(net, primitive, 2, (dnnl_exec_arg_t[]) {
			{DNNL_ARG_FROM, from_memory}, {DNNL_ARG_TO, to_memory}});
	check(dnnl_stream_wait(net->stream), "wait");
	dnnl_primitive_destroy(primitive);
	dnnl_primitive_desc_destroy(desc);
}

static void
quantise_weight(Linear *linear, int outputs, int inputs)
{
	linear->bytes = allocate((size_t) outputs * inputs);
	linear->scales = allocate(sizeof(float) * outputs);
	linear->sums = allocate(sizeof(int32_t) * outputs);
	for (int o = 0; o < outputs; o++)
	{
		const float *row = linear->weight + (size_t) o * inputs;
		float		greatest = 1e-9f;

		for (int i = 0; i < inputs; i++)
			greatest = fmaxf(greatest, fabsf(row[i]));
		linear->scales[o] = greatest / 127;
		linear->sums[o] = 0;
		for (int i = 0; i < inputs; i++)
		{
			int8_t		byte = (int8_t) lrintf(row[i] * 127 / greatest);

			linear->bytes[(size_t) o * inputs + i] = byte;
			linear->sums[o] += byte;
		}
	}
}

static dnnl_data_type_t
input_type(const Network *net)
{
	return net->mode == MODE_FP32 ? dnnl_f32 : net->mode == MODE_BF16 ? dnnl_bf16 : dnnl_u8;
}

/* The number of this packing of a kind's weights, which is done if it is new. */
static int
pack(Network *net, Shape *shape, const dnnl_memory_desc_t *wanted)
{
	bool		is_int8 = net->mode == MODE_INT8;
	dnnl_memory_desc_t plain = describe(2, (dnnl_dim_t[]) {shape->inputs, shape->outputs},
										(dnnl_dim_t[]) {1, shape->inputs}, is_int8 ? dnnl_s8 : dnnl_f32);
	int			n = shape->npackings;

	for (int i = 0; i < n; i++)
		if (dnnl_memory_desc_equal(&shape->packings[i], wanted))
			return i;
	if (n == MAX_PACKINGS)
		check(dnnl_runtime_error, "too many packings");
	for (int i = 0; i < shape->nlinears; i++)
	{
		Linear	   *linear = shape->linears[i];
		dnnl_memory_t from;

		if (is_int8 && linear->bytes == NULL)
			quantise_weight(linear, shape->outputs, shape->inputs);
		from = remember(net, &plain, is_int8 ? (void *) linear->bytes : linear->weight);
		linear->packed[n] = remember(net, wanted, DNNL_MEMORY_ALLOCATE);
		reorder(net, &plain, from, wanted, linear->packed[n]);
		dnnl_memory_destroy(from);
	}
	shape->packings[n] = *wanted;
	return shape->npackings++;
}

static dnnl_primitive_attr_t
product_attributes(const Network *net, const Shape *shape)
{
	dnnl_primitive_attr_t attributes;
	dnnl_post_ops_t operations;

	check(dnnl_primitive_attr_create(&attributes), "attributes");
	check(dnnl_post_ops_create(&operations), "operations");
	if (net->mode == MODE_INT8)
	{
		dnnl_memory_desc_t row = describe_rows(1, shape->outputs, dnnl_f32);

		check(dnnl_post_ops_append_binary(operations, dnnl_binary_mul, &row), "scales");
		check(dnnl_post_ops_append_binary(operations, dnnl_binary_add, &row), "shifts");
	}
	if (shape->effect == EFFECT_GELU)
		check(dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_gelu_erf, 0, 0), "gelu");
	if (shape->effect == EFFECT_ADD)
		check(dnnl_post_ops_append_sum(operations, 1), "sum");
	check(dnnl_primitive_attr_set_post_ops(attributes, operations), "operations");
	dnnl_post_ops_destroy(operations);
	return attributes;
}

static void
make_product(Network *net, Shape *shape, int rows, Product *product)
{
	dnnl_memory_desc_t input = describe_rows(rows, shape->inputs, input_type(net));
	dnnl_memory_desc_t output = describe_rows(rows, shape->outputs, shape->output_type);
	dnnl_memory_desc_t row = describe_rows(1, shape->outputs, dnnl_f32);
	dnnl_memory_desc_t weight;
	dnnl_dims_t weight_dims = {shape->inputs, shape->outputs};
	dnnl_primitive_attr_t attributes = product_attributes(net, shape);
	dnnl_matmul_desc_t operation;
	dnnl_primitive_desc_t desc;

	check(dnnl_memory_desc_init_by_tag(&weight, 2, weight_dims, net->mode == MODE_INT8 ? dnnl_s8 : input_type(net),
									   dnnl_format_tag_any), "weight");
	check(dnnl_matmul_desc_init(&operation, &input, &weight,
								shape->has_bias && net->mode != MODE_INT8 ? &row : NULL, &output), "product");
	check(dnnl_primitive_desc_create(&desc, &operation, attributes, net->engine, NULL), "product");
	check(dnnl_primitive_create(&product->primitive, desc), "product");
	product->packing = pack(net, shape, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0));
	product->input = remember(net, &input, DNNL_MEMORY_NONE);
	product->output = remember(net, &output, DNNL_MEMORY_NONE);
	product->scale = remember(net, &row, DNNL_MEMORY_NONE);
	product->shift = remember(net, &row, DNNL_MEMORY_NONE);
	dnnl_primitive_desc_destroy(desc);
	dnnl_primitive_attr_destroy(attributes);
}

void
quantise(const float *values, size_t n, uint8_t *bytes, Input *input)
{
	float		least = 0;
	float		greatest = 0;
	float		inverse;
	float		shift;

	for (size_t i = 0; i < n; i++)
	{
		least = values[i] < least ? values[i] : least;
		greatest = values[i] > greatest ? values[i] : greatest;
	}
	input->values = bytes;
	input->scale = greatest > least ? (greatest - least) / 255 : 1;
	input->zero = (int32_t) lrintf(-least / input->scale);
	inverse = 1 / input->scale;
	shift = input->zero + 0.5f;
	for (size_t i = 0; i < n; i++)
	{
		int32_t		value = (int32_t) (values[i] * inverse + shift);

		bytes[i] = value > 255 ? 255 : value < 0 ? 0 : value;
	}
}

void
multiply(Network *net, Plan *plan, Kind kind, const Linear *linear, const Input *input,
		 void *output)
{
	Product    *product = &plan->products[kind];
	const Shape *shape = &net->shapes[kind];
	dnnl_exec_arg_t args[8] = {
		{DNNL_ARG_SRC, product->input},
		{DNNL_ARG_WEIGHTS, linear->packed[product->packing]},
		{DNNL_ARG_DST, product->output},
	};
	int			n = 3;

	move(net, product->input, input->values);
	move(net, product->output, output);
	if (net->mode == MODE_INT8)
	{
		/* x w = scale * scale' * (bytes - zero) bytes' */
		for (int i = 0; i < shape->outputs; i++)
		{
			net->scales[i] = linear->scales[i] * input->scale;
			net->shifts[i] = -net->scales[i] * input->zero * linear->sums[i];
		}
		if (linear->bias != NULL)
			for (int i = 0; i < shape->outputs; i++)
				net->shifts[i] += linear->bias[i];
		move(net, product->scale, net->scales);
		move(net, product->shift, net->shifts);
		args[n++] = (dnnl_exec_arg_t) {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, product->scale};
		args[n++] = (dnnl_exec_arg_t) {DNNL_ARG_ATTR_MULTIPLE_POST_OP(1) | DNNL_ARG_SRC_1, product->shift};
	}
	else if (shape->has_bias)
	{
		move(net, product->shift, linear->bias);
		args[n++] = (dnnl_exec_arg_t) {DNNL_ARG_BIAS, product->shift};
	}
	execute(net, product->primitive, n, args);
}

/* --- Plans --- */

static void
make_norm(Network *net, Plan *plan)
{
	dnnl_memory_desc_t data = describe_rows(plan->rows, net->width, dnnl_f32);
	dnnl_memory_desc_t vector = describe(1, (dnnl_dim_t[]) {net->width}, (dnnl_dim_t[]) {1}, dnnl_f32);
	dnnl_layer_normalization_desc_t operation;
	dnnl_primitive_desc_t desc;

	check(dnnl_layer_normalization_forward_desc_init(&operation, dnnl_forward_inference, &data, NULL, EPSILON,
													 dnnl_use_scale | dnnl_use_shift), "norm");
	check(dnnl_primitive_desc_create(&desc, &operation, NULL, net->engine, NULL), "norm");
	check(dnnl_primitive_create(&plan->norm, desc), "norm");
	plan->norm_data = remember(net, &data, DNNL_MEMORY_NONE);
	plan->norm_scale = remember(net, &vector, DNNL_MEMORY_NONE);
	plan->norm_shift = remember(net, &vector, DNNL_MEMORY_NONE);
	dnnl_primitive_desc_destroy(desc);
}

static void
make_cast(Network *net, Plan *plan)
{
	dnnl_memory_desc_t from = describe_rows(plan->rows, net->width, dnnl_f32);
	dnnl_memory_desc_t to = describe_rows(plan->rows, net->width, dnnl_bf16);
	dnnl_primitive_desc_t desc;

	check(dnnl_reorder_primitive_desc_create(&desc, &from, net->engine, &to, net->engine, NULL), "cast");
	check(dnnl_primitive_create(&plan->cast, desc), "cast");
	plan->cast_from = remember(net, &from, DNNL_MEMORY_NONE);
	plan->cast_to = remember(net, &to, DNNL_MEMORY_NONE);
	dnnl_primitive_desc_destroy(desc);
}

Plan *
find_plan(Network *net, int rows)
{
	Plan	   *plan;

	for (plan = net->plans; plan != NULL; plan = plan->next)
		if (plan->rows == rows)
			return plan;
	plan = allocate(sizeof(Plan));
	plan->rows = rows;
	for (int kind = 0; kind < NKINDS; kind++)
		if (net->shapes[kind].nlinears > 0)
			make_product(net, &net->shapes[kind], rows, &plan->products[kind]);
	make_norm(net, plan);
	if (net->mode == MODE_BF16)
		make_cast(net, plan);
	plan->next = net->plans;
	net->plans = plan;
	return plan;
}

static dnnl_primitive_t
make_matmul(const Network *net, const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b,
			const dnnl_memory_desc_t *out, float scale)
{
	dnnl_matmul_desc_t operation;
	dnnl_primitive_desc_t desc;
	dnnl_primitive_t primitive;
	dnnl_primitive_attr_t attributes;

	check(dnnl_primitive_attr_create(&attributes), "attributes");
	check(dnnl_primitive_attr_set_output_scales(attributes, 1, 0, &scale), "scale");
	check(dnnl_matmul_desc_init(&operation, a, b, NULL, out), "attention");
	check(dnnl_primitive_desc_create(&desc, &operation, attributes, net->engine, NULL), "attention");
	check(dnnl_primitive_create(&primitive, desc), "attention");
	dnnl_primitive_desc_destroy(desc);
	dnnl_primitive_attr_destroy(attributes);
	return primitive;
}

/* As many heads at once as leave their scores in the cache. */
static int
choose_heads(const Network *net, int length)
{
	int			n = net->heads;

	while (n > 1 && (net->heads % n != 0 || (size_t) length * length * n > SCORES_AT_ONCE))
		n--;
	return n;
}

static void
make_attention(Network *net, int length, Attention *made)
{
	dnnl_data_type_t type = net->mode == MODE_BF16 ? dnnl_bf16 : dnnl_f32;
	int			size = net->width / net->heads;
	int			n = choose_heads(net, length);
	int			all = length * net->width;
	int			row = net->width;
	dnnl_memory_desc_t query = describe(4, (dnnl_dim_t[]) {1, n, length, size},
										(dnnl_dim_t[]) {all, size, row, 1}, type);
	dnnl_memory_desc_t key = describe(4, (dnnl_dim_t[]) {1, n, size, length},
									  (dnnl_dim_t[]) {all, size, 1, row}, type);
	dnnl_memory_desc_t out = describe(4, (dnnl_dim_t[]) {1, n, length, size},
									  (dnnl_dim_t[]) {all, size, row, 1}, type);
	dnnl_dim_t	square[] = {1, n, length, length};
	dnnl_dim_t	steps[] = {(dnnl_dim_t) n * length * length, (dnnl_dim_t) length * length, length, 1};
	dnnl_memory_desc_t scores = describe(4, square, steps, dnnl_f32);
	dnnl_memory_desc_t shares = describe(4, square, steps, type);
	dnnl_softmax_v2_desc_t operation;
	dnnl_primitive_desc_t desc;

	made->length = length;
	made->heads_at_once = n;
	made->score = make_matmul(net, &query, &key, &scores, 1 / sqrtf(size));
	check(dnnl_softmax_v2_forward_desc_init(&operation, dnnl_forward_inference, dnnl_softmax_accurate,
											&scores, &shares, 3), "softmax");
	check(dnnl_primitive_desc_create(&desc, &operation, NULL, net->engine, NULL), "softmax");
	check(dnnl_primitive_create(&made->softmax, desc), "softmax");
	dnnl_primitive_desc_destroy(desc);
	made->mix = make_matmul(net, &shares, &query, &out, 1);
	made->query = remember(net, &query, DNNL_MEMORY_NONE);
	made->key = remember(net, &key, DNNL_MEMORY_NONE);
	made->value = remember(net, &query, DNNL_MEMORY_NONE);
	made->scores = remember(net, &scores, net->scores);
	made->shares = remember(net, &shares, net->shares);
	made->out = remember(net, &out, DNNL_MEMORY_NONE);
}

Attention *
find_attention(Network *net, int length)
{
	Attention  *a;

	for (a = net->attentions; a != NULL; a = a->next)
		if (a->length == length)
			return a;
	a = allocate(sizeof(Attention));
	make_attention(net, length, a);
	a->next = net->attentions;
	net->attentions = a;
	return a;
}
