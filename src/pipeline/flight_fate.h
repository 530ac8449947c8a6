/*
 * flight_fate.h
 *		Decides what becomes of a request that has failed.
 *
 * Plain C and pure.  Each way out is one that a request can take only so often:
 * halves get smaller, texts shorter, retries fewer; and nothing is sent again
 * once nothing has come of it for too long.  So a statement always ends.
 */
#ifndef INFERENCE_PIPELINE_FLIGHT_FATE_H
#define INFERENCE_PIPELINE_FLIGHT_FATE_H

#include "postgres.h"

/*
 * A service that fails on so many parts in a row fails on all that it is sent;
 * it is not worth looking for the text that it fails on.
 */
#define INF_MAX_FAILED_PARTS 6

typedef struct FlightFailure
{
	/* What happened */
	bool		is_refused;		/* the service does not take what was sent */
	bool		is_too_long;	/* and says that it is for its length */
	bool		is_internal;	/* 500: may be for what was sent, may pass */
	bool		is_timed_out;
	bool		names_input;	/* the answer shows which text it is about */

	/* What was sent */
	int			ninputs;
	bool		is_part;		/* of a request that was refused */
	bool		has_plain_form; /* its form may be why; there is another */
	bool		can_be_cut;		/* its one text is long enough */

	/* How often, and what is left to try */
	int			attempts;
	int			nfailed_parts;	/* internally, since anything was answered */
	bool		may_resend;		/* retries are allowed at all */
	int64		retry_delay_ms; /* or HTTP_RETRY_NEVER */
	bool		is_stalled;		/* nothing was answered for too long */
} FlightFailure;

typedef enum FlightFate
{
	FLIGHT_GIVE_UP,
	FLIGHT_RETRY,				/* the same, after retry_delay_ms */
	FLIGHT_ASK_PLAINLY,			/* for plain numbers */
	FLIGHT_SPLIT,				/* in halves, before all others */
	FLIGHT_SEARCH,				/* in halves, after other parts */
	FLIGHT_SEND_SMALLER,		/* in pieces that it can answer in time */
	FLIGHT_CUT_TEXT				/* half of its text */
} FlightFate;

extern FlightFate inf_flight_fate(const FlightFailure *failure);

/*
 * Longest time, from an answer or a first attempt on, after which nothing is
 * sent again: what the last of the retries may take.
 */
extern int64 inf_flight_stall_ms(int request_timeout_ms, int retry_timeout_ms);

#endif							/* INFERENCE_PIPELINE_FLIGHT_FATE_H */
