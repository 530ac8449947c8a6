/*
 * exchange_flight.c
 *		Requests of an exchange on their way: sent, landed, sent again.
 *
 * What a service refuses (400, 413, 422), or fails on again and again (500), is
 * sent in halves, so that one bad text can be named, and a limit on the number
 * of texts is found.  What it could not answer in time is sent in smaller
 * pieces.  One text that is too long is cut, by half and again, as
 * Elasticsearch does.  flight_fate.c decides which.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/compat.h"
#include "base/errors.h"
#include "pipeline/batch.h"
#include "pipeline/clock.h"
#include "pipeline/exchange_flight.h"
#include "pipeline/flight_fate.h"
#include "pipeline/rate_limit.h"
#include "pipeline/wait_notice.h"
#include "service/reply_error.h"

/* A text is not cut to less: what refuses that, refuses something else. */
#define MIN_CUT_BYTES 64

Flight *
inf_flight_create(ExchangeBatch *batch, const InferenceInput *inputs,
				  int ninputs, InferenceEmbedding *results)
{
	Exchange   *exchange = batch->exchange;
	Flight	   *flight = MemoryContextAllocZero(batch->context, sizeof(Flight));

	flight->exchange = exchange;
	flight->batch = batch;
	flight->call.model = exchange->model;
	flight->call.task_settings = exchange->task_settings;
	flight->call.inputs = inputs;
	flight->call.ninputs = ninputs;
	flight->results = results;
	batch->nleft++;
	return flight;
}

/* Leaves a flight its first texts; those after them fly by themselves. */
static Flight *
take_rest(Flight *flight, int nfirst)
{
	Flight	   *rest = inf_flight_create(flight->batch,
										 flight->call.inputs + nfirst,
										 flight->call.ninputs - nfirst,
										 flight->results + nfirst);

	rest->asks_plainly = flight->asks_plainly;
	rest->landed_before = flight->landed_before;
	rest->was_sent = flight->was_sent;
	rest->max_inputs = flight->max_inputs;
	flight->call.ninputs = nfirst;
	if (flight->place.is_part)
		inf_line_make_part(&flight->exchange->line, &rest->place);
	return rest;
}

/*
 * ----------
 * Starting
 * ----------
 */

/* Leaves in the line what is too much for one request. */
static void
limit_inputs(Flight *flight)
{
	const Exchange *exchange = flight->exchange;
	int			max = inf_pace_inputs(&exchange->endpoint->pace,
									  inf_exchange_max_inputs(exchange),
									  exchange->options.total_timeout_ms);
	int			nfirst;

	if (flight->max_inputs > 0)
		max = Min(max, flight->max_inputs);
	nfirst = inf_batch_fitting(flight->call.inputs, flight->call.ninputs, max,
							   exchange->service->max_batch_tokens);
	if (nfirst < flight->call.ninputs)
		dlist_insert_after(&flight->place.node,
						   &take_rest(flight, nfirst)->place.node);
}

static void
build_request(Flight *flight)
{
	Exchange   *exchange = flight->exchange;

	if (flight->request.body == NULL)
	{
		limit_inputs(flight);
		inf_encoding_choose(exchange->encoding, exchange->service, &flight->call,
							flight->asks_plainly || exchange->asks_plainly);
		exchange->service->build_request(&flight->call, exchange->url,
										 &flight->request);
	}
	if (flight->reader == NULL)
		flight->reader = inf_reply_create(&flight->call,
										  exchange->service->reply_shape(&flight->call, exchange->url),
										  flight->results);
	flight->request.sink.begin = inf_reply_begin;
	flight->request.sink.take = inf_reply_take;
	flight->request.sink.state = flight->reader;
}

void
inf_flight_start(Flight *flight, int64 now_ms)
{
	Exchange   *exchange = flight->exchange;
	MemoryContext caller = MemoryContextSwitchTo(flight->batch->context);

	build_request(flight);
	if (flight->attempts == 0)
		flight->first_start_ms = now_ms;
	if (!flight->was_sent)
		exchange->progress_ms = now_ms;
	flight->was_sent = true;
	flight->start_ms = now_ms;
	flight->transfer = inf_http_start_transfer(&flight->request,
											   &exchange->options, flight);
	if (flight->transfer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Could not start a request of inference model \"%s\".",
						   exchange->model->model_id)));
	flight->attempts++;
	exchange->counters.requests++;
	exchange->counters.bytes_sent += flight->request.body_bytes;
	inf_line_start(&exchange->line, &flight->place);
	dlist_push_tail(&exchange->moving, &flight->place.node);
	MemoryContextSwitchTo(caller);
}

/*
 * ----------
 * Landing
 * ----------
 */

/* Remembers in what way the service took what it had refused. */
static void
learn(const Flight *flight)
{
	Exchange   *exchange = flight->exchange;

	inf_encoding_learn(exchange->encoding, &flight->call, flight->results,
					   flight->asks_plainly && !flight->place.is_part);
	if (flight->place.is_part)
	{
		exchange->line.part_accepted = true;
		exchange->accepted_part = Max(exchange->accepted_part,
									  flight->call.ninputs);
	}
}

