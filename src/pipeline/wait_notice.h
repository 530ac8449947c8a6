/*
 * wait_notice.h
 *		Says that a statement waits, and for what: at level DEBUG1 each time, and
 *		to somebody who may be watching once.
 */
#ifndef INFERENCE_PIPELINE_WAIT_NOTICE_H
#define INFERENCE_PIPELINE_WAIT_NOTICE_H

#include "base/types.h"

/* A request failed, and is sent again after delay_ms. */
extern void inf_notice_retry(const InferenceModel *model,
							 const InferenceFault *fault, const char *host,
							 int attempts, int64 delay_ms);

/* Nothing may be sent for wait_ms because of the model's rate_limit. */
extern void inf_notice_rate_limit(const InferenceModel *model, int64 wait_ms);

#endif							/* INFERENCE_PIPELINE_WAIT_NOTICE_H */
