/*
 * exchange.c
 *		Sends batches to a service and gathers their answers.
 *
 * The only place that waits for the network.  Transfers live outside of
 * PostgreSQL's memory: an error that passes over takes them along, an interrupt
 * that throws nothing leaves them moving.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include "base/guc.h"
#include "base/text_encoding.h"
#include "pipeline/clock.h"
#include "pipeline/exchange_flight.h"
#include "pipeline/rate_limit.h"
#include "pipeline/wait_notice.h"

/* As Elasticsearch: bounds of 1, 2, 4, 5, 5 ... seconds. */
#define INITIAL_RETRY_DELAY_MS 1000
#define MAX_RETRY_DELAY_MS 5000

/*
 * ----------
 * Setting up
 * ----------
 */

static void
set_limits(Exchange *exchange)
{
	exchange->options.connect_timeout_ms = inf_guc_connect_timeout;
	exchange->options.total_timeout_ms = inf_guc_request_timeout;
	exchange->options.max_response_bytes = (size_t) inf_guc_max_response_size * 1024;
	exchange->options.ca_bundle = inf_guc_ca_bundle;
	exchange->options.proxy = inf_guc_proxy;
	exchange->options.guard.allowed_hosts =
		inf_text_to_utf8(inf_guc_allowed_hosts, strlen(inf_guc_allowed_hosts), NULL);
	exchange->options.guard.allow_private_addresses =
		inf_guc_allow_private_addresses;

	exchange->retry.max_retries = inf_guc_max_retries;
	exchange->retry.initial_delay_ms = INITIAL_RETRY_DELAY_MS;
	exchange->retry.max_delay_ms = MAX_RETRY_DELAY_MS;
	exchange->retry.time_budget_ms = inf_guc_retry_timeout;
}

/* Ends the flights in a list that are of a batch, or with NULL all. */
static void
abandon_list(Exchange *exchange, dlist_head *list, const ExchangeBatch *batch)
{
	dlist_mutable_iter it;

	dlist_foreach_modify(it, list)
	{
		Flight	   *flight = dlist_container(Flight, place.node, it.cur);

		if (batch != NULL && flight->batch != batch)
			continue;
		inf_http_free_transfer(flight->transfer);
		flight->transfer = NULL;
		if (list == &exchange->moving)
			inf_line_stop(&exchange->line);
		inf_line_end_part(&exchange->line, &flight->place);
		dlist_delete(it.cur);
	}
}

/* Ends the flights of a batch, or with NULL all, wherever they are. */
static void
abandon_flights(Exchange *exchange, const ExchangeBatch *batch)
{
	for (int i = 0; i < FLIGHT_QUEUES; i++)
		abandon_list(exchange, &exchange->line.queues[i], batch);
	abandon_list(exchange, &exchange->moving, batch);
	abandon_list(exchange, &exchange->arrived, batch);
}

/*
 * Called when the memory of a batch goes: by an error, or at its end, when it
 * has no flights any more.
 */
static void
abandon_batch(void *arg)
{
	ExchangeBatch *batch = arg;

	if (batch->nleft > 0)
		abandon_flights(batch->exchange, batch);
}

Exchange *
inf_exchange_open(const InferenceServiceOps *service,
				  const InferenceModel *model, const char *url,
				  Jsonb *task_settings)
{
	Exchange   *exchange = palloc0(sizeof(Exchange));

	exchange->service = service;
	exchange->model = model;
	exchange->url = url;
	if (!inf_http_url_host(url, exchange->host))
		strlcpy(exchange->host, "an invalid url", sizeof(exchange->host));
	exchange->task_settings = task_settings;
	exchange->endpoint = inf_endpoint_of(url);
	exchange->encoding = inf_encoding_of(service, model, url,
										 task_settings);
	set_limits(exchange);
	inf_pace_begin(&exchange->endpoint->pace);
	inf_line_init(&exchange->line);
	dlist_init(&exchange->moving);
	dlist_init(&exchange->arrived);
	return exchange;
}

void
inf_exchange_ask_plainly(Exchange *exchange)
{
	exchange->asks_plainly = true;
}

static ExchangeBatch *
create_batch(Exchange *exchange)
{
	ExchangeBatch *batch = palloc0(sizeof(ExchangeBatch));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	batch->exchange = exchange;
	batch->context = CurrentMemoryContext;
	callback->func = abandon_batch;
	callback->arg = batch;
	MemoryContextRegisterResetCallback(batch->context, callback);
	return batch;
}

/*
 * ----------
 * Moving
 * ----------
 */

/*
 * Starts what may start.  Returns the milliseconds until something more may, or
 * -1 if that depends on what moves.
 */
static long
start_due_flights(Exchange *exchange)
{
	int64		now_ms = inf_now_ms();
	int64		wait_ms;

	for (;;)
	{
		int			max_moving = inf_pace_requests(&exchange->endpoint->pace,
												   inf_guc_max_concurrent_requests,
												   exchange->options.total_timeout_ms);
		FlightPlace *place = inf_line_next(&exchange->line, max_moving, now_ms,
										   &wait_ms);
		Flight	   *flight;

		if (place == NULL)
			return (long) wait_ms;
		flight = inf_flight_at(place);
		if (flight->has_turn)
			inf_flight_start(flight, now_ms);
		else
			place->due_ms = inf_rate_limit_take(exchange->model, now_ms);
		flight->has_turn = true;
	}
}

