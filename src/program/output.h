/*
 * output.h
 *		Embeddings as lines of JSON.
 */
#ifndef INFERENCE_PROGRAM_OUTPUT_H
#define INFERENCE_PROGRAM_OUTPUT_H

#include <stdio.h>

#include "engine/engine.h"

/* [number, ...] or {"token": weight, ...}, and "\n". */
extern void inf_write_embedding(FILE *to, const Engine *engine,
								const EngineEmbedding *embedding);

/* In quotes, escaped. */
extern void inf_write_string(FILE *to, const char *utf8);

/* {"error": message}, and "\n". */
extern void inf_write_error(FILE *to, const char *message);

#endif							/* INFERENCE_PROGRAM_OUTPUT_H */
