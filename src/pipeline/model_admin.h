/*
 * model_admin.h
 *		Putting, changing and deleting models: checks, privileges, storage.
 */
#ifndef INFERENCE_PIPELINE_MODEL_ADMIN_H
#define INFERENCE_PIPELINE_MODEL_ADMIN_H

#include "nodes/pg_list.h"

#include "base/types.h"

/* path_task: the task type given as an argument, or NULL, in all of these. */

extern const InferenceModel *inf_admin_put(const char *path_task,
										   const char *model_id,
										   Jsonb *config, bool validate);
extern const InferenceModel *inf_admin_update(const char *path_task,
											  const char *model_id,
											  Jsonb *config, bool validate);

/* One model, or all (of a task type) for "_all" and "*"; by id. */
extern List *inf_admin_get(const char *path_task, const char *model_id);

/*
 * Returns descriptions (char *) of what uses the model.  Deletes it unless
 * dry_run; throws if something uses it, unless force.
 */
extern List *inf_admin_delete(const char *path_task, const char *model_id,
							  bool force, bool dry_run);

#endif							/* INFERENCE_PIPELINE_MODEL_ADMIN_H */
