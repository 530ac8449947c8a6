/*
 * test_http_retry.c
 *		What is retried, when, and what reset headers say.
 */
#include "postgres.h"

#include "http/http_retry.h"

#include "check.h"

static const HttpRetryPolicy policy = {
	.max_retries = 5,
	.initial_delay_ms = 100,
	.max_delay_ms = 1000,
	.time_budget_ms = 30000
};

/* The first attempt, just ended with a status. */
static HttpRetryState
answered(int status)
{
	HttpRetryState state = {
		.attempts = 1,
		.outcome = HTTP_ANSWERED,
		.status = status,
		.loading_ms = -1,
		.retry_after_ms = -1,
		.ratelimit_reset_ms = -1
	};

	return state;
}

static int64
delay_after_status(int status)
{
	HttpRetryState state = answered(status);

	return inf_http_retry_delay_ms(&policy, &state, 0);
}

static int64
delay_after_outcome(HttpOutcome outcome)
{
	HttpRetryState state = answered(0);

	state.outcome = outcome;
	return inf_http_retry_delay_ms(&policy, &state, 0);
}

static void
test_what_is_retried(void)
{
	HttpRetryState state;

	CHECK_INT(delay_after_outcome(HTTP_CANNOT_CONNECT), 50);
	CHECK_INT(delay_after_outcome(HTTP_CONNECTION_LOST), 50);
	CHECK_INT(delay_after_outcome(HTTP_PENDING), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_outcome(HTTP_UNKNOWN_HOST), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_outcome(HTTP_ADDRESS_REFUSED), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_outcome(HTTP_TLS_FAILED), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_outcome(HTTP_TIMED_OUT), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_outcome(HTTP_TOO_LARGE), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_outcome(HTTP_FAILED), HTTP_RETRY_NEVER);

	CHECK_INT(delay_after_status(408), 50);
	CHECK_INT(delay_after_status(429), 50);
	CHECK_INT(delay_after_status(500), 50);
	CHECK_INT(delay_after_status(502), 50);
	CHECK_INT(delay_after_status(503), 50);
	CHECK_INT(delay_after_status(504), 50);
	CHECK_INT(delay_after_status(200), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_status(301), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_status(400), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_status(401), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_status(413), HTTP_RETRY_NEVER);
	CHECK_INT(delay_after_status(501), HTTP_RETRY_NEVER);

	state = answered(200);
	state.unreadable = true;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 50);
	state.status = 404;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);
}

static void
test_final(void)
{
	HttpRetryState state = answered(429);

	state.is_final = true;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);
	state.ratelimit_reset_ms = 10;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);
}

/* The time budget is 30 s. */
static void
test_loading(void)
{
	HttpRetryPolicy once = policy;
	HttpRetryState state = answered(503);

	state.loading_ms = 20000;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 20000);
	state.loading_ms = 20;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 50);

	/* beyond max_retries, and up to the end of the time budget */
	state.attempts = 100;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 500);
	state.loading_ms = 20000;
	state.elapsed_ms = 20100;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 9900);
	state.elapsed_ms = 29600;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);

	/* not if it cannot be in time, nor if nothing is tried again */
	state = answered(503);
	state.loading_ms = 30001;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);
	state.loading_ms = 20;
	once.max_retries = 0;
	CHECK_INT(inf_http_retry_delay_ms(&once, &state, 0), HTTP_RETRY_NEVER);

	/* another status has no such thing */
	state.status = 404;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);
}

static void
test_backoff(void)
{
	HttpRetryPolicy eager = policy;
	HttpRetryState state = answered(500);

	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0.5), 75);
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0.999), 99);
	state.attempts = 2;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 100);
	state.attempts = 4;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 400);
	state.attempts = 5;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 500);
	state.attempts = 6;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);

	eager.max_retries = 0;
	state.attempts = 1;
	CHECK_INT(inf_http_retry_delay_ms(&eager, &state, 0), HTTP_RETRY_NEVER);

	eager.max_retries = PG_INT32_MAX;
	eager.initial_delay_ms = 0;
	state.attempts = 1000;
	CHECK_INT(inf_http_retry_delay_ms(&eager, &state, 0.9), 0);
	eager.initial_delay_ms = PG_INT32_MAX;
	eager.max_delay_ms = PG_INT32_MAX;
	eager.time_budget_ms = PG_INT64_MAX;
	CHECK_INT(inf_http_retry_delay_ms(&eager, &state, 0), PG_INT32_MAX / 2);
	eager.initial_delay_ms = 500;
	eager.max_delay_ms = 100;
	CHECK_INT(inf_http_retry_delay_ms(&eager, &state, 0), 50);
}

