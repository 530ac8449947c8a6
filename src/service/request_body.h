/*
 * request_body.h
 *		What the requests of services have in common.
 */
#ifndef INFERENCE_SERVICE_REQUEST_BODY_H
#define INFERENCE_SERVICE_REQUEST_BODY_H

#include "base/types.h"
#include "http/http_request.h"

/*
 * Starts a JSON POST: content type and, if the model has a key, "Authorization:
 * scheme key", or what the model's api_key_header and api_key_scheme say.
 */
extern void inf_request_start(HttpRequest *request, const char *url,
							  const char *scheme, const InferenceModel *model);

/* Gives it the body {"name": [texts of the call]}. */
extern void inf_request_set_inputs(HttpRequest *request, const char *name,
								   const InferenceCall *call);

#endif							/* INFERENCE_SERVICE_REQUEST_BODY_H */
