/*
 * wait_notice.c
 *		Says that a statement waits, and for what.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"

#include "base/errors.h"
#include "pipeline/wait_notice.h"

/* Shorter waits are not worth a word. */
#define MIN_WAIT_MS 1000

/*
 * Whether to tell the client: it sent the statement, it waits for more than a
 * moment, and has not been told for this statement.  Triggers of a subscription
 * or of a background worker have nobody to tell.
 */
static bool
is_worth_notice(int64 wait_ms)
{
	static TimestampTz last_statement = 0;
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (wait_ms < MIN_WAIT_MS || MyBackendType != B_BACKEND ||
		IsParallelWorker() || statement == last_statement)
		return false;
	last_statement = statement;
	return true;
}

static double
seconds(int64 ms)
{
	return ms / 1000.0;
}

void
inf_notice_retry(const InferenceModel *model, const InferenceFault *fault,
				 const char *host, int attempts, int64 delay_ms)
{
	char	   *detail = inf_error_describe_fault(model, fault, host, attempts,
												  NULL);

	if (is_worth_notice(delay_ms))
		ereport(NOTICE,
				(errmsg("waiting %.1f s before retrying a request of inference model \"%s\"",
						seconds(delay_ms), model->model_id),
				 errdetail_internal("%s", detail),
				 errhint("The settings inference.max_retries and inference.retry_timeout limit how often and how long requests are retried.")));
	else
		ereport(DEBUG1,
				(errmsg_internal("retrying a request of inference model \"%s\" in %.1f s",
								 model->model_id, seconds(delay_ms)),
				 errdetail_internal("%s", detail)));
	pfree(detail);
}

void
inf_notice_rate_limit(const InferenceModel *model, int64 wait_ms)
{
	if (is_worth_notice(wait_ms))
		ereport(NOTICE,
				(errmsg("waiting %.1f s for the rate_limit of inference model \"%s\"",
						seconds(wait_ms), model->model_id),
				 errhint("The limit applies to all statements of this session together.")));
	else
		ereport(DEBUG1,
				(errmsg_internal("rate_limit of inference model \"%s\": %.1f s to wait",
								 model->model_id, seconds(wait_ms))));
}
