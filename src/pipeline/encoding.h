/*
 * encoding.h
 *		How models may be asked for vectors: as plain numbers, which all services
 *		have, or as base64, which is shorter and quicker to read.
 *
 * Nothing in base64 says what numbers it is of.  So a model whose width is not
 * known is asked for plain numbers first; from then on the number of bytes tells.
 */
#ifndef INFERENCE_PIPELINE_ENCODING_H
#define INFERENCE_PIPELINE_ENCODING_H

#include "base/types.h"
#include "service/service.h"

/* What this session has learned of a model. */
typedef struct Encoding
{
	uint64		hash;			/* key: of the model's id, its URL, and what the
								 * service calls the model */
	int			ndimensions;	/* of its vectors as plain numbers; 0: not seen */
	bool		takes_base64;	/* has answered a request for that */
	bool		refuses_base64; /* has failed one, and answered it without */
} Encoding;

/*
 * Of a model behind a URL; lives as long as the session.  NULL: its service has
 * no other form than plain numbers, or its settings say which to use.
 */
extern Encoding *inf_encoding_of(const InferenceServiceOps *service,
								 const InferenceModel *model, const char *url,
								 Jsonb *task_settings);

/*
 * Says in a call how vectors are asked for and how many dimensions they will have.
 * plainly: they have been asked for otherwise, in vain.
 */
extern void inf_encoding_choose(const Encoding *encoding,
								const InferenceServiceOps *service,
								InferenceCall *call, bool plainly);

/* Whether the form that was asked for may be why a call failed. */
extern bool inf_encoding_may_be_why(const Encoding *encoding,
									const InferenceCall *call,
									InferenceFaultKind kind, int status);

/*
 * Whether vectors of base64 are as wide as plain numbers were; if not, fault says
 * so.
 */
extern bool inf_encoding_check(const Encoding *encoding,
							   const InferenceCall *call,
							   const InferenceEmbedding *results,
							   InferenceFault *fault);

/*
 * Remembers how a call was answered.  was_in_vain: all of its texts had been
 * asked for otherwise.
 */
extern void inf_encoding_learn(Encoding *encoding, const InferenceCall *call,
							   const InferenceEmbedding *results,
							   bool was_in_vain);

#endif							/* INFERENCE_PIPELINE_ENCODING_H */