static void
end_transfer(Flight *flight)
{
	inf_http_free_transfer(flight->transfer);
	flight->transfer = NULL;
	inf_reply_free(flight->reader);
	flight->reader = NULL;
}

static void
land(Flight *flight)
{
	Exchange   *exchange = flight->exchange;
	int64		now_ms = inf_now_ms();

	for (int i = 0; flight->is_cut && i < flight->call.ninputs; i++)
		flight->results[i].is_truncated = true;
	learn(flight);
	inf_pace_answered(&exchange->endpoint->pace, flight->call.ninputs,
					  now_ms - flight->start_ms, exchange->line.nmoving + 1,
					  exchange->options.total_timeout_ms);
	inf_line_end_part(&exchange->line, &flight->place);
	exchange->progress_ms = now_ms;
	exchange->nlanded++;
	exchange->nfailed_parts = 0;
	exchange->counters.tokens += inf_reply_tokens(flight->reader);
	end_transfer(flight);
	flight->batch->nleft--;
	pfree(unconstify(char *, flight->request.body));
	pfree(flight);
}

/*
 * ----------
 * Sending again
 * ----------
 */

/* A flight is to be built anew and sent as if for the first time. */
static void
start_over(Flight *flight)
{
	if (flight->request.body)
		pfree(unconstify(char *, flight->request.body));
	memset(&flight->request, 0, sizeof(flight->request));
	flight->attempts = 0;
	flight->has_turn = false;
	flight->place.due_ms = 0;
}

static void
relaunch(Flight *flight, FlightQueue queue)
{
	start_over(flight);
	inf_line_push_first(&flight->exchange->line, &flight->place, queue);
}

/* Two flights in place of one; the first half goes first. */
static void
split(Flight *flight, FlightFate fate)
{
	FlightLine *line = &flight->exchange->line;
	Flight	   *second;

	start_over(flight);
	if (!flight->place.is_part)
		flight->landed_before = flight->exchange->nlanded;
	inf_line_make_part(line, &flight->place);
	second = take_rest(flight, (flight->call.ninputs + 1) / 2);
	if (fate == FLIGHT_SPLIT)
	{
		inf_line_push_first(line, &second->place, FLIGHT_PART);
		inf_line_push_first(line, &flight->place, FLIGHT_PART);
	}
	else
	{
		inf_line_push(line, &flight->place, FLIGHT_PART);
		inf_line_push(line, &second->place, FLIGHT_PART);
	}
}

/* Leaves the first half of its text, but whole characters. */
static void
cut_text(Flight *flight)
{
	InferenceInput *input = palloc(sizeof(InferenceInput));
	int			length = flight->call.inputs[0].length / 2;

	*input = flight->call.inputs[0];
	while (length > 0 && ((unsigned char) input->text[length] & 0xc0) == 0x80)
		length--;
	input->text = pnstrdup(input->text, length);
	input->length = length;
	flight->call.inputs = input;
	if (!flight->is_cut)
		flight->exchange->ncut++;
	flight->is_cut = true;
}

static int64
retry_delay(const Flight *flight, const InferenceFault *fault)
{
	const HttpResponse *response = inf_http_response(flight->transfer);
	HttpRetryState state = {
		.attempts = flight->attempts,
		.elapsed_ms = inf_now_ms() - flight->first_start_ms,
		.outcome = response->outcome,
		.status = response->status,
		.unreadable = fault->kind == INF_FAULT_BAD_ANSWER,
		.is_final = fault->kind == INF_FAULT_QUOTA,
		.loading_ms = response->status == 503 ? inf_reply_loading_ms(response) : -1,
		.retry_after_ms = response->retry_after_ms,
		.ratelimit_reset_ms = response->ratelimit_reset_ms
	};

	return inf_http_retry_delay_ms(&flight->exchange->retry, &state,
								   inf_random_fraction());
}

/* The request was sent in full, and then took too long. */
static bool
is_timed_out(const Flight *flight, const InferenceFault *fault)
{
	/* a connection that took too long is another matter */
	return fault->kind == INF_FAULT_TIMEOUT &&
		inf_http_response(flight->transfer)->outcome == HTTP_TIMED_OUT &&
		inf_now_ms() - flight->start_ms >= flight->exchange->options.total_timeout_ms;
}

static FlightFailure
describe_failure(const Flight *flight, const InferenceFault *fault)
{
	const Exchange *exchange = flight->exchange;
	FlightFailure failure = {
		.is_refused = inf_flight_is_refused(flight, fault),
		.is_too_long = inf_flight_is_too_long(flight, fault),
		.is_internal = fault->kind == INF_FAULT_SERVER &&
			inf_http_response(flight->transfer)->status == 500,
		.is_timed_out = is_timed_out(flight, fault),
		.names_input = fault->input > 0,
		.ninputs = flight->call.ninputs,
		.is_part = flight->place.is_part,
		.has_plain_form = inf_encoding_may_be_why(exchange->encoding,
												  &flight->call, fault->kind,
												  inf_http_response(flight->transfer)->status),
		.can_be_cut = flight->call.inputs[0].length >= 2 * MIN_CUT_BYTES,
		.attempts = flight->attempts,
		.nfailed_parts = exchange->nfailed_parts,
		.may_resend = exchange->retry.max_retries > 0,
		.retry_delay_ms = retry_delay(flight, fault),
		.is_stalled = inf_now_ms() - exchange->progress_ms >
			inf_flight_stall_ms(exchange->options.total_timeout_ms,
								exchange->retry.time_budget_ms)
	};

	return failure;
}

