/*
 * infer_body.h
 *		The body of inference_infer, as Elasticsearch's API has it.
 */
#ifndef INFERENCE_PIPELINE_INFER_BODY_H
#define INFERENCE_PIPELINE_INFER_BODY_H

#include "base/types.h"

typedef struct InferenceBody
{
	int			ninputs;		/* at least one */
	Jsonb	   *task_settings;	/* NULL: it has none */
	JsonbValue *text;			/* the only input; NULL: array holds them */
	JsonbContainer *array;
} InferenceBody;

/* Reads a body, which must live on.  Throws if it is not as it should be. */
extern void inf_body_read(Jsonb *json, InferenceBody *body);

/* Makes text i of a body an input. */
extern void inf_body_make_input(const InferenceBody *body, int i,
								InferenceInput *input);

/*
 * Embeds all texts of a body, and makes the answer in result_context: it may be
 * too large to be copied there.
 */
extern Jsonb *inf_body_answer(const InferenceModel *model,
							  const InferenceBody *body,
							  MemoryContext result_context);

#endif							/* INFERENCE_PIPELINE_INFER_BODY_H */
