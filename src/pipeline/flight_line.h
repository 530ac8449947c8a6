/*
 * flight_line.h
 *		Which of the requests that wait may start, and when.
 *
 * Three queues.  Parts of requests that were refused come first, since what
 * the service refuses must be known before more is sent; then requests that
 * are to be sent again; then fresh ones, in order.
 *
 * Until a part was accepted, parts are sent one at a time and nothing else is:
 * a service that refuses one request probably refuses the next, too.
 *
 * The promise that the unit test holds it to: as long as something waits and
 * nothing moves, either something may start now, or a time is known when it may.
 *
 * Plain C and pure: times come in as arguments.
 */
#ifndef INFERENCE_PIPELINE_FLIGHT_LINE_H
#define INFERENCE_PIPELINE_FLIGHT_LINE_H

#include "postgres.h"

#include "lib/ilist.h"

typedef enum FlightQueue
{
	FLIGHT_PART,
	FLIGHT_AGAIN,
	FLIGHT_FRESH
} FlightQueue;

#define FLIGHT_QUEUES 3

/* What waits; part of whatever flies. */
typedef struct FlightPlace
{
	dlist_node	node;			/* of a queue, while it waits */
	int64		due_ms;			/* it may not start earlier */
	bool		is_part;		/* of a request that was refused */
} FlightPlace;

typedef struct FlightLine
{
	dlist_head	queues[FLIGHT_QUEUES];
	int			nmoving;
	int			nparts;			/* waiting or moving */
	bool		part_accepted;
	int64		hold_ms;		/* nothing may start earlier; 0: anything may */
} FlightLine;

extern void inf_line_init(FlightLine *line);

/* Lets something wait, at the end of a queue or at its head. */
extern void inf_line_push(FlightLine *line, FlightPlace *place,
						  FlightQueue queue);
extern void inf_line_push_first(FlightLine *line, FlightPlace *place,
								FlightQueue queue);

/*
 * What may start now, if up to max_moving may move; it stays in the line.  NULL:
 * nothing, and *wait_ms is the time until something may, or -1 if that depends
 * on something that moves, or nothing waits.
 */
extern FlightPlace *inf_line_next(const FlightLine *line, int max_moving,
								  int64 now_ms, int64 *wait_ms);

/* It starts: out of the line. */
extern void inf_line_start(FlightLine *line, FlightPlace *place);

/* It has come back, for good or ill. */
extern void inf_line_stop(FlightLine *line);

/* It is, or is not any more, a part of a request that was refused. */
extern void inf_line_make_part(FlightLine *line, FlightPlace *place);
extern void inf_line_end_part(FlightLine *line, FlightPlace *place);

#endif							/* INFERENCE_PIPELINE_FLIGHT_LINE_H */