/* Gives finished transfers to their exchanges, whosever they are. */
static void
hand_out_arrivals(void)
{
	HttpTransfer *transfer;

	while ((transfer = inf_http_next_finished()) != NULL)
	{
		Flight	   *flight = inf_http_transfer_owner(transfer);

		dlist_delete(&flight->place.node);
		dlist_push_tail(&flight->exchange->arrived, &flight->place.node);
		inf_line_stop(&flight->exchange->line);
	}
}

/*
 * What is waited for, if nothing comes before the timeout.  What waits for a turn
 * has not been sent yet.
 */
static InferenceWait
waits_for(Exchange *exchange, long timeout)
{
	FlightLine *line = &exchange->line;

	if (line->nmoving > 0 || timeout <= 0)
		return INF_WAIT_HTTP;
	if (line->hold_ms > inf_now_ms() ||
		!dlist_is_empty(&line->queues[FLIGHT_PART]) ||
		!dlist_is_empty(&line->queues[FLIGHT_AGAIN]))
		return INF_WAIT_RETRY;
	inf_notice_rate_limit(exchange->model, timeout);
	return INF_WAIT_RATE_LIMIT;
}

static void
wait_for_arrivals(Exchange *exchange, long timeout)
{
	InferenceWait wait = waits_for(exchange, timeout);
	instr_time	start;
	instr_time	end;

	INSTR_TIME_SET_CURRENT(start);
	if (inf_http_wait(timeout, wait) == HTTP_WAIT_INTERRUPTED)
		CHECK_FOR_INTERRUPTS();
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	exchange->counters.wait_us += INSTR_TIME_GET_MICROSEC(end);
	hand_out_arrivals();
}

/* Nothing moves, and nothing will: better to say so than to wait for ever. */
static void
check_moving(const Exchange *exchange, long timeout)
{
	if (timeout < 0 && exchange->line.nmoving == 0)
		elog(ERROR, "requests of inference model \"%s\" wait for none",
			 exchange->model->model_id);
}

/*
 * Starts what may start, waits for something to happen if nothing has, takes
 * what landed.
 */
static void
move_flights(Exchange *exchange, bool may_wait)
{
	long		timeout = start_due_flights(exchange);

	if (dlist_is_empty(&exchange->arrived))
	{
		if (may_wait)
			check_moving(exchange, timeout);
		wait_for_arrivals(exchange, may_wait ? timeout : 0);
	}
	while (!dlist_is_empty(&exchange->arrived))
		inf_flight_finish(dlist_head_element(Flight, place.node,
											 &exchange->arrived));
}

/*
 * ----------
 * For callers
 * ----------
 */

int
inf_exchange_max_inputs(const Exchange *exchange)
{
	int			max = exchange->service->max_batch_inputs;

	if (inf_guc_max_batch_inputs > 0)
		max = Min(max, inf_guc_max_batch_inputs);
	if (exchange->endpoint->max_inputs > 0)
		max = Min(max, exchange->endpoint->max_inputs);
	if (exchange->accepted_part > 0)
		max = Min(max, exchange->accepted_part);
	return max;
}

ExchangeBatch *
inf_exchange_submit(Exchange *exchange, const InferenceInput *inputs,
					int ninputs, InferenceEmbedding *results)
{
	ExchangeBatch *batch = create_batch(exchange);

	/* Cut into requests when they start, when more is known of the server. */
	if (ninputs > 0)
		inf_line_push(&exchange->line,
					  &inf_flight_create(batch, inputs, ninputs, results)->place,
					  FLIGHT_FRESH);
	exchange->ninputs += ninputs;
	(void) start_due_flights(exchange);
	return batch;
}

void
inf_exchange_finish(Exchange *exchange, ExchangeBatch *batch)
{
	while (batch->nleft > 0)
		move_flights(exchange, true);
}

void
inf_exchange_poll(Exchange *exchange)
{
	move_flights(exchange, false);
}

const ExchangeCounters *
inf_exchange_counters(const Exchange *exchange)
{
	return &exchange->counters;
}

void
inf_exchange_abandon(Exchange *exchange)
{
	abandon_flights(exchange, NULL);
}

void
inf_exchange_close(Exchange *exchange)
{
	abandon_flights(exchange, NULL);

	/* It is a limit for the session if all texts are taken in the end. */
	if (exchange->has_limit && exchange->accepted_part > 0)
		exchange->endpoint->max_inputs = exchange->accepted_part;
	if (exchange->ncut == 0)
		return;
	ereport(WARNING,
			(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
			 errmsg_plural("%d text was too long for inference model \"%s\" and was cut",
						   "%d texts were too long for inference model \"%s\" and were cut",
						   exchange->ncut, exchange->ncut,
						   exchange->model->model_id),
			 errhint("Set max_input_tokens of the model to cut them before they are sent.")));
}
