/*
 * pace.c
 *		How much a server is asked at a time.
 */
#include "postgres.h"

#include "pipeline/pace.h"

/* What a server is sent of which nothing is known. */
#define FIRST_REQUESTS 2
#define FIRST_INPUTS 64

/*
 * What is sent at a time should take at most this fraction (1/4) of the request
 * timeout.  What took half of that may be doubled.
 */
#define TIME_SHARE 4

/* What earlier answers keep of their weight when another one is added. */
#define MEMORY 0.5

/* Once overloaded, a server gets one more after this many windows of answers. */
#define CREEP 8

/* Answers that take this much longer than the best show a queue. */
#define QUEUE_FACTOR 1.5

void
inf_pace_init(Pace *pace)
{
	memset(pace, 0, sizeof(Pace));
	pace->window = FIRST_REQUESTS;
}

void
inf_pace_begin(Pace *pace)
{
	pace->best_ms_per_input = 0;
}

static double
ms_per_input(const Pace *pace)
{
	return Max(pace->sum_ms, 1) / pace->sum_inputs;
}

static int
clamp(double value, int max)
{
	return value < 1 ? 1 : value < max ? (int) value : max;
}

/*
 * The requests that one after the other would be answered in a part of the
 * time, if there are no more texts in them than now.
 */
static double
requests_in_turn(const Pace *pace, int max_inputs, int timeout_ms)
{
	int			ninputs = inf_pace_inputs(pace, max_inputs, timeout_ms);

	return timeout_ms / TIME_SHARE / (ms_per_input(pace) * ninputs);
}

int
inf_pace_requests(const Pace *pace, int max, int timeout_ms)
{
	double		window = pace->window;

	/* once it was too much, only what is seen counts */
	if (pace->sum_ms > 0 && !pace->was_overloaded)
		window = Max(window, requests_in_turn(pace, FIRST_INPUTS, timeout_ms));
	return clamp(window, max);
}

int
inf_pace_inputs(const Pace *pace, int max, int timeout_ms)
{
	if (pace->sum_ms == 0)
		return clamp(FIRST_INPUTS, max);

	/*
	 * What an answer takes whatever is in the request makes small requests
	 * look slow; so twice of what went well goes well, too.
	 */
	return clamp(Max(timeout_ms / TIME_SHARE / ms_per_input(pace),
					 2.0 * pace->good_inputs), max);
}

static void
add_time(Pace *pace, int ninputs, int64 took_ms)
{
	pace->sum_ms = pace->sum_ms * MEMORY + Max(took_ms, 1);
	pace->sum_inputs = pace->sum_inputs * MEMORY + ninputs;
}

void
inf_pace_answered(Pace *pace, int ninputs, int64 took_ms, int nmoving,
				  int timeout_ms)
{
	double		this_ms = (double) Max(took_ms, 1) / ninputs;

	add_time(pace, ninputs, took_ms);
	if (took_ms <= timeout_ms / TIME_SHARE / 2)
		pace->good_inputs = Max(pace->good_inputs, ninputs);
	if (pace->best_ms_per_input == 0 || this_ms < pace->best_ms_per_input)
		pace->best_ms_per_input = this_ms;

	/* It grows if all of it was used, and answers did not take longer. */
	if (nmoving < (int) pace->window ||
		this_ms > QUEUE_FACTOR * pace->best_ms_per_input)
		return;
	pace->window += pace->was_overloaded ? 1 / (CREEP * pace->window) : 1;
}

/* Requests that were sent before the last halving tell nothing new. */
static void
halve(Pace *pace, int64 started_ms, int64 now_ms, int nmoving)
{
	if (pace->was_overloaded && started_ms < pace->overload_ms)
		return;
	pace->window = Max(nmoving / 2, 1);
	pace->was_overloaded = true;
	pace->overload_ms = now_ms;
}

void
inf_pace_refused(Pace *pace, int64 started_ms, int64 now_ms, int nmoving)
{
	halve(pace, started_ms, now_ms, nmoving);
}

void
inf_pace_timed_out(Pace *pace, int ninputs, int64 started_ms, int64 now_ms,
				   int nmoving)
{
	halve(pace, started_ms, now_ms, nmoving);
	add_time(pace, ninputs, now_ms - started_ms);
	pace->good_inputs = Min(pace->good_inputs, ninputs / 4);
}
