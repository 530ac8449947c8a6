/*
 * batch_fallback.h
 *		Calls that were not made for a row, but are needed after all.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_FALLBACK_H
#define INFERENCE_EXECUTOR_BATCH_FALLBACK_H

#include "postgres.h"

#include "nodes/plannodes.h"

/*
 * Of a scan, a list of what it computes, or of its conditions, with calls in
 * place of answers that are missing.  Columns that are handed on as they are
 * stay so: who reads them knows when they are there.
 */
extern List *inf_batch_add_fallbacks(List *expressions, const CustomScan *scan);

#endif							/* INFERENCE_EXECUTOR_BATCH_FALLBACK_H */
