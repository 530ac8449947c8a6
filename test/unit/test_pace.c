/*
 * test_pace.c
 *		What servers of several kinds are asked at a time: how long a statement
 *		takes, and that no request runs out of its time.
 *
 * A small simulation: a server has some workers, and takes a time for each
 * request and for each text in it.  A client keeps as many requests in flight as
 * the pace allows, until all texts are answered; what runs out of time is sent
 * again in halves, as the exchange does.
 */
#include "postgres.h"

#include "pipeline/pace.h"

#include "check.h"

#define MAX_MOVING 8
#define MAX_INPUTS 2048
#define TIMEOUT_MS 30000
#define MAX_WORKERS 64

typedef struct Server
{
	int			nworkers;
	int64		request_ms;
	int64		input_ms;
	int			max_moving;		/* refuses more; 0: takes any number */
	int64		free_ms[MAX_WORKERS];	/* when each worker is done */
} Server;

typedef struct Request
{
	int			ninputs;
	int64		start_ms;
	int64		end_ms;
	bool		is_refused;
	bool		is_timed_out;
} Request;

typedef struct Outcome
{
	int64		took_ms;
	int			nrequests;
	int			ntimed_out;
	int			nrefused;
	int			max_moving;
	int			first_inputs;	/* of the first request */
} Outcome;

/* When the server will have answered; a worker takes requests in order. */
static void
serve(Server *server, Request *request, int nmoving)
{
	int64	   *worker = &server->free_ms[0];

	request->is_refused = server->max_moving > 0 && nmoving >= server->max_moving;
	if (request->is_refused)
	{
		request->end_ms = request->start_ms + server->request_ms;
		return;
	}
	for (int i = 1; i < server->nworkers; i++)
		if (server->free_ms[i] < *worker)
			worker = &server->free_ms[i];
	*worker = Max(*worker, request->start_ms) + server->request_ms +
		server->input_ms * request->ninputs;
	request->is_timed_out = *worker > request->start_ms + TIMEOUT_MS;
	request->end_ms = request->is_timed_out ? request->start_ms + TIMEOUT_MS : *worker;
}

static int
first_to_end(const Request *moving, int nmoving)
{
	int			first = 0;

	for (int i = 1; i < nmoving; i++)
		if (moving[i].end_ms < moving[first].end_ms)
			first = i;
	return first;
}

/* Takes in what ended; returns how many of its texts were answered. */
static int
end_request(Pace *pace, const Request *request, int nmoving, Outcome *outcome)
{
	outcome->ntimed_out += request->is_timed_out;
	outcome->nrefused += request->is_refused;
	if (request->is_timed_out)
		inf_pace_timed_out(pace, request->ninputs, request->start_ms,
						   request->end_ms, nmoving);
	else if (request->is_refused)
		inf_pace_refused(pace, request->start_ms, request->end_ms, nmoving);
	else
	{
		inf_pace_answered(pace, request->ninputs,
						  request->end_ms - request->start_ms, nmoving, TIMEOUT_MS);
		return request->ninputs;
	}
	return 0;
}

static Outcome
run(Server *server, Pace *pace, int ninputs, int max_inputs)
{
	Outcome		outcome = {0};
	Request		moving[MAX_MOVING];
	int			nmoving = 0;
	int			nwaiting = ninputs;
	int64		now = 0;

	memset(server->free_ms, 0, sizeof(server->free_ms));
	inf_pace_begin(pace);
	while (nwaiting > 0 || nmoving > 0)
	{
		int			first;

		while (nwaiting > 0 &&
			   nmoving < inf_pace_requests(pace, MAX_MOVING, TIMEOUT_MS))
		{
			Request    *request = &moving[nmoving];

			memset(request, 0, sizeof(*request));
			request->ninputs = Min(nwaiting, inf_pace_inputs(pace, max_inputs, TIMEOUT_MS));
			request->start_ms = now;
			nwaiting -= request->ninputs;
			serve(server, request, nmoving);
			if (outcome.nrequests++ == 0)
				outcome.first_inputs = request->ninputs;
			nmoving++;
			outcome.max_moving = Max(outcome.max_moving, nmoving);
		}
		first = first_to_end(moving, nmoving);
		now = moving[first].end_ms;
		nwaiting += moving[first].ninputs -
			end_request(pace, &moving[first], nmoving, &outcome);
		moving[first] = moving[--nmoving];
	}
	outcome.took_ms = now;
	return outcome;
}

