/*
 * infer.h
 *		The one path that every call takes, from texts to embeddings.
 */
#ifndef INFERENCE_PIPELINE_INFER_H
#define INFERENCE_PIPELINE_INFER_H

#include "base/types.h"
#include "service/service.h"

/*
 * Makes and enters a memory context for a call; leave it with inf_call_end.
 * Everything below is allocated there and so goes with it, transfers included.
 */
extern MemoryContext inf_call_begin(void);
extern void inf_call_end(MemoryContext call_context);

/*
 * Finds a model that role may use for task (0: whatever it does).  Throws if
 * there is none, if role may not, or if it does something else.
 */
extern const InferenceModel *inf_infer_open_model(const char *model_id,
												  InferenceTask task, Oid role);

/*
 * Embeds texts: one result for each, in order.  overrides is the task_settings
 * of the call.  Throws if any text could not be embedded.
 */
extern InferenceEmbedding *inf_infer_embed(const InferenceModel *model,
										   Jsonb *overrides,
										   const InferenceInput *inputs,
										   int ninputs);

/*
 * Embeds one text with a model that need not be stored; checks no dimensions.
 * plainly: asks for plain numbers, even if the service has another form.
 */
extern InferenceEmbedding *inf_infer_probe(const InferenceModel *model,
										   const char *utf8, bool plainly);

/*
 * A text in the database encoding as an input.  position is its place in the
 * list of the call, from 1, for errors to name; 0: it is in none.  Throws 54000
 * if it is longer than INF_MAX_TEXT_BYTES.
 */
extern void inf_infer_make_input(InferenceInput *input, const char *bytes,
								 int length, int position);

/* The same of a value of type text. */
extern void inf_infer_read_input(InferenceInput *input, Datum text,
								 int position);

/* The service of a model; throws if it is none of ours. */
extern const InferenceServiceOps *inf_infer_service(const InferenceModel *model);

/* task_settings of a model overlaid with those of a call, which it checks. */
extern Jsonb *inf_infer_task_settings(const InferenceServiceOps *service,
									  const InferenceModel *model,
									  Jsonb *overrides);

/* Where requests go; throws if nobody knows, or the key may not go there. */
extern char *inf_infer_url(const InferenceServiceOps *service,
						   const InferenceModel *model);

#endif							/* INFERENCE_PIPELINE_INFER_H */
