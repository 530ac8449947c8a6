/*
 * test_flight_line.c
 *		A model of the requests of a statement: whatever a service answers, and
 *		in whatever order, the statement ends, and in bounded time.
 *
 * The line of those that wait (flight_line.c), what becomes of those that failed
 * (flight_fate.c) and when (http_retry.c) are the real ones; the service is all
 * sequences of answers of some length, each followed by more of one kind.  The
 * clock is a number.
 */
#include "postgres.h"

#include "http/http_retry.h"
#include "pipeline/flight_fate.h"
#include "pipeline/flight_line.h"

#include "check.h"

#define MAX_FLIGHTS 64
#define MAX_STEPS 2000
#define REQUEST_TIMEOUT_MS 30000
#define RETRY_TIMEOUT_MS 60000
#define MAX_MOVING 2

typedef enum Answer
{
	ANSWER_OK,
	ANSWER_400,
	ANSWER_429,
	ANSWER_500,
	ANSWER_502,
	ANSWER_TIMEOUT
} Answer;

#define ANSWER_KINDS 6

typedef struct ModelFlight
{
	FlightPlace place;
	int			ninputs;
	int			attempts;
	int64		first_start_ms;
	int64		start_ms;
	bool		was_sent;
} ModelFlight;

typedef struct Model
{
	FlightLine	line;
	ModelFlight flights[MAX_FLIGHTS];
	int			nflights;
	ModelFlight *moving[MAX_MOVING];
	int			nleft;			/* flights that have not landed */
	int64		now_ms;
	int64		progress_ms;
	int			nfailed_parts;
	int			nsteps;
	bool		gave_up;

	/* What the service answers */
	const Answer *answers;
	int			nanswers;
	Answer		then;
	bool		last_first;		/* the request that started last is answered first */
} Model;

static const HttpRetryPolicy policy = {
	.max_retries = 3,
	.initial_delay_ms = 1000,
	.max_delay_ms = 5000,
	.time_budget_ms = RETRY_TIMEOUT_MS
};

static ModelFlight *
add_flight(Model *model, int ninputs)
{
	ModelFlight *flight = &model->flights[model->nflights++];

	memset(flight, 0, sizeof(*flight));
	flight->ninputs = ninputs;
	model->nleft++;
	return flight;
}

static void
relaunch(Model *model, ModelFlight *flight, FlightQueue queue)
{
	flight->attempts = 0;
	flight->place.due_ms = 0;
	inf_line_push_first(&model->line, &flight->place, queue);
}

static void
halve(Model *model, ModelFlight *flight, FlightQueue queue)
{
	ModelFlight *second = add_flight(model, flight->ninputs / 2);

	second->was_sent = true;
	flight->ninputs -= second->ninputs;
	if (queue == FLIGHT_PART)
	{
		inf_line_make_part(&model->line, &flight->place);
		inf_line_make_part(&model->line, &second->place);
	}
	relaunch(model, second, queue);
	relaunch(model, flight, queue);
}

static FlightFailure
describe(const Model *model, const ModelFlight *flight, Answer answer)
{
	static const int statuses[] = {200, 400, 429, 500, 502, 0};
	HttpRetryState state = {
		.attempts = flight->attempts,
		.elapsed_ms = model->now_ms - flight->first_start_ms,
		.outcome = answer == ANSWER_TIMEOUT ? HTTP_TIMED_OUT : HTTP_ANSWERED,
		.status = statuses[answer],
		.retry_after_ms = answer == ANSWER_429 ? 2000 : -1,
		.ratelimit_reset_ms = -1
	};
	FlightFailure failure = {
		.is_refused = answer == ANSWER_400,
		.is_internal = answer == ANSWER_500,
		.is_timed_out = answer == ANSWER_TIMEOUT,
		.ninputs = flight->ninputs,
		.is_part = flight->place.is_part,
		.attempts = flight->attempts,
		.nfailed_parts = model->nfailed_parts,
		.may_resend = true,
		.retry_delay_ms = inf_http_retry_delay_ms(&policy, &state, 0.5),
		.is_stalled = model->now_ms - model->progress_ms >
			inf_flight_stall_ms(REQUEST_TIMEOUT_MS, RETRY_TIMEOUT_MS)
	};

	return failure;
}

