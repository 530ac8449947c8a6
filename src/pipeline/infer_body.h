/*
 * infer_body.h
 *		The body of inference_infer, as Elasticsearch's API has it.
 */
#ifndef INFERENCE_PIPELINE_INFER_BODY_H
#define INFERENCE_PIPELINE_INFER_BODY_H

#include "base/types.h"

/*
 * The texts of a body, at least one, and its task_settings (NULL: it has none).
 * Throws if the body is not as it should be.
 */
extern InferenceInput *inf_body_read(Jsonb *body, int *ninputs,
									 Jsonb **task_settings);

#endif							/* INFERENCE_PIPELINE_INFER_BODY_H */