/* Tells the pace, and holds all others as long as the service asks. */
static void
note_overload(const Flight *flight, const InferenceFault *fault,
			  const FlightFailure *failure)
{
	Exchange   *exchange = flight->exchange;
	const HttpResponse *response = inf_http_response(flight->transfer);
	Pace	   *pace = &exchange->endpoint->pace;
	int			nmoving = exchange->line.nmoving + 1;
	int64		now_ms = inf_now_ms();

	if (failure->is_timed_out)
		inf_pace_timed_out(pace, flight->call.ninputs, flight->start_ms, now_ms,
						   nmoving);
	if (fault->kind != INF_FAULT_RATE_LIMIT)
		return;
	inf_pace_refused(pace, flight->start_ms, now_ms, nmoving);
	if (response->retry_after_ms > 0 && failure->retry_delay_ms > 0)
		exchange->line.hold_ms = Max(exchange->line.hold_ms,
									 now_ms + response->retry_after_ms);
}

/*
 * The text that a fault is about, if that can be told; else NULL.  A server
 * that failed on one text alone may have failed anyway, unless it has answered
 * others since.
 */
static const InferenceInput *
input_at_fault(const Flight *flight, const InferenceFault *fault,
			   const FlightFailure *failure)
{
	const Exchange *exchange = flight->exchange;

	if (exchange->ninputs < 2)
		return NULL;
	if (fault->input > 0)
		return &flight->call.inputs[fault->input - 1];
	if (flight->call.ninputs > 1)
		return NULL;
	if (failure->is_refused ||
		(failure->is_internal && flight->place.is_part &&
		 exchange->nlanded > flight->landed_before))
		return &flight->call.inputs[0];
	return NULL;
}

static void
retry(Flight *flight, const InferenceFault *fault, int64 delay_ms)
{
	Exchange   *exchange = flight->exchange;
	int64		now_ms = inf_now_ms();

	flight->place.due_ms = Max(now_ms + delay_ms,
							   inf_rate_limit_take(exchange->model, now_ms));
	exchange->counters.retries++;
	inf_line_push_first(&exchange->line, &flight->place,
						flight->place.is_part ? FLIGHT_PART : FLIGHT_AGAIN);
	inf_notice_retry(exchange->model, fault, exchange->host, flight->attempts,
					 flight->place.due_ms - now_ms);
}

/* Sends a flight again that has failed, or throws. */
static void
send_again(Flight *flight, const InferenceFault *fault)
{
	Exchange   *exchange = flight->exchange;
	FlightFailure failure = describe_failure(flight, fault);
	FlightFate	fate = inf_flight_fate(&failure);
	FlightQueue queue = flight->place.is_part ? FLIGHT_PART : FLIGHT_AGAIN;

	note_overload(flight, fault, &failure);
	if (failure.is_internal && failure.is_part)
		exchange->nfailed_parts++;
	end_transfer(flight);
	switch (fate)
	{
		case FLIGHT_RETRY:
			retry(flight, fault, failure.retry_delay_ms);
			break;
		case FLIGHT_ASK_PLAINLY:
			flight->asks_plainly = true;
			relaunch(flight, queue);
			break;
		case FLIGHT_SPLIT:
			exchange->has_limit = true;
			split(flight, fate);
			break;
		case FLIGHT_SEARCH:
			split(flight, fate);
			break;
		case FLIGHT_SEND_SMALLER:
			flight->max_inputs = (flight->call.ninputs + 1) / 2;
			exchange->counters.retries++;
			relaunch(flight, queue);
			break;
		case FLIGHT_CUT_TEXT:
			cut_text(flight);
			relaunch(flight, queue);
			break;
		case FLIGHT_GIVE_UP:
			inf_error_throw_fault(exchange->model, fault, exchange->host,
								  flight->attempts,
								  input_at_fault(flight, fault, &failure));
	}
}

void
inf_flight_finish(Flight *flight)
{
	InferenceFault fault = {.kind = INF_FAULT_NONE};
	MemoryContext caller = MemoryContextSwitchTo(flight->batch->context);
	bool		is_read;

	flight->exchange->counters.bytes_received +=
		inf_http_response(flight->transfer)->received_bytes;
	is_read = inf_flight_read_answer(flight, &fault);

	/* Until here it is in a list, where an error finds its transfer. */
	dlist_delete(&flight->place.node);
	if (is_read)
		land(flight);
	else
		send_again(flight, &fault);
	MemoryContextSwitchTo(caller);
}