static void
fail(Model *model, ModelFlight *flight, Answer answer)
{
	FlightFailure failure = describe(model, flight, answer);
	FlightQueue queue = flight->place.is_part ? FLIGHT_PART : FLIGHT_AGAIN;

	if (answer == ANSWER_429)
		model->line.hold_ms = model->now_ms + 2000;
	if (failure.is_internal && failure.is_part)
		model->nfailed_parts++;
	switch (inf_flight_fate(&failure))
	{
		case FLIGHT_RETRY:
			flight->place.due_ms = model->now_ms + failure.retry_delay_ms;
			inf_line_push_first(&model->line, &flight->place, queue);
			break;
		case FLIGHT_SPLIT:
		case FLIGHT_SEARCH:
			halve(model, flight, FLIGHT_PART);
			break;
		case FLIGHT_SEND_SMALLER:
			halve(model, flight, queue);
			break;
		case FLIGHT_GIVE_UP:
			model->gave_up = true;
			break;
		case FLIGHT_ASK_PLAINLY:
		case FLIGHT_CUT_TEXT:
			CHECK(!"nothing of the kind is on offer");
			break;
	}
}

static void
land(Model *model, ModelFlight *flight)
{
	if (flight->place.is_part)
		model->line.part_accepted = true;
	inf_line_end_part(&model->line, &flight->place);
	model->progress_ms = model->now_ms;
	model->nfailed_parts = 0;
	model->nleft--;
}

/* The next answer comes, to one of the requests that move. */
static void
arrive(Model *model)
{
	int			which = model->last_first ? model->line.nmoving - 1 : 0;
	ModelFlight *flight = model->moving[which];
	Answer		answer = model->nanswers > 0 ? *model->answers : model->then;

	if (model->nanswers > 0)
	{
		model->answers++;
		model->nanswers--;
	}
	for (int i = which; i + 1 < model->line.nmoving; i++)
		model->moving[i] = model->moving[i + 1];
	inf_line_stop(&model->line);
	if (answer == ANSWER_TIMEOUT)
		model->now_ms = Max(model->now_ms, flight->start_ms + REQUEST_TIMEOUT_MS);
	else
		model->now_ms += 10;
	if (answer == ANSWER_OK)
		land(model, flight);
	else
		fail(model, flight, answer);
}

static void
start(Model *model, FlightPlace *place)
{
	ModelFlight *flight = (ModelFlight *) place;

	inf_line_start(&model->line, place);
	model->moving[model->line.nmoving - 1] = flight;
	if (flight->attempts == 0)
		flight->first_start_ms = model->now_ms;
	if (!flight->was_sent)
		model->progress_ms = model->now_ms;
	flight->was_sent = true;
	flight->start_ms = model->now_ms;
	flight->attempts++;
}

/* One statement; false: it would wait for ever, or go on for too long. */
static bool
statement_ends(Model *model, const int *ninputs, int nflights)
{
	inf_line_init(&model->line);
	for (int i = 0; i < nflights; i++)
		inf_line_push(&model->line, &add_flight(model, ninputs[i])->place, FLIGHT_FRESH);
	while (model->nleft > 0 && !model->gave_up)
	{
		int64		wait_ms;
		FlightPlace *place = inf_line_next(&model->line, MAX_MOVING, model->now_ms, &wait_ms);

		if (++model->nsteps > MAX_STEPS)
			return false;
		if (place != NULL)
			start(model, place);
		else if (model->line.nmoving > 0)
			arrive(model);
		else if (wait_ms < 0)
			return false;
		else
			model->now_ms += wait_ms;

		/* the last request before the end may take its time, too */
		if (model->now_ms - model->progress_ms > RETRY_TIMEOUT_MS + 2 * REQUEST_TIMEOUT_MS + 5000)
			return false;
	}
	return true;
}

