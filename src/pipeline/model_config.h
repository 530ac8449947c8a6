/*
 * model_config.h
 *		From the JSON that a user gives to a model, and back.
 */
#ifndef INFERENCE_PIPELINE_MODEL_CONFIG_H
#define INFERENCE_PIPELINE_MODEL_CONFIG_H

#include "base/types.h"
#include "service/service.h"

/*
 * Checks a configuration for a new model and returns the model, not stored.
 * path_task is the task type given as an argument, or NULL.  Throws with every
 * fault at once.
 */
extern InferenceModel *inf_config_parse(const char *path_task,
										const char *model_id, Jsonb *config);

/*
 * Checks what a user wants changed and returns the changed model, not stored;
 * NULL if it would be the same as before.
 */
extern InferenceModel *inf_config_merge(const char *path_task,
										const InferenceModel *model,
										Jsonb *config);

/* Throws 54000 if the settings of the model were too large to be read. */
extern void inf_config_check_read(const InferenceModel *model);

/* Appends the model as JSON (database encoding), without secrets. */
extern void inf_config_describe(StringInfo json, const InferenceModel *model);

/* Reads a task type; throws 22023 if there is none of this name. */
extern InferenceTask inf_config_task(const char *name);

#endif							/* INFERENCE_PIPELINE_MODEL_CONFIG_H */
