/*
 * guc.h
 *		The settings of the module.  guc.c says what each is for, and why
 *		whoever may set it may.
 */
#ifndef INFERENCE_BASE_GUC_H
#define INFERENCE_BASE_GUC_H

#include "postgres.h"

#include "utils/guc.h"

/*
 * Dumps set this off, to say that what they make was good enough where it
 * comes from, and may refer to what they make later.
 */
#define inf_is_restoring() (!check_function_bodies)

#define INF_RESTORE_HINT \
	"Objects that call a model while they are restored, such as CHECK constraints and materialized views, need the model and its key first: see \"What calls a model during a restore\" in docs/operations.md."

extern char *inf_guc_allowed_hosts;
extern bool inf_guc_allow_private_addresses;
extern bool inf_guc_batching;
extern char *inf_guc_ca_bundle;
extern int	inf_guc_cache_size;
extern int	inf_guc_connect_timeout;
extern char *inf_guc_elser_url;
extern int	inf_guc_max_batch_inputs;
extern int	inf_guc_max_concurrent_requests;
extern int	inf_guc_max_response_size;
extern int	inf_guc_max_retries;
extern char *inf_guc_proxy;
extern int	inf_guc_request_timeout;
extern int	inf_guc_retry_timeout;

extern void inf_guc_init(void);

#endif							/* INFERENCE_BASE_GUC_H */