static void
test_asked_waits(void)
{
	HttpRetryState state = answered(429);

	state.retry_after_ms = 2000;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 2000);
	state.ratelimit_reset_ms = 9000;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 2000);
	state.retry_after_ms = -1;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 9000);
	state.retry_after_ms = 0;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 50);
	state.retry_after_ms = 10;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 50);

	state.retry_after_ms = 2000;
	state.status = 503;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 2000);
	state.status = 500;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 50);
	state.outcome = HTTP_CONNECTION_LOST;
	state.status = 503;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 50);
}

static void
test_time_budget(void)
{
	HttpRetryState state = answered(429);

	state.elapsed_ms = 29950;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 50);
	state.elapsed_ms = 29951;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);
	state.elapsed_ms = 40000;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);

	state.elapsed_ms = 0;
	state.retry_after_ms = 30000;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), 30000);
	state.retry_after_ms = 30001;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);
	state.retry_after_ms = PG_INT64_MAX;
	CHECK_INT(inf_http_retry_delay_ms(&policy, &state, 0), HTTP_RETRY_NEVER);
}

static void
test_reset_values(void)
{
	CHECK_INT(inf_http_parse_reset_ms("1s"), 1000);
	CHECK_INT(inf_http_parse_reset_ms("6m0s"), 360000);
	CHECK_INT(inf_http_parse_reset_ms("20ms"), 20);
	CHECK_INT(inf_http_parse_reset_ms("1h2m3.5s"), 3723500);
	CHECK_INT(inf_http_parse_reset_ms("17"), 17000);
	CHECK_INT(inf_http_parse_reset_ms("0"), 0);
	CHECK_INT(inf_http_parse_reset_ms("0s"), 0);
	CHECK_INT(inf_http_parse_reset_ms("1.5"), 1500);
	CHECK_INT(inf_http_parse_reset_ms("7.66s"), 7660);
	CHECK_INT(inf_http_parse_reset_ms("2m59.56s"), 179560);
	CHECK_INT(inf_http_parse_reset_ms("0.1s"), 100);
	CHECK_INT(inf_http_parse_reset_ms("1.0004s"), 1001);
	CHECK_INT(inf_http_parse_reset_ms("120\xc2\xb5s"), 1);
	CHECK_INT(inf_http_parse_reset_ms("500us"), 1);
	CHECK_INT(inf_http_parse_reset_ms("1d"), 86400000);
	CHECK_INT(inf_http_parse_reset_ms(" 20 "), 20000);

	CHECK_INT(inf_http_parse_reset_ms(""), -1);
	CHECK_INT(inf_http_parse_reset_ms(" "), -1);
	CHECK_INT(inf_http_parse_reset_ms("-1"), -1);
	CHECK_INT(inf_http_parse_reset_ms("+1"), -1);
	CHECK_INT(inf_http_parse_reset_ms("."), -1);
	CHECK_INT(inf_http_parse_reset_ms("s"), -1);
	CHECK_INT(inf_http_parse_reset_ms("1x"), -1);
	CHECK_INT(inf_http_parse_reset_ms("1s 2s"), -1);
	CHECK_INT(inf_http_parse_reset_ms("1m30"), -1);
	CHECK_INT(inf_http_parse_reset_ms("1.2.3"), -1);
	CHECK_INT(inf_http_parse_reset_ms("nan"), -1);
	CHECK_INT(inf_http_parse_reset_ms("2024-01-27T02:00:10Z"), -1);
	CHECK_INT(inf_http_parse_reset_ms("Wed, 21 Oct 2015 07:28:00 GMT"), -1);

	/* too long to matter, and not to overflow */
	CHECK_INT(inf_http_parse_reset_ms("99999999999999999999999999999999999"),
			  INT64CONST(100) * 366 * 24 * 3600 * 1000);
}

int
main(void)
{
	test_what_is_retried();
	test_final();
	test_loading();
	test_backoff();
	test_asked_waits();
	test_time_budget();
	test_reset_values();
	return check_done();
}
