/*
 * rate_limit.h
 *		Spreads the requests of this session over the minute, for models that
 *		set rate_limit.requests_per_minute.
 */
#ifndef INFERENCE_PIPELINE_RATE_LIMIT_H
#define INFERENCE_PIPELINE_RATE_LIMIT_H

#include "base/types.h"

/*
 * The time (inf_now_ms) at which the model's next request may start; taking
 * it moves the one after.  A model without a limit may always start now.
 */
extern int64 inf_rate_limit_take(const InferenceModel *model, int64 now_ms);

#endif							/* INFERENCE_PIPELINE_RATE_LIMIT_H */
