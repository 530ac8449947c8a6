/*
 * discovery.h
 *		The width of a model's vectors, found out from its first answer.
 *
 * A service that changes its model must not mix vectors of two widths in a
 * table.  So the first width is remembered by the session at once, and is
 * stored with the model when a transaction that may write commits: by then no
 * statement has to wait for it, and the row is locked for the moment of the
 * commit only.  Nothing is stored, and nothing fails, if somebody else holds the
 * model just then, nor on a standby, in a read-only or serializable transaction,
 * or by PREPARE TRANSACTION: the next transaction tries again.
 */
#ifndef INFERENCE_PIPELINE_DISCOVERY_H
#define INFERENCE_PIPELINE_DISCOVERY_H

#include "base/types.h"
#include "service/service.h"

/*
 * Dimensions that the answers to a call must have; 0: not known.  A call whose
 * task_settings name another model for the service has no part in this.
 */
extern int	inf_discovery_dimensions(const InferenceServiceOps *service,
									 const InferenceModel *model,
									 Jsonb *task_settings);

/*
 * Takes the width of a model's first answer, if it is one; returns the width
 * that the model has, which another session may have found out before.
 */
extern int	inf_discovery_learn(const InferenceServiceOps *service,
								const InferenceModel *model,
								Jsonb *task_settings, int ndimensions);

/* For a change of the model: what the session found out counts no more. */
extern void inf_discovery_forget(const InferenceModel *model);

/* What is to be stored with a model of the service. */
extern Jsonb *inf_discovery_make(const InferenceServiceOps *service,
								 int ndimensions);

/* Throws for an answer of another width than the model has. */
pg_noreturn extern void inf_discovery_throw(const char *model_id,
											const char *service,
											bool is_set, int is, int wanted);

extern void inf_discovery_init(void);

#endif							/* INFERENCE_PIPELINE_DISCOVERY_H */
