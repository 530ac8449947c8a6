/*
 * network.h
 *		BERT's forward pass: token ids in, pooled vectors or weights of the
 *		vocabulary out.  Plain C.
 *
 * Source: Devlin et al. 2018, Vaswani et al. 2017; the pooling of SPLADE is
 * that of Formal et al. 2021 (v2, max).
 */
#ifndef INFERENCE_ENGINE_NETWORK_H
#define INFERENCE_ENGINE_NETWORK_H

#include "engine/engine_error.h"
#include "engine/kernels.h"
#include "engine/model_config.h"
#include "engine/thread_pool.h"
#include "engine/weights.h"

/* Sequences of a pass: each has a row of output, as wide as the vocabulary. */
#define NETWORK_MAX_SEQUENCES 32

/*
 * Rows (tokens) of a pass, unless one sequence has more: enough for a weight
 * to be used often once it is near, few enough for private memory to stay
 * small.
 */
#define NETWORK_ROWS 512

typedef struct Network Network;

/*
 * All but the return value stays the caller's, and has to outlive it.  NULL if
 * memory is out.
 */
extern Network *inf_network_open(const ModelConfig *config, const Weights *weights,
								 const Kernels *kernels, const Kernels *attention,
								 ThreadPool *pool, EngineError *error);
extern void inf_network_close(Network *network);

/* Numbers of a row of output: the model's width, or its vocabulary's size. */
extern int	inf_network_output_width(const Network *network);

/* The most rows a pass can have. */
extern int	inf_network_max_rows(const Network *network);

/*
 * One pass: sequence i is ids[offsets[i]] to ids[offsets[i + 1] - 1], at least
 * one id, at most the model's max_tokens, each below nvocabulary.  Returns
 * (nsequences, *stride) float32 that live until the next pass, or NULL if
 * numbers left the range of the precision.
 */
extern const float *inf_network_run(Network *network, const int32_t *ids,
									const int *offsets, int nsequences,
									int *stride, EngineError *error);

#endif							/* INFERENCE_ENGINE_NETWORK_H */
