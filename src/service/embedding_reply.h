/*
 * embedding_reply.h
 *		The shapes of answers that services share.
 *
 * Each reader returns false and sets the fault when the answer does not hold
 * what it should; results go to the current memory context.
 */
#ifndef INFERENCE_SERVICE_EMBEDDING_REPLY_H
#define INFERENCE_SERVICE_EMBEDDING_REPLY_H

#include "postgres.h"

#include "base/types.h"
#include "http/http_request.h"
#include "json/json_read.h"

/* Parses the body into the call's scratch memory; an empty one is a fault. */
extern bool inf_reply_parse(const InferenceCall *call,
							const HttpResponse *response, InfJson **root,
							InferenceFault *fault);

/*
 * Checks that value is an array (name, for the fault, is the field that held
 * it, or NULL for the answer itself) of ninputs elements.
 */
extern bool inf_reply_check_list(const InfJson *value, const char *name,
								 int ninputs, InferenceFault *fault);

/* An array of numbers, or a string of base64: float32, little-endian. */
extern bool inf_reply_read_vector(const InfJson *value,
								  InferenceEmbedding *embedding,
								  InferenceFault *fault);

/* {"token": weight, ...} */
extern bool inf_reply_read_token_map(const InfJson *value,
									 InferenceEmbedding *embedding,
									 InferenceFault *fault);

/* [{"index": token id, "value": weight}, ...]: ids become decimal tokens. */
extern bool inf_reply_read_token_list(const InfJson *value,
									  InferenceEmbedding *embedding,
									  InferenceFault *fault);

/* Heaviest first, equal ones by their bytes. */
extern void inf_reply_sort_tokens(InferenceEmbedding *embedding);

/* That all vectors of the answer are of one width. */
extern bool inf_reply_check_widths(const InferenceEmbedding *embeddings,
								   int n, InferenceFault *fault);

/*
 * The text of the first path, of those given as arrays of names, that leads to
 * a string in the answer; NULL if none does or the answer is not JSON.
 */
extern char *inf_reply_find_text(const HttpResponse *response,
								 const char *const (*paths)[3], int npaths);

/* Starts a JSON POST: content type and, if given, "Authorization: scheme key". */
extern void inf_request_start(HttpRequest *request, const char *url,
							  const char *scheme, const InferenceSecret *key);

/* Gives it the body {"name": [texts of the call]}. */
extern void inf_request_set_inputs(HttpRequest *request, const char *name,
								   const InferenceCall *call);

#endif							/* INFERENCE_SERVICE_EMBEDDING_REPLY_H */