/* Answers any number of requests at once, as hosted services do. */
static void
test_fast(void)
{
	Server		server = {.nworkers = MAX_WORKERS,.request_ms = 20};
	Pace		pace;
	Outcome		outcome;

	inf_pace_init(&pace);
	outcome = run(&server, &pace, 64 * 160, 64);
	CHECK_INT(outcome.max_moving, MAX_MOVING);
	CHECK_INT(outcome.nrequests, 160);

	/* 20 rounds of eight, and one for the first two */
	CHECK(outcome.took_ms <= 21 * 20);
	outcome = run(&server, &pace, 64 * 160, 64);
	CHECK_INT(outcome.took_ms, 20 * 20);

	/* As many texts as it takes, once it is known. */
	outcome = run(&server, &pace, MAX_INPUTS, MAX_INPUTS);
	CHECK_INT(outcome.nrequests, 1);
}

/* Takes its time, but for eight at once. */
static void
test_slow_parallel(void)
{
	Server		server = {.nworkers = MAX_WORKERS,.request_ms = 5000};
	Pace		pace;
	Outcome		outcome;

	inf_pace_init(&pace);
	outcome = run(&server, &pace, 64 * 160, 64);
	CHECK_INT(outcome.max_moving, MAX_MOVING);
	CHECK_INT(outcome.ntimed_out, 0);
	CHECK(outcome.took_ms <= 23 * 5000);
}

/* Works through requests one by one: 256 rows of a slow sparse model. */
static void
test_slow_serial(void)
{
	Server		server = {.nworkers = 1,.request_ms = 10};
	Pace		pace;
	Outcome		outcome;

	for (int input_ms = 1; input_ms <= 200; input_ms++)
	{
		server.input_ms = input_ms;
		inf_pace_init(&pace);
		outcome = run(&server, &pace, 2000, 32);
		if (outcome.ntimed_out > 0 ||
			outcome.took_ms > 2000 * (input_ms + 10) * 11 / 10)
			break;
		outcome = run(&server, &pace, 2000, MAX_INPUTS);
		if (outcome.ntimed_out > 0)
			break;
	}
	CHECK_INT(server.input_ms, 200);
	CHECK_INT(outcome.ntimed_out, 0);
}

/* A second a text: 64 of them run out of time, and then it knows better. */
static void
test_very_slow(void)
{
	Server		server = {.nworkers = 1,.request_ms = 10,.input_ms = 1000};
	Pace		pace;
	Outcome		outcome;

	inf_pace_init(&pace);
	outcome = run(&server, &pace, 200, MAX_INPUTS);
	CHECK_INT(outcome.first_inputs, 64);
	CHECK(outcome.ntimed_out <= 6);
	outcome = run(&server, &pace, 200, MAX_INPUTS);
	CHECK_INT(outcome.ntimed_out, 0);
}

/* Refuses more than three at a time with 429. */
static void
test_refusing(void)
{
	Server		server = {.nworkers = 3,.request_ms = 100,.max_moving = 3};
	Pace		pace;
	Outcome		outcome;

	inf_pace_init(&pace);
	outcome = run(&server, &pace, 64 * 300, 64);
	CHECK(outcome.nrefused < 300 / 8);
	CHECK(outcome.took_ms < 300 * 100 / 2);
}

/* One text a call tells little of what many texts take. */
static void
test_single_texts(void)
{
	Server		server = {.nworkers = MAX_WORKERS,.request_ms = 300};
	Pace		pace;
	Outcome		outcome;

	inf_pace_init(&pace);
	(void) run(&server, &pace, 64 * 40, 64);
	for (int i = 0; i < 20; i++)
		(void) run(&server, &pace, 1, 64);
	outcome = run(&server, &pace, 64 * 40, 64);
	CHECK_INT(outcome.nrequests, 40);
	CHECK_INT(outcome.took_ms, 5 * 300);
}

/* Never less than one, whatever happens. */
static void
test_bounds(void)
{
	Pace		pace;

	inf_pace_init(&pace);
	for (int i = 0; i < 100; i++)
		inf_pace_timed_out(&pace, 1, i * 1000, i * 1000 + 1000, 1);
	CHECK_INT(inf_pace_requests(&pace, 8, 1), 1);
	CHECK_INT(inf_pace_inputs(&pace, 64, 1), 1);
	for (int i = 0; i < 1000000; i++)
		inf_pace_answered(&pace, 1, 0, 256, 1000);
	CHECK_INT(inf_pace_requests(&pace, 256, 1000), 256);
	CHECK_INT(inf_pace_inputs(&pace, 2048, 1000), 250);
	CHECK_INT(inf_pace_requests(&pace, 1, 1000), 1);
}

int
main(void)
{
	test_fast();
	test_slow_parallel();
	test_slow_serial();
	test_very_slow();
	test_refusing();
	test_single_texts();
	test_bounds();
	return check_done();
}
