/*
 * flight_line.c
 *		Which of the requests that wait may start, and when.
 */
#include "postgres.h"

#include "pipeline/flight_line.h"

void
inf_line_init(FlightLine *line)
{
	memset(line, 0, sizeof(FlightLine));
	for (int i = 0; i < FLIGHT_QUEUES; i++)
		dlist_init(&line->queues[i]);
}

void
inf_line_push(FlightLine *line, FlightPlace *place, FlightQueue queue)
{
	dlist_push_tail(&line->queues[queue], &place->node);
}

void
inf_line_push_first(FlightLine *line, FlightPlace *place, FlightQueue queue)
{
	dlist_push_head(&line->queues[queue], &place->node);
}

/* Only parts are sent, one at a time. */
static bool
is_searching(const FlightLine *line)
{
	return line->nparts > 0 && !line->part_accepted;
}

/* The first that is due; else notes in *next_ms when one will be. */
static FlightPlace *
first_due(const dlist_head *queue, int64 now_ms, bool head_only, int64 *next_ms)
{
	dlist_iter	it;

	dlist_foreach(it, unconstify(dlist_head *, queue))
	{
		FlightPlace *place = dlist_container(FlightPlace, node, it.cur);

		if (place->due_ms <= now_ms)
			return place;
		if (*next_ms < 0 || place->due_ms < *next_ms)
			*next_ms = place->due_ms;
		if (head_only)
			break;
	}
	return NULL;
}

static bool
is_empty(const FlightLine *line, int nqueues)
{
	for (int i = 0; i < nqueues; i++)
		if (!dlist_is_empty(unconstify(dlist_head *, &line->queues[i])))
			return false;
	return true;
}

FlightPlace *
inf_line_next(const FlightLine *line, int max_moving, int64 now_ms,
			  int64 *wait_ms)
{
	int			nqueues = is_searching(line) ? 1 : FLIGHT_QUEUES;
	int64		next_ms = -1;
	FlightPlace *place;

	*wait_ms = -1;
	if (line->nmoving >= (is_searching(line) ? 1 : max_moving) ||
		is_empty(line, nqueues))
		return NULL;
	if (line->hold_ms > now_ms)
	{
		*wait_ms = line->hold_ms - now_ms;
		return NULL;
	}
	for (int i = 0; i < nqueues; i++)
	{
		/* fresh ones keep their order */
		place = first_due(&line->queues[i], now_ms, i == FLIGHT_FRESH, &next_ms);
		if (place != NULL)
			return place;
	}
	*wait_ms = next_ms - now_ms;
	return NULL;
}

void
inf_line_start(FlightLine *line, FlightPlace *place)
{
	dlist_delete(&place->node);
	line->nmoving++;
}

void
inf_line_stop(FlightLine *line)
{
	line->nmoving--;
}

void
inf_line_make_part(FlightLine *line, FlightPlace *place)
{
	if (!place->is_part)
		line->nparts++;
	place->is_part = true;
}

void
inf_line_end_part(FlightLine *line, FlightPlace *place)
{
	if (place->is_part)
		line->nparts--;
	place->is_part = false;
}
