/*
 * hugging_face_like.h
 *		The wire format of Hugging Face's inference endpoints and of
 *		text-embeddings-inference, which more than one service speaks.
 */
#ifndef INFERENCE_SERVICE_HUGGING_FACE_LIKE_H
#define INFERENCE_SERVICE_HUGGING_FACE_LIKE_H

#include "service/service.h"

/* {"inputs": [...]} with a bearer token, if the model has a key. */
extern void inf_hugging_face_build_request(const InferenceCall *call,
										   const char *url,
										   HttpRequest *request);

/*
 * Dense: [[...], ...] or {"embeddings": [[...], ...]}.  Sparse:
 * [{"token": weight}, ...] or [[{"index": id, "value": weight}, ...], ...].
 */
extern const ReplyShape *inf_hugging_face_reply_shape(const InferenceCall *call,
													  const char *url);

/* Words for a text that is too long, and what may be wrong with a url. */
extern const TooLongWords inf_hugging_face_too_long[];
extern const char *inf_hugging_face_url_hint(const char *url);

#endif							/* INFERENCE_SERVICE_HUGGING_FACE_LIKE_H */
