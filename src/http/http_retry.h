/*
 * http_retry.h
 *		Decides, from how an attempt ended, whether to try again and when.
 *
 * Plain C and pure: time and chance come in as arguments.  Retried are faults
 * of the connection, statuses 408, 429, 500, 502, 503, 504, and answers that
 * were 2xx but could not be read; an unknown host, a refused address, a failed
 * certificate, an answer over the size limit and an attempt that used up its
 * time are not.
 */
#ifndef INFERENCE_HTTP_HTTP_RETRY_H
#define INFERENCE_HTTP_HTTP_RETRY_H

#include "http/http_request.h"

typedef struct HttpRetryPolicy
{
	int			max_retries;	/* 0: one attempt only */
	int			initial_delay_ms;	/* bound of the first delay */
	int			max_delay_ms;	/* the bound doubles up to this */
	int64		time_budget_ms; /* from the start of the first attempt to the
								 * start of the last */
} HttpRetryPolicy;

/* What is known after an attempt. */
typedef struct HttpRetryState
{
	int			attempts;		/* made so far, this one included */
	int64		elapsed_ms;		/* since the first attempt started */
	HttpOutcome outcome;
	int			status;
	bool		unreadable;		/* a 2xx whose body could not be read */
	bool		is_final;		/* the service says that it is for good */
	int64		loading_ms;		/* with 503: until the model is loaded, as the
								 * service estimates; -1: not said */
	int64		retry_after_ms; /* -1: not said */
	int64		ratelimit_reset_ms; /* -1: not said */
} HttpRetryState;

#define HTTP_RETRY_NEVER (-1)

/*
 * Milliseconds to wait before the next attempt, or HTTP_RETRY_NEVER.
 *
 * The wait is drawn from the upper half of a bound that doubles with each
 * attempt; chance, in [0, 1), says where.  A wait that the service asked for
 * (Retry-After first, else the rate limit's reset, and that only on 429 and
 * 503) replaces it when longer.  A wait that would end after the time budget
 * means never: giving up now is kinder than giving up later.
 *
 * A model that is being loaded is waited for as long as the time budget allows,
 * however many attempts that takes, unless there are to be no retries at all or
 * the estimate alone is beyond it.
 */
extern int64 inf_http_retry_delay_ms(const HttpRetryPolicy *policy,
									 const HttpRetryState *state,
									 double chance);

/* "1s", "6m0s", "20ms", "1h2m3.5s", "17" (seconds): ms, or -1. */
extern int64 inf_http_parse_reset_ms(const char *value);

#endif							/* INFERENCE_HTTP_HTTP_RETRY_H */
