/*
 * engine.c
 *		Texts to vectors or token maps: opens what belongs together, and cuts
 *		what comes into passes.
 */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kernels.h"
#include "engine/network.h"
#include "engine/packed_file.h"
#include "engine/safetensors.h"
#include "engine/thread_pool.h"
#include "engine/tokenizer.h"
#include "engine/weights.h"

struct Engine
{
	ModelConfig config;
	const Kernels *kernels;
	const Kernels *attention;
	int64_t		nparameters;
	Tokenizer  *tokenizer;
	PackedFile	packed;
	Weights    *weights;		/* points into packed */
	ThreadPool *pool;
	Network    *network;

	/* Of the last call: what its embeddings point to. */
	float	   *vectors;		/* (texts, width) */
	TokenWeight *tokens;		/* of all texts */
	size_t		ntokens;
	size_t		tokens_capacity;
};

/* --- Opening ------------------------------------------------------------- */

static bool
choose_kernels(Engine *engine, const EngineOptions *options, EngineError *error)
{
	Precision	precision = options->precision;

	if (precision == PRECISION_AUTO)
		precision = inf_kernels_choose_attention(precision, options->cpu)->precision;
	engine->kernels = inf_kernels_choose(precision, options->cpu);
	if (engine->kernels == NULL)
		return inf_engine_fail(error, ENGINE_UNSUPPORTED,
							   "there are no kernels of precision \"%s\" for a CPU \"%s\"",
							   inf_precision_name(precision), options->cpu);
	engine->attention = inf_kernels_choose_attention(precision, options->cpu);
	return true;
}

/* What packing needs. */
typedef struct Packing
{
	const Engine *engine;
	const Safetensors *source;
} Packing;

static bool
fill_weights(void *context, unsigned char *body, size_t size, EngineError *error)
{
	const Packing *packing = context;

	return inf_weights_fill(body, &packing->engine->config,
							packing->engine->kernels, packing->source, error);
}

/* Parameters as papers count them: each tensor of the file once. */
static int64_t
count_parameters(const Safetensors *source)
{
	int64_t		count = 0;

	for (int i = 0; i < source->ntensors; i++)
		if (source->tensors[i].type != TENSOR_OTHER)
			count += source->tensors[i].nvalues;
	return count;
}

/* FNV-1a: it tells things apart, and guards against nobody. */
static uint64_t
add_to_fingerprint(uint64_t fingerprint, unsigned char byte)
{
	return (fingerprint ^ byte) * UINT64_C(0x100000001b3);
}

