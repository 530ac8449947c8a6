/*
 * exchange.h
 *		Sends batches to a service and gathers their answers.
 */
#ifndef INFERENCE_PIPELINE_EXCHANGE_H
#define INFERENCE_PIPELINE_EXCHANGE_H

#include "pipeline/batch.h"
#include "service/service.h"

/*
 * Fills results (one for each input) in the current memory context.  Keeps up
 * to inference.max_concurrent_requests in flight, sends again what failed in a
 * way that may pass, and throws what does not.  May be cancelled at any time.
 */
extern void inf_exchange_run(const InferenceServiceOps *service,
							 const InferenceModel *model, const char *url,
							 Jsonb *task_settings,
							 const InferenceInput *inputs, int ninputs,
							 InferenceEmbedding *results);

#endif							/* INFERENCE_PIPELINE_EXCHANGE_H */
