/*
 * engine.h
 *		Texts to vectors or token maps, on this CPU.  Plain C: no server
 *		header, no throw, no exit, no output.
 *
 * An engine is opened, used and closed by one thread at a time; its own
 * threads (nthreads - 1 of them) block all signals.  The weights are mapped
 * read-only from a packed file and shared by all processes that open it.
 */
#ifndef INFERENCE_ENGINE_ENGINE_H
#define INFERENCE_ENGINE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine_error.h"
#include "engine/model_config.h"
#include "engine/precision.h"

typedef struct Engine Engine;

typedef struct EngineOptions
{
	const char *folder;			/* of the model, as Hugging Face ships it */
	const char *cache_folder;	/* of packed files; NULL: the model's folder */
	Precision	precision;
	const char *cpu;			/* kernels to use, for tests: "portable",
								 * "avx2", "avx512"; NULL: the best there are */
	int			nthreads;		/* at least 1 */
} EngineOptions;

typedef struct EngineText
{
	const char *bytes;			/* UTF-8 */
	size_t		length;			/* bytes */
} EngineText;

typedef struct TokenWeight
{
	int32_t		token;			/* id: inf_engine_token() has its text */
	float		weight;			/* > 0 */
} TokenWeight;

typedef struct EngineEmbedding
{
	int			ntokens;		/* [CLS] and [SEP] included */
	bool		truncated;

	/* Dense models: points into the engine until its next call; else NULL. */
	const float *vector;		/* (inf_engine_width) */

	/* Sparse models: likewise, heaviest first, equal ones by id; else NULL. */
	const TokenWeight *weights; /* (nweights) */
	int			nweights;
} EngineEmbedding;

/* What `inspect` and errors tell of an engine. */
typedef struct EngineDescription
{
	ModelConfig config;
	const char *precision;		/* in use: "fp32", "bf16", "fp16", "int8" */
	const char *kernels;		/* "avx512-fp16", ... */
	int64_t		nparameters;
	const char *packed_path;	/* "" if the weights are in private memory */
	const char *packed_problem; /* why they are; "" if not */
	size_t		packed_bytes;
	bool		was_packed_now; /* by this opening */
} EngineDescription;

/* NULL on failure. */
extern Engine *inf_engine_open(const EngineOptions *options, EngineError *error);
extern void inf_engine_close(Engine *engine);

extern void inf_engine_describe(const Engine *engine, EngineDescription *description);

/* Numbers of a dense vector; of a sparse model, ids of the vocabulary. */
extern int	inf_engine_width(const Engine *engine);

/* The token with this id, UTF-8 with a NUL behind it; NULL if there is none. */
extern const char *inf_engine_token(const Engine *engine, int id);

/*
 * Embeds ntexts texts, in their order.  A text longer than the model takes is
 * cut and marked as truncated.  False if any fails: the message says which,
 * counted from 0, and does not quote it.
 */
extern bool inf_engine_embed(Engine *engine, const EngineText *texts, int ntexts,
							 EngineEmbedding *embeddings, EngineError *error);

/*
 * The same from token ids, for measuring: sequence i is ids[offsets[i]] to
 * ids[offsets[i + 1] - 1].  out is (nsequences, inf_engine_width) float32: the
 * vectors, or the weights of the whole vocabulary.
 */
extern bool inf_engine_run_ids(Engine *engine, const int32_t *ids,
							   const int32_t *offsets, int nsequences,
							   float *out, EngineError *error);

#endif							/* INFERENCE_ENGINE_ENGINE_H */
