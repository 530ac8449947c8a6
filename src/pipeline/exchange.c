/*
 * exchange.c
 *		Sends batches to a service and gathers their answers.
 *
 * The only loop that waits for the network.  Transfers live outside of
 * PostgreSQL's memory: an error that passes over takes them along, an interrupt
 * that throws nothing leaves them moving.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "http/http_retry.h"
#include "http/http_transport.h"
#include "http/http_url.h"
#include "pipeline/clock.h"
#include "pipeline/exchange.h"
#include "pipeline/rate_limit.h"

/* As Elasticsearch: bounds of 1, 2, 4, 5, 5 ... seconds. */
#define INITIAL_RETRY_DELAY_MS 1000
#define MAX_RETRY_DELAY_MS 5000

/* Longest text of an answer that is quoted when it is not JSON. */
#define MAX_QUOTED_BYTES 200

typedef enum FlightState
{
	FLIGHT_WAITING,				/* until not_before_ms */
	FLIGHT_MOVING,
	FLIGHT_LANDED
} FlightState;

/* One batch on its way. */
typedef struct Flight
{
	/* What it carries */
	InferenceCall call;
	InferenceEmbedding *results;
	HttpRequest request;

	/* How far it is */
	FlightState state;
	HttpTransfer *transfer;		/* while moving, else NULL */
	int			attempts;
	int64		first_start_ms;
	int64		not_before_ms;
} Flight;

typedef struct Exchange
{
	const InferenceServiceOps *service;
	const InferenceModel *model;
	const char *url;
	char		host[INF_HTTP_ORIGIN_BYTES];
	HttpOptions options;
	HttpRetryPolicy retry;

	Flight	   *flights;
	int			nflights;
	int			nmoving;
	int			nlanded;

	/*
	 * All before it have landed or are moving: where to look for one that
	 * may start.
	 */
	int			first_waiting;
} Exchange;

/*
 * ----------
 * Setting up
 * ----------
 */

/* Frees what still moves. */
static void
abandon_flights(Exchange *exchange)
{
	for (int i = 0; i < exchange->nflights; i++)
	{
		Flight	   *flight = &exchange->flights[i];

		if (flight->transfer)
			inf_http_free_transfer(flight->transfer);
		flight->transfer = NULL;
	}
}

static void
set_limits(Exchange *exchange)
{
	exchange->options.connect_timeout_ms = inf_guc_connect_timeout;
	exchange->options.total_timeout_ms = inf_guc_request_timeout;
	exchange->options.max_response_bytes = (size_t) inf_guc_max_response_size * 1024;
	exchange->options.ca_bundle = inf_guc_ca_bundle;
	exchange->options.proxy = inf_guc_proxy;
	exchange->options.guard.allowed_hosts = inf_guc_allowed_hosts;
	exchange->options.guard.allow_private_addresses =
		inf_guc_allow_private_addresses;

	exchange->retry.max_retries = inf_guc_max_retries;
	exchange->retry.initial_delay_ms = INITIAL_RETRY_DELAY_MS;
	exchange->retry.max_delay_ms = MAX_RETRY_DELAY_MS;
	exchange->retry.time_budget_ms = inf_guc_retry_timeout;
}

static void
plan_flights(Exchange *exchange, Jsonb *task_settings,
			 const InferenceInput *inputs, int ninputs,
			 InferenceEmbedding *results)
{
	int			max_inputs = exchange->service->max_batch_inputs;
	InferenceBatch *batches;

	if (inf_guc_max_batch_inputs > 0)
		max_inputs = Min(max_inputs, inf_guc_max_batch_inputs);
	exchange->nflights = inf_batch_cut(inputs, ninputs, max_inputs, &batches);
	exchange->flights = palloc0(sizeof(Flight) * exchange->nflights);
	for (int i = 0; i < exchange->nflights; i++)
	{
		Flight	   *flight = &exchange->flights[i];

		flight->call.model = exchange->model;
		flight->call.task_settings = task_settings;
		flight->call.inputs = &inputs[batches[i].first];
		flight->call.ninputs = batches[i].ninputs;
		flight->results = &results[batches[i].first];
		flight->not_before_ms = -1;
	}
}