/* The configuration decides the layout as much as the tensors do. */
static uint64_t
fingerprint(const ModelConfig *config, uint64_t source)
{
	const int	numbers[] = {
		config->family, config->head, config->nlayers, config->width,
		config->nheads, config->inner_width, config->nvocabulary,
		config->npositions, config->ntypes
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		for (int shift = 0; shift < 32; shift += 8)
			source = add_to_fingerprint(source, numbers[i] >> shift);
	return source;
}

/*
 * Of the packed file.  In a folder that models share, each has its own, known by
 * where the model lies.
 */
static void
name_packed_file(const EngineOptions *options, const Kernels *kernels,
				 char *name, size_t size)
{
	char	   *folder = options->cache_folder ? realpath(options->folder, NULL) : NULL;
	uint64_t	place = 0;

	for (const char *c = folder; c && *c; c++)
		place = add_to_fingerprint(place, *c);
	if (folder)
		snprintf(name, size, "inference-%016" PRIx64 "-%s-%d.packed", place,
				 inf_precision_name(kernels->precision), kernels->panel_columns);
	else
		snprintf(name, size, "inference-%s-%d.packed",
				 inf_precision_name(kernels->precision), kernels->panel_columns);
	free(folder);
}

static bool
open_weights(Engine *engine, const EngineOptions *options, EngineError *error)
{
	const Kernels *kernels = engine->kernels;
	Safetensors source;
	Packing		packing = {.engine = engine, .source = &source};
	PackedKey	key = {
		.layout = WEIGHTS_VERSION << 16 | kernels->panel_columns,
		.precision = kernels->precision
	};
	char		name[64];
	bool		opened;

	engine->weights = malloc(sizeof(*engine->weights));
	if (engine->weights == NULL)
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	if (!inf_safetensors_open(&source, options->folder, error))
		return false;
	inf_weights_lay_out(engine->weights, &engine->config, kernels, NULL);
	key.size = engine->weights->nbytes;
	key.source = fingerprint(&engine->config, source.fingerprint);
	engine->nparameters = count_parameters(&source);
	name_packed_file(options, kernels, name, sizeof(name));
	opened = inf_packed_file_open(&engine->packed,
								  options->cache_folder ? options->cache_folder : options->folder,
								  name, &key, fill_weights, &packing, error);
	inf_safetensors_close(&source);
	if (opened)
		inf_weights_lay_out(engine->weights, &engine->config, kernels,
							(unsigned char *) engine->packed.body);
	return opened;
}

Engine *
inf_engine_open(const EngineOptions *options, EngineError *error)
{
	Engine	   *engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
	{
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
		return NULL;
	}
	if (inf_model_config_read(&engine->config, options->folder, error) &&
		choose_kernels(engine, options, error) &&
		(engine->tokenizer = inf_tokenizer_open(options->folder,
												engine->config.nvocabulary, error)) &&
		open_weights(engine, options, error) &&
		(engine->pool = inf_thread_pool_open(options->nthreads, error)) &&
		(engine->network = inf_network_open(&engine->config, engine->weights,
											engine->kernels, engine->attention,
											engine->pool, error)))
		return engine;
	inf_engine_close(engine);
	return NULL;
}

void
inf_engine_close(Engine *engine)
{
	if (engine == NULL)
		return;
	inf_network_close(engine->network);
	inf_thread_pool_close(engine->pool);
	inf_packed_file_close(&engine->packed);
	inf_tokenizer_close(engine->tokenizer);
	free(engine->weights);
	free(engine->vectors);
	free(engine->tokens);
	free(engine);
}

void
inf_engine_describe(const Engine *engine, EngineDescription *description)
{
	description->config = engine->config;
	description->precision = inf_precision_name(engine->kernels->precision);
	description->kernels = engine->kernels->name;
	description->nparameters = engine->nparameters;
	description->packed_path = engine->packed.path ? engine->packed.path : "";
	description->packed_problem = engine->packed.problem ? engine->packed.problem : "";
	description->packed_bytes = engine->packed.size;
	description->was_packed_now = engine->packed.was_filled;
}

int
inf_engine_width(const Engine *engine)
{
	return inf_network_output_width(engine->network);
}

const char *
inf_engine_token(const Engine *engine, int id)
{
	return inf_tokenizer_token(engine->tokenizer, id);
}

/* --- Passes -------------------------------------------------------------- */

/*
 * Takes the row of output of sequence i; false ends the run.
 */
typedef bool (*TakeRow) (Engine *engine, void *context, int i, const float *row,
						 EngineError *error);

/*
 * Runs sequences ids[offsets[i]] to ids[offsets[i + 1] - 1], each of them good,
 * as many to a pass as have room.
 */
static bool
run_sequences(Engine *engine, const int32_t *ids, const int32_t *offsets,
			  int nsequences, TakeRow take, void *context, EngineError *error)
{
	const int	max_rows = inf_network_max_rows(engine->network);
	int			begin = 0;

	while (begin < nsequences)
	{
		int			pass[NETWORK_MAX_SEQUENCES + 1] = {0};
		int			n = 0;
		const float *rows;
		int			stride;

		while (n < NETWORK_MAX_SEQUENCES && begin + n < nsequences &&
			   offsets[begin + n + 1] - offsets[begin] <= max_rows)
		{
			n++;
			pass[n] = offsets[begin + n] - offsets[begin];
		}
		rows = inf_network_run(engine->network, ids + offsets[begin], pass, n,
							   &stride, error);
		if (rows == NULL)
			return false;
		for (int i = 0; i < n; i++)
			if (!take(engine, context, begin + i, rows + (size_t) i * stride, error))
				return false;
		begin += n;
	}
	return true;
}

static bool
take_copy(Engine *engine, void *context, int i, const float *row, EngineError *error)
{
	const int	width = inf_engine_width(engine);

	memcpy((float *) context + (size_t) i * width, row, width * sizeof(*row));
	return true;
}

bool
inf_engine_run_ids(Engine *engine, const int32_t *ids, const int32_t *offsets,
				   int nsequences, float *out, EngineError *error)
{
	for (int i = 0; i < nsequences; i++)
	{
		const int	length = offsets[i + 1] - offsets[i];

		if (length < 1 || length > engine->config.max_tokens)
			return inf_engine_fail(error, ENGINE_BAD_INPUT,
								   "sequence %d has %d tokens, and the model takes 1 to %d",
								   i, length, engine->config.max_tokens);
		for (int j = offsets[i]; j < offsets[i + 1]; j++)
			if (ids[j] < 0 || ids[j] >= engine->config.nvocabulary)
				return inf_engine_fail(error, ENGINE_BAD_INPUT,
									   "sequence %d has a token %d, and the vocabulary ends before %d",
									   i, (int) ids[j], engine->config.nvocabulary);
	}
	return run_sequences(engine, ids, offsets, nsequences, take_copy, out, error);
}

/* --- Texts --------------------------------------------------------------- */

static int
heavier_first(const void *a, const void *b)
{
	const TokenWeight *x = a;
	const TokenWeight *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return (x->token > y->token) - (x->token < y->token);
}

static bool
is_wanted(const Engine *engine, int token)
{
	return inf_tokenizer_token(engine->tokenizer, token) != NULL &&
		!(engine->config.drops_special_tokens &&
		  inf_tokenizer_is_special(engine->tokenizer, token));
}

/* The tokens of positive weight; embeddings get their pointers at the end. */
static bool
take_tokens(Engine *engine, void *context, int i, const float *row, EngineError *error)
{
	EngineEmbedding *embedding = (EngineEmbedding *) context + i;
	const int	width = inf_engine_width(engine);
	size_t		needed = engine->ntokens;
	TokenWeight *first;

	for (int token = 0; token < width; token++)
		needed += row[token] > 0;
	if (needed > engine->tokens_capacity)
	{
		TokenWeight *tokens = realloc(engine->tokens, 2 * needed * sizeof(*tokens));

		if (tokens == NULL)
			return inf_engine_fail(error, ENGINE_NO_MEMORY,
								   "out of memory for %zu token weights", needed);
		engine->tokens = tokens;
		engine->tokens_capacity = 2 * needed;
	}
	first = engine->tokens + engine->ntokens;
	for (int token = 0; token < width; token++)
		if (row[token] > 0 && is_wanted(engine, token))
			first[embedding->nweights++] = (TokenWeight) {token, row[token]};
	qsort(first, embedding->nweights, sizeof(*first), heavier_first);
	engine->ntokens += embedding->nweights;
	return true;
}

/* ids (ntexts * max_tokens) and offsets (ntexts + 1). */
static bool
tokenize(Engine *engine, const EngineText *texts, int ntexts, int32_t *ids,
		 int32_t *offsets, EngineEmbedding *embeddings, EngineError *error)
{
	offsets[0] = 0;
	for (int i = 0; i < ntexts; i++)
	{
		EngineError why;

		memset(&embeddings[i], 0, sizeof(embeddings[i]));
		if (!inf_tokenizer_encode(engine->tokenizer, texts[i].bytes, texts[i].length,
								  engine->config.max_tokens, ids + offsets[i],
								  &embeddings[i].ntokens, &embeddings[i].truncated,
								  &why))
			return inf_engine_fail(error, why.code, "text %d: %.400s", i, why.message);
		offsets[i + 1] = offsets[i] + embeddings[i].ntokens;
	}
	return true;
}

static bool
embed_ids(Engine *engine, const int32_t *ids, const int32_t *offsets, int ntexts,
		  EngineEmbedding *embeddings, EngineError *error)
{
	const int	width = inf_engine_width(engine);
	size_t		ntokens = 0;

	if (engine->config.head == MODEL_HEAD_SPARSE)
	{
		engine->ntokens = 0;
		if (!run_sequences(engine, ids, offsets, ntexts, take_tokens, embeddings, error))
			return false;
		for (int i = 0; i < ntexts; i++)
		{
			embeddings[i].weights = engine->tokens + ntokens;
			ntokens += embeddings[i].nweights;
		}
		return true;
	}
	free(engine->vectors);
	engine->vectors = malloc((size_t) ntexts * width * sizeof(*engine->vectors));
	if (engine->vectors == NULL)
		return inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "out of memory for %d vectors", ntexts);
	for (int i = 0; i < ntexts; i++)
		embeddings[i].vector = engine->vectors + (size_t) i * width;
	return run_sequences(engine, ids, offsets, ntexts, take_copy, engine->vectors, error);
}

bool
inf_engine_embed(Engine *engine, const EngineText *texts, int ntexts,
				 EngineEmbedding *embeddings, EngineError *error)
{
	const size_t nids = (size_t) ntexts * engine->config.max_tokens;
	int32_t    *ids;
	int32_t    *offsets;
	bool		done;

	if (ntexts == 0)
		return true;
	if (ntexts > INT32_MAX / engine->config.max_tokens)
		return inf_engine_fail(error, ENGINE_BAD_INPUT,
							   "there are too many texts for one call: %d", ntexts);
	ids = malloc(nids * sizeof(*ids));
	offsets = malloc(((size_t) ntexts + 1) * sizeof(*offsets));
	if (ids == NULL || offsets == NULL)
		done = inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "out of memory for the tokens of %d texts", ntexts);
	else
		done = tokenize(engine, texts, ntexts, ids, offsets, embeddings, error) &&
			embed_ids(engine, ids, offsets, ntexts, embeddings, error);
	free(ids);
	free(offsets);
	return done;
}