/* All sequences of answers of a length, each followed by each kind. */
static bool
all_sequences_end(int length, const int *ninputs, int nflights, bool last_first)
{
	Answer		answers[16];
	int64		nsequences = 1;

	for (int i = 0; i < length; i++)
		nsequences *= ANSWER_KINDS;
	for (int64 n = 0; n < nsequences * ANSWER_KINDS; n++)
	{
		static Model model;
		int64		rest = n / ANSWER_KINDS;

		memset(&model, 0, sizeof(model));
		for (int i = 0; i < length; i++, rest /= ANSWER_KINDS)
			answers[i] = rest % ANSWER_KINDS;
		model.answers = answers;
		model.nanswers = length;
		model.then = n % ANSWER_KINDS;
		model.last_first = last_first;
		if (!statement_ends(&model, ninputs, nflights))
		{
			printf("# stuck after");
			for (int i = 0; i < length; i++)
				printf(" %d", answers[i]);
			printf(", then %d, order %d\n", model.then, last_first);
			return false;
		}
	}
	return true;
}

static void
test_statements_end(void)
{
	static const int one[] = {4};
	static const int three[] = {4, 3, 1};
	static const int singles[] = {1, 1, 1};

	for (int last_first = 0; last_first <= 1; last_first++)
	{
		CHECK(all_sequences_end(7, one, 1, last_first));
		CHECK(all_sequences_end(7, three, 3, last_first));
		CHECK(all_sequences_end(6, singles, 3, last_first));
	}
}

/* What a service refuses is found with nothing else in flight. */
static void
test_order(void)
{
	FlightLine	line;
	FlightPlace fresh = {.due_ms = 0};
	FlightPlace again = {.due_ms = 500};
	FlightPlace part = {.due_ms = 900};
	int64		wait_ms;

	inf_line_init(&line);
	CHECK(inf_line_next(&line, 8, 0, &wait_ms) == NULL);
	CHECK_INT(wait_ms, -1);

	inf_line_push(&line, &fresh, FLIGHT_FRESH);
	inf_line_push(&line, &again, FLIGHT_AGAIN);
	CHECK(inf_line_next(&line, 8, 100, &wait_ms) == &fresh);
	CHECK(inf_line_next(&line, 8, 500, &wait_ms) == &again);

	/* a part that is not due yet keeps all others waiting, for a known time */
	inf_line_make_part(&line, &part);
	inf_line_push(&line, &part, FLIGHT_PART);
	CHECK(inf_line_next(&line, 8, 500, &wait_ms) == NULL);
	CHECK_INT(wait_ms, 400);
	CHECK(inf_line_next(&line, 8, 900, &wait_ms) == &part);
	inf_line_start(&line, &part);
	CHECK(inf_line_next(&line, 8, 900, &wait_ms) == NULL);
	CHECK_INT(wait_ms, -1);

	/* accepted: the others go on */
	line.part_accepted = true;
	CHECK(inf_line_next(&line, 8, 900, &wait_ms) == &again);
	inf_line_stop(&line);
	inf_line_end_part(&line, &part);

	/* the service asks for a pause */
	line.hold_ms = 2000;
	CHECK(inf_line_next(&line, 8, 900, &wait_ms) == NULL);
	CHECK_INT(wait_ms, 1100);
	CHECK(inf_line_next(&line, 8, 2000, &wait_ms) == &again);
}

/* A server that fails on everything is not searched for one bad text. */
static void
test_search_ends(void)
{
	static const int ninputs[] = {64};
	static Model model;

	model.then = ANSWER_500;
	CHECK(statement_ends(&model, ninputs, 1));
	CHECK(model.gave_up);
	CHECK_INT(model.nflights, 1 + INF_MAX_FAILED_PARTS);
	CHECK(model.now_ms < 5000);
}

int
main(void)
{
	test_order();
	test_search_ends();
	test_statements_end();
	return check_done();
}
