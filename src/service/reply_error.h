/*
 * reply_error.h
 *		The words of a service in an answer that is an error.
 */
#ifndef INFERENCE_SERVICE_REPLY_ERROR_H
#define INFERENCE_SERVICE_REPLY_ERROR_H

#include "postgres.h"

#include "http/http_request.h"

/*
 * The text of the first path, of those given as arrays of names, that leads to
 * a string in the answer; NULL if none does or the answer is not JSON.
 */
extern char *inf_reply_find_text(const HttpResponse *response,
								 const char *const (*paths)[3], int npaths);

#endif							/* INFERENCE_SERVICE_REPLY_ERROR_H */
