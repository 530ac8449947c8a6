/*
 * pace.h
 *		How much a server is asked at a time.
 *
 * Servers do not say how they work: some answer any number of requests at
 * once, some work through them one after the other, and then the last of many
 * waits until its time has run out.  So a server that is not known yet is
 * asked little.  From its answers follows what it certainly manages in a part
 * of the time that a request may take, even one after the other; beyond that,
 * requests in flight grow as long as answers do not take longer for it.  A
 * request that ran out of time, and a rate limit, halve what is in flight.
 *
 * Plain C and pure: times come in as arguments.
 */
#ifndef INFERENCE_PIPELINE_PACE_H
#define INFERENCE_PIPELINE_PACE_H

#include "postgres.h"

typedef struct Pace
{
	/* What answers took of late: sums in which older ones count for less */
	double		sum_ms;			/* 0: nothing is known yet */
	double		sum_inputs;

	/* Requests in flight */
	double		window;
	double		best_ms_per_input;	/* of the statement; 0: none yet */
	bool		was_overloaded;
	int64		overload_ms;	/* when it was noticed last */

	/* Most texts that were answered in a part of the time; 0: none were */
	int			good_inputs;
} Pace;

/* For a server that nothing is known of. */
extern void inf_pace_init(Pace *pace);

/* A statement begins: its texts may be longer than those before. */
extern void inf_pace_begin(Pace *pace);

/* Most requests in flight, 1 to max, if each may take timeout_ms. */
extern int	inf_pace_requests(const Pace *pace, int max, int timeout_ms);

/* Most texts in a request, 1 to max, if it may take timeout_ms. */
extern int	inf_pace_inputs(const Pace *pace, int max, int timeout_ms);

/* Takes note of an answer, after took_ms, to one of nmoving requests. */
extern void inf_pace_answered(Pace *pace, int ninputs, int64 took_ms,
							  int nmoving, int timeout_ms);

/*
 * Takes note that a request, one of nmoving, was refused for want of capacity.
 */
extern void inf_pace_refused(Pace *pace, int64 started_ms, int64 now_ms,
							 int nmoving);

/* Takes note that the time of a request, one of nmoving, ran out. */
extern void inf_pace_timed_out(Pace *pace, int ninputs, int64 started_ms,
							   int64 now_ms, int nmoving);

#endif							/* INFERENCE_PIPELINE_PACE_H */
