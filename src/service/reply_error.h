/*
 * reply_error.h
 *		What a service says in an answer that is an error.
 */
#ifndef INFERENCE_SERVICE_REPLY_ERROR_H
#define INFERENCE_SERVICE_REPLY_ERROR_H

#include "postgres.h"

#include "base/secret.h"
#include "http/http_request.h"

/*
 * The service's own words, without key (may be NULL), of bounded length; NULL if
 * it has none.
 */
extern char *inf_reply_error_words(const HttpResponse *response,
								   const InferenceSecret *key);

/* Whether it says that the account has nothing left, now and later. */
extern bool inf_reply_is_out_of_quota(const HttpResponse *response);

/* In how many milliseconds the model is loaded, as Hugging Face says; -1: it does not. */
extern int64 inf_reply_loading_ms(const HttpResponse *response);

#endif							/* INFERENCE_SERVICE_REPLY_ERROR_H */