static Exchange *
create_exchange(const InferenceServiceOps *service,
				const InferenceModel *model, const char *url)
{
	Exchange   *exchange = palloc0(sizeof(Exchange));

	exchange->service = service;
	exchange->model = model;
	exchange->url = url;
	if (!inf_http_url_host(url, exchange->host))
		strlcpy(exchange->host, "an invalid url", sizeof(exchange->host));
	set_limits(exchange);
	return exchange;
}

/*
 * ----------
 * Faults
 * ----------
 */

static InferenceFaultKind
kind_of_outcome(HttpOutcome outcome)
{
	switch (outcome)
	{
		case HTTP_UNKNOWN_HOST:
			return INF_FAULT_UNKNOWN_HOST;
		case HTTP_ADDRESS_REFUSED:
			return INF_FAULT_ADDRESS_REFUSED;
		case HTTP_TLS_FAILED:
			return INF_FAULT_TLS;
		case HTTP_TIMED_OUT:
			return INF_FAULT_TIMEOUT;
		case HTTP_TOO_LARGE:
			return INF_FAULT_TOO_LARGE;
		case HTTP_PENDING:
		case HTTP_ANSWERED:
		case HTTP_CANNOT_CONNECT:
		case HTTP_CONNECTION_LOST:
		case HTTP_FAILED:
			break;
	}
	return INF_FAULT_CONNECT;
}

/* The start of a plain text answer, which some proxies give; else NULL. */
static char *
quote_plain_text(const HttpResponse *response)
{
	char	   *text;

	if (strncmp(response->content_type, "text/plain", 10) != 0 ||
		response->body_bytes == 0)
		return NULL;
	text = pnstrdup(response->body, Min(response->body_bytes, MAX_QUOTED_BYTES));
	for (char *c = text; *c; c++)
		if ((unsigned char) *c < 0x20 || (unsigned char) *c > 0x7e)
			*c = ' ';
	return text;
}

/* What the service says is wrong, in memory that outlives scratch; or NULL. */
static char *
read_error_words(const Exchange *exchange, const HttpResponse *response,
				 MemoryContext scratch)
{
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	char	   *words = exchange->service->parse_error(response);

	if (words == NULL)
		words = quote_plain_text(response);
	MemoryContextSwitchTo(caller);
	return words ? pstrdup(words) : NULL;
}

/* Reads what came; true if it holds the embeddings. */
static bool
read_answer(const Exchange *exchange, Flight *flight, InferenceFault *fault)
{
	const HttpResponse *response = inf_http_response(flight->transfer);
	const char *words;

	if (response->outcome != HTTP_ANSWERED)
	{
		fault->kind = kind_of_outcome(response->outcome);
		if (response->detail[0])
			fault->message = pstrdup(response->detail);
		return false;
	}
	if (response->status < 200 || response->status > 299)
	{
		words = read_error_words(exchange, response, flight->call.scratch);
		inf_fault_set(fault, inf_fault_of_status(response->status),
					  words ? "HTTP status %d: %s" : "HTTP status %d",
					  response->status, words);
		return false;
	}
	if (exchange->service->parse_response(&flight->call, exchange->url, response,
										  flight->results, fault))
		return true;
	words = read_error_words(exchange, response, flight->call.scratch);
	if (words)
		fault->message = psprintf("%s; the service says: %s",
								  fault->message, words);
	return false;
}

/*
 * ----------
 * Flying
 * ----------
 */

