/*
 * flight_fate.c
 *		Decides what becomes of a request that has failed.
 */
#include "postgres.h"

#include "http/http_retry.h"
#include "pipeline/flight_fate.h"

/* The service does not take it, whenever it is sent. */
static FlightFate
fate_of_refused(const FlightFailure *failure)
{
	if (failure->ninputs > 1)
		return FLIGHT_SPLIT;
	if (failure->is_too_long && failure->can_be_cut)
		return FLIGHT_CUT_TEXT;
	return FLIGHT_GIVE_UP;
}

/*
 * Some servers fail on one text that they cannot work with.  What fails twice
 * is searched for it: breadth first, so that the first half that is answered
 * shows that the server works.
 */
static bool
is_worth_a_search(const FlightFailure *failure)
{
	return failure->is_internal && failure->ninputs > 1 &&
		failure->may_resend &&
		(failure->is_part || failure->attempts > 1);
}

FlightFate
inf_flight_fate(const FlightFailure *failure)
{
	if (failure->is_stalled)
		return FLIGHT_GIVE_UP;
	if (failure->has_plain_form)
		return FLIGHT_ASK_PLAINLY;
	if (failure->names_input)
		return FLIGHT_GIVE_UP;
	if (failure->is_refused)
		return fate_of_refused(failure);
	if (failure->is_timed_out && failure->ninputs > 1 && failure->may_resend)
		return FLIGHT_SEND_SMALLER;
	if (failure->is_internal &&
		failure->nfailed_parts >= INF_MAX_FAILED_PARTS)
		return FLIGHT_GIVE_UP;
	if (is_worth_a_search(failure))
		return FLIGHT_SEARCH;
	if (failure->is_internal && failure->is_part && failure->attempts > 1)
		return FLIGHT_GIVE_UP;
	return failure->retry_delay_ms == HTTP_RETRY_NEVER ? FLIGHT_GIVE_UP :
		FLIGHT_RETRY;
}

int64
inf_flight_stall_ms(int request_timeout_ms, int retry_timeout_ms)
{
	return (int64) request_timeout_ms + retry_timeout_ms;
}
