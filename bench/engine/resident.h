/*
 * resident.h
 *		A program that holds a model and answers what compare.py and agree.py
 *		ask it, a line each:
 *
 *		run B L SECONDS		B sequences of L tokens, again and again, for about
 *							that long but once at least: "ok MEDIAN_S RUNS"
 *		mixed SECONDS L...	one sequence of each length, in the way that is
 *							fastest here: "ok MEDIAN_S RUNS WAY"
 *		dump B L FILE		writes the answers, (B, width) float32: "ok 0 1"
 *
 * "ready WHAT" is said when the model is loaded, "error MESSAGE" of what fails.
 * peer_ort.mjs and peer_torch.py speak the same.  Token l of sequence b is
 * (b * 104729 + l * 7919 + 13) modulo the vocabulary.
 */
#ifndef INFERENCE_BENCH_RESIDENT_H
#define INFERENCE_BENCH_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Resident
{
	const char *what;			/* it is: precision, kernels */
	void	   *model;
	int			nvocabulary;
	int			width;			/* of an answer */

	/*
	 * Sequence i is ids[offsets[i]] to ids[offsets[i + 1] - 1]; out is
	 * (nsequences, width).  NULL, or what went wrong.
	 */
	const char *(*compute) (void *model, const int32_t *ids,
							const int32_t *offsets, int nsequences, float *out);
} Resident;

/* Serves standard input until it ends. */
extern void resident_serve(const Resident *resident);

#endif							/* INFERENCE_BENCH_RESIDENT_H */