static void
start_flight(Exchange *exchange, Flight *flight, int64 now)
{
	if (flight->request.body == NULL)
		exchange->service->build_request(&flight->call, exchange->url,
										 &flight->request);
	if (flight->attempts == 0)
		flight->first_start_ms = now;
	flight->transfer = inf_http_start_transfer(&flight->request,
											   &exchange->options, flight);
	if (flight->transfer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Could not start a request to %s.", exchange->host)));
	flight->attempts++;
	flight->state = FLIGHT_MOVING;
	exchange->nmoving++;
}

/*
 * Starts what may start.  Returns the milliseconds until the next flight may,
 * or -1 if none is waiting for time to pass.
 */
static long
start_due_flights(Exchange *exchange)
{
	int64		now = inf_now_ms();
	int64		next = -1;
	bool		all_started = true;

	for (int i = exchange->first_waiting; i < exchange->nflights; i++)
	{
		Flight	   *flight = &exchange->flights[i];

		if (exchange->nmoving >= inf_guc_max_concurrent_requests)
			return -1;
		if (flight->state == FLIGHT_WAITING)
		{
			if (flight->not_before_ms < 0)
				flight->not_before_ms = inf_rate_limit_take(exchange->model, now);
			if (flight->not_before_ms <= now)
				start_flight(exchange, flight, now);
			else
			{
				next = next < 0 ? flight->not_before_ms : Min(next, flight->not_before_ms);
				all_started = false;
			}

			/* Behind one that waits for its turn, all wait longer. */
			if (!all_started && flight->attempts == 0)
				break;
		}
		if (all_started)
			exchange->first_waiting = i + 1;
	}
	return next < 0 ? -1 : (long) (next - now);
}

static int64
retry_delay(const Exchange *exchange, const Flight *flight,
			const HttpResponse *response, const InferenceFault *fault)
{
	HttpRetryState state = {
		.attempts = flight->attempts,
		.elapsed_ms = inf_now_ms() - flight->first_start_ms,
		.outcome = response->outcome,
		.status = response->status,
		.unreadable = fault->kind == INF_FAULT_BAD_ANSWER,
		.retry_after_ms = response->retry_after_ms,
		.ratelimit_reset_ms = response->ratelimit_reset_ms
	};

	return inf_http_retry_delay_ms(&exchange->retry, &state,
								   inf_random_fraction());
}

static void
finish_flight(Exchange *exchange, Flight *flight)
{
	InferenceFault fault = {INF_FAULT_NONE, NULL};
	int64		delay = HTTP_RETRY_NEVER;
	int64		now = inf_now_ms();
	bool		landed;

	/* Trees of JSON are many times as large as the vectors in them. */
	flight->call.scratch = AllocSetContextCreate(CurrentMemoryContext,
												 "inference answer",
												 ALLOCSET_DEFAULT_SIZES);
	landed = read_answer(exchange, flight, &fault);
	MemoryContextDelete(flight->call.scratch);
	if (!landed)
		delay = retry_delay(exchange, flight,
							inf_http_response(flight->transfer), &fault);
	inf_http_free_transfer(flight->transfer);
	flight->transfer = NULL;
	exchange->nmoving--;

	if (landed)
	{
		flight->state = FLIGHT_LANDED;
		exchange->nlanded++;
		pfree(unconstify(char *, flight->request.body));
		return;
	}
	if (delay == HTTP_RETRY_NEVER)
		inf_error_throw_fault(exchange->model, &fault, exchange->host,
							  flight->attempts);
	flight->state = FLIGHT_WAITING;
	flight->not_before_ms = Max(now + delay,
								inf_rate_limit_take(exchange->model, now));
	exchange->first_waiting = Min(exchange->first_waiting,
								  (int) (flight - exchange->flights));
}

/* Starts what may start, waits for something to happen, takes what landed. */
static void
move_flights(Exchange *exchange)
{
	long		timeout = start_due_flights(exchange);
	HttpTransfer *transfer;

	if (inf_http_wait(timeout) == HTTP_WAIT_INTERRUPTED)
		CHECK_FOR_INTERRUPTS();
	while ((transfer = inf_http_next_finished()) != NULL)
		finish_flight(exchange, inf_http_transfer_owner(transfer));
}

void
inf_exchange_run(const InferenceServiceOps *service,
				 const InferenceModel *model, const char *url,
				 Jsonb *task_settings,
				 const InferenceInput *inputs, int ninputs,
				 InferenceEmbedding *results)
{
	Exchange   *exchange = create_exchange(service, model, url);

	plan_flights(exchange, task_settings, inputs, ninputs, results);

	/*
	 * Not left to a callback of the memory context: a block that catches the
	 * error may keep that memory, and a transfer that finishes later would be
	 * taken for one of the next call.
	 */
	PG_TRY();
	{
		while (exchange->nlanded < exchange->nflights)
			move_flights(exchange);
	}
	PG_FINALLY();
	{
		abandon_flights(exchange);
	}
	PG_END_TRY();
}
