/*
 * peer_onednn.h
 *		What the files of peer_onednn share: the network, and the primitives
 *		that it is made of.  All failures end the program, with a message.
 */
#ifndef INFERENCE_BENCH_PEER_ONEDNN_H
#define INFERENCE_BENCH_PEER_ONEDNN_H

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_LAYERS 24
#define MAX_PACKINGS 8
#define CHUNK 2048				/* tokens of the vocabulary at once */
#define SCORES_AT_ONCE (256 * 1024) /* numbers: a megabyte */
#define EPSILON 1e-12f

typedef enum Mode
{
	MODE_FP32,
	MODE_BF16,
	MODE_INT8
} Mode;

/* Products of the network; those of one kind have one shape. */
typedef enum Kind
{
	KIND_PROJECT,				/* to queries, keys or values */
	KIND_OUTPUT,
	KIND_INNER,
	KIND_OUTER,
	KIND_TRANSFORM,
	KIND_DECODE,				/* CHUNK tokens */
	KIND_DECODE_LAST,			/* what is left */
	NKINDS
} Kind;

typedef enum Effect
{
	EFFECT_NONE,
	EFFECT_GELU,
	EFFECT_ADD					/* to the destination */
} Effect;

typedef struct Linear
{
	float	   *weight;			/* (outputs, inputs) */
	float	   *bias;			/* (outputs); NULL: none */
	int8_t	   *bytes;			/* (outputs, inputs), int8 only */
	float	   *scales;			/* (outputs), int8 only */
	int32_t    *sums;			/* (outputs), of bytes */
	dnnl_memory_t packed[MAX_PACKINGS]; /* as Shape's packings */
} Linear;

/* What the products of a kind have in common. */
typedef struct Shape
{
	int			inputs;
	int			outputs;
	Effect		effect;
	bool		has_bias;
	dnnl_data_type_t output_type;
	Linear	  **linears;
	int			nlinears;
	dnnl_memory_desc_t packings[MAX_PACKINGS];
	int			npackings;
} Shape;

/* A product of a number of rows, ready to run. */
typedef struct Product
{
	dnnl_primitive_t primitive;
	dnnl_memory_t input;
	dnnl_memory_t output;
	dnnl_memory_t scale;		/* int8 only */
	dnnl_memory_t shift;		/* bias */
	int			packing;
} Product;

/* All that works on a number of rows. */
typedef struct Plan
{
	int			rows;
	Product		products[NKINDS];
	dnnl_primitive_t norm;
	dnnl_memory_t norm_data;
	dnnl_memory_t norm_scale;
	dnnl_memory_t norm_shift;
	dnnl_primitive_t cast;		/* float32 to bf16 */
	dnnl_memory_t cast_from;
	dnnl_memory_t cast_to;
	struct Plan *next;
} Plan;

/* Attention of one sequence, some heads at a time. */
typedef struct Attention
{
	int			length;
	int			heads_at_once;
	dnnl_primitive_t score;
	dnnl_primitive_t softmax;
	dnnl_primitive_t mix;
	dnnl_memory_t query;
	dnnl_memory_t key;
	dnnl_memory_t value;
	dnnl_memory_t scores;
	dnnl_memory_t shares;
	dnnl_memory_t out;
	struct Attention *next;
} Attention;

typedef struct Norm
{
	float	   *scale;
	float	   *shift;
} Norm;

typedef struct Network
{
	Mode		mode;
	int			layers;
	int			width;
	int			heads;
	int			inner;
	int			nvocabulary;
	bool		is_sparse;

	float	   *words;
	float	   *positions;
	float	   *types;
	Norm		first_norm;
	Linear		projections[3 * MAX_LAYERS]; /* queries, keys, values */
	Linear		output[MAX_LAYERS];
	Norm		output_norm[MAX_LAYERS];
	Linear		inner_linear[MAX_LAYERS];
	Linear		outer[MAX_LAYERS];
	Norm		outer_norm[MAX_LAYERS];
	Linear		transform;
	Norm		transform_norm;
	Linear	   *decoders;
	int			ndecoders;
	float	   *decoder_bias;

	dnnl_engine_t engine;
	dnnl_stream_t stream;
	Shape		shapes[NKINDS];
	Plan	   *plans;
	Attention  *attentions;

	/* Room for max_rows rows */
	int			max_rows;
	float	   *x;				/* (rows, width) */
	float	   *other;			/* (rows, width), of the head */
	void	   *narrow;			/* (rows, width), what products read */
	void	   *projected[3];	/* (rows, width): queries, keys, values */
	void	   *attended;		/* (rows, width) */
	void	   *hidden;			/* (rows, inner) */
	uint8_t    *bytes;			/* (rows, inner), int8 only */
	float	   *logits;			/* (rows, CHUNK) */
	float	   *scores;			/* (SCORES_AT_ONCE) */
	void	   *shares;			/* (SCORES_AT_ONCE) */
	float	   *scales;			/* (outputs of a product), int8 only */
	float	   *shifts;			/* likewise */
} Network;

/* What a product reads.  int8: value = (byte - zero) * scale. */
typedef struct Input
{
	const void *values;
	float		scale;
	int32_t		zero;
} Input;

/* --- peer_onednn_folder.c --- */

/* Zeroed, aligned to 64 bytes; free() frees it. */
extern void *allocate(size_t size);

/* Fills the shape and the weights from a folder of make_models.py. */
extern void read_network(Network *net, const char *path);

/* --- peer_onednn_parts.c --- */

extern void check(dnnl_status_t status, const char *what);

/* Has memory stand for values. */
extern void move(const Network *net, dnnl_memory_t memory, const void *values);
extern void execute(const Network *net, dnnl_primitive_t primitive, int n,
					const dnnl_exec_arg_t *args);

/* Made once for each number of rows, and each length. */
extern Plan *find_plan(Network *net, int rows);
extern Attention *find_attention(Network *net, int length);

/* As bytes, with one scale and one zero for all. */
extern void quantise(const float *values, size_t n, uint8_t *bytes, Input *input);

/* input times the weight of linear, which is of this kind. */
extern void multiply(Network *net, Plan *plan, Kind kind, const Linear *linear,
					 const Input *input, void *output);

#endif							/* INFERENCE_BENCH_PEER_ONEDNN_H */
