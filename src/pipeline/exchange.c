/*
 * exchange.c
 *		Sends batches to a service and gathers their answers.
 *
 * The only place that waits for the network.  Transfers live outside of
 * PostgreSQL's memory: an error that passes over takes them along, an interrupt
 * that throws nothing leaves them moving.
 *
 * What a service refuses (400, 413, 422) is sent again in halves, so that one
 * bad text can be named, and a limit on the number of texts is found.  One text
 * that is too long is cut, by half and again, as Elasticsearch does.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/text_encoding.h"
#include "http/http_retry.h"
#include "http/http_transport.h"
#include "http/http_url.h"
#include "pipeline/clock.h"
#include "pipeline/endpoint.h"
#include "pipeline/exchange.h"
#include "pipeline/rate_limit.h"
#include "settings/setting_read.h"

/* As Elasticsearch: bounds of 1, 2, 4, 5, 5 ... seconds. */
#define INITIAL_RETRY_DELAY_MS 1000
#define MAX_RETRY_DELAY_MS 5000

/* Longest text of an answer that is quoted when it is not JSON. */
#define MAX_QUOTED_BYTES 200

/* A text is not cut to less: what refuses that, refuses something else. */
#define MIN_CUT_BYTES 64

struct ExchangeBatch
{
	Exchange   *exchange;
	MemoryContext context;		/* of its flights and what they bring */
	int			nleft;			/* flights that have not landed */
};

/* Some texts of a batch on their way. */
typedef struct Flight
{
	dlist_node	node;			/* of one of the exchange's lists */
	Exchange   *exchange;
	ExchangeBatch *batch;

	/* What it carries */
	InferenceCall call;
	InferenceEmbedding *results;
	HttpRequest request;
	ReplyReader *reader;

	/* How far it is */
	HttpTransfer *transfer;		/* while moving, else NULL */
	int			attempts;
	int64		first_start_ms;
	int64		not_before_ms;	/* -1: has not asked for its turn yet */
	bool		is_half;		/* of one that was refused */
	bool		is_cut;			/* its text is only a part */
} Flight;

struct Exchange
{
	/* Whom it asks */
	const InferenceServiceOps *service;
	const InferenceModel *model;
	const char *url;
	char		host[INF_HTTP_ORIGIN_BYTES];
	Jsonb	   *task_settings;
	Endpoint   *endpoint;

	/* Limits */
	HttpOptions options;
	HttpRetryPolicy retry;

	/* Its flights, each in one list; those that landed are gone */
	dlist_head	waiting;		/* for their turn; halves first */
	dlist_head	moving;
	dlist_head	arrived;		/* ended, not looked at yet */
	int			nmoving;
	int			nhalves;		/* waiting or moving */
	int			accepted_half;	/* most texts of one that was; 0: none */
	int			ncut;			/* texts of which only a part was sent */
	int			ninputs;		/* submitted so far */

	ExchangeCounters counters;
};

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

/* Ends the flights of a batch, or with NULL all, wherever they are. */
static void
abandon_flights(Exchange *exchange, ExchangeBatch *batch)
{
	dlist_head *lists[] = {&exchange->waiting, &exchange->moving, &exchange->arrived};
	dlist_mutable_iter it;

	for (int i = 0; i < lengthof(lists); i++)
		dlist_foreach_modify(it, lists[i])
		{
			Flight	   *flight = dlist_container(Flight, node, it.cur);

			if (batch != NULL && flight->batch != batch)
				continue;
			inf_http_free_transfer(flight->transfer);
			flight->transfer = NULL;
			if (lists[i] == &exchange->moving)
				exchange->nmoving--;
			dlist_delete(it.cur);
		}
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
	set_limits(exchange);
	dlist_init(&exchange->waiting);
	dlist_init(&exchange->moving);
	dlist_init(&exchange->arrived);
	return exchange;
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

static Flight *
create_flight(ExchangeBatch *batch, const InferenceInput *inputs, int ninputs,
			  InferenceEmbedding *results)
{
	Exchange   *exchange = batch->exchange;
	Flight	   *flight = palloc0(sizeof(Flight));

	flight->exchange = exchange;
	flight->batch = batch;
	flight->call.model = exchange->model;
	flight->call.task_settings = exchange->task_settings;
	flight->call.inputs = inputs;
	flight->call.ninputs = ninputs;
	flight->call.ndimensions = inf_setting_dimensions(exchange->model);
	flight->call.plain_numbers = exchange->endpoint->refuses_encodings;
	flight->results = results;
	flight->not_before_ms = -1;
	batch->nleft++;
	return flight;
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

/* What the service says is wrong, or NULL. */
static const char *
read_error_words(const Exchange *exchange, const HttpResponse *response)
{
	const char *words = exchange->service->parse_error(response);

	return words ? words : quote_plain_text(response);
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
		words = read_error_words(exchange, response);
		inf_fault_set(fault, inf_fault_of_status(response->status),
					  words ? "HTTP status %d: %s" : "HTTP status %d",
					  response->status, words);
		return false;
	}
	if (inf_reply_finish(flight->reader, fault))
		return true;
	words = read_error_words(exchange, response);
	if (words)
		fault->message = psprintf("%s; the service says: %s",
								  fault->message, words);
	else if (response->content_type[0] &&
			 strncmp(response->content_type, "application/json", 16) != 0)
		fault->message = psprintf("%s (content type %s)",
								  fault->message, response->content_type);
	return false;
}

/* Which text of the call it is about, if it can be told; else 0. */
static int
position_at_fault(const Flight *flight)
{
	return flight->call.ninputs == 1 && flight->exchange->ninputs > 1 ?
		flight->call.inputs[0].position : 0;
}

/*
 * ----------
 * Refused requests
 * ----------
 */

/* The service refuses what was sent, rather than who sent it or when. */
static bool
is_refusal(const InferenceFault *fault, const HttpResponse *response)
{
	return fault->kind == INF_FAULT_INPUT_TOO_LARGE ||
		(fault->kind == INF_FAULT_REJECTED &&
		 (response->status == 400 || response->status == 422));
}

/* OpenAI has a 400 for it, with these words. */
static bool
is_too_long(const InferenceFault *fault)
{
	return fault->kind == INF_FAULT_INPUT_TOO_LARGE ||
		(fault->message &&
		 (strstr(fault->message, "Please reduce your prompt") != NULL ||
		  strstr(fault->message, "maximum context length") != NULL));
}

/* Puts a flight at the head of the line, to be built anew. */
static void
relaunch(Flight *flight)
{
	Exchange   *exchange = flight->exchange;

	if (flight->request.body)
		pfree(unconstify(char *, flight->request.body));
	memset(&flight->request, 0, sizeof(flight->request));
	flight->attempts = 0;
	flight->not_before_ms = -1;
	dlist_push_head(&exchange->waiting, &flight->node);
}

/* Two flights in place of one; the first keeps its place. */
static void
split_flight(Flight *flight)
{
	Exchange   *exchange = flight->exchange;
	int			nfirst = (flight->call.ninputs + 1) / 2;
	Flight	   *second = create_flight(flight->batch,
									   flight->call.inputs + nfirst,
									   flight->call.ninputs - nfirst,
									   flight->results + nfirst);

	second->call.plain_numbers = flight->call.plain_numbers;
	flight->call.ninputs = nfirst;
	exchange->nhalves += flight->is_half ? 1 : 2;
	flight->is_half = second->is_half = true;
	relaunch(second);
	relaunch(flight);
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
	relaunch(flight);
}

/* Sends a refused flight in another way, if there is one. */
static bool
try_otherwise(Flight *flight, const InferenceFault *fault)
{
	Exchange   *exchange = flight->exchange;

	if (fault->kind == INF_FAULT_REJECTED &&
		exchange->service->has_encodings && !flight->call.plain_numbers &&
		!exchange->endpoint->takes_encodings)
	{
		flight->call.plain_numbers = true;
		relaunch(flight);
		return true;
	}
	if (flight->call.ninputs > 1)
	{
		split_flight(flight);
		return true;
	}
	if (is_too_long(fault) && flight->call.inputs[0].length >= 2 * MIN_CUT_BYTES)
	{
		cut_text(flight);
		return true;
	}
	return false;
}

/* Remembers in what way the service took what it had refused. */
static void
learn(const Flight *flight)
{
	Exchange   *exchange = flight->exchange;
	Endpoint   *endpoint = exchange->endpoint;

	if (exchange->service->has_encodings)
	{
		if (!flight->call.plain_numbers)
			endpoint->takes_encodings = true;
		else if (!endpoint->takes_encodings && !flight->is_half)
			endpoint->refuses_encodings = true;
	}

	/* For the session it is a limit if all texts are taken in the end. */
	if (flight->is_half)
		exchange->accepted_half = Max(exchange->accepted_half,
									  flight->call.ninputs);
}

/*
 * ----------
 * Flying
 * ----------
 */

static void
start_flight(Flight *flight, int64 now)
{
	Exchange   *exchange = flight->exchange;
	MemoryContext caller = MemoryContextSwitchTo(flight->batch->context);

	if (flight->request.body == NULL)
		exchange->service->build_request(&flight->call, exchange->url,
										 &flight->request);
	if (flight->reader == NULL)
		flight->reader = inf_reply_create(&flight->call,
										  exchange->service->reply_shape(&flight->call, exchange->url),
										  flight->results);
	flight->request.sink.begin = inf_reply_begin;
	flight->request.sink.take = inf_reply_take;
	flight->request.sink.state = flight->reader;
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
	exchange->counters.requests++;
	exchange->counters.bytes_sent += flight->request.body_bytes;
	dlist_delete(&flight->node);
	dlist_push_tail(&exchange->moving, &flight->node);
	exchange->nmoving++;
	MemoryContextSwitchTo(caller);
}

/*
 * Starts what may start.  Returns the milliseconds until the next flight may,
 * or -1 if none is waiting for time to pass.
 */
static long
start_due_flights(Exchange *exchange)
{
	int64		next = -1;
	int64		now;
	dlist_mutable_iter it;

	if (dlist_is_empty(&exchange->waiting))
		return -1;
	now = inf_now_ms();
	dlist_foreach_modify(it, &exchange->waiting)
	{
		Flight	   *flight = dlist_container(Flight, node, it.cur);

		if (exchange->nmoving >= inf_guc_max_concurrent_requests)
			return -1;

		/* Until it is known what the service refuses, it is asked singly. */
		if (exchange->nhalves > 0 && exchange->accepted_half == 0 &&
			(!flight->is_half || exchange->nmoving > 0))
			return -1;
		if (flight->not_before_ms < 0)
			flight->not_before_ms = inf_rate_limit_take(exchange->model, now);
		if (flight->not_before_ms <= now)
		{
			start_flight(flight, now);
			continue;
		}
		next = next < 0 ? flight->not_before_ms : Min(next, flight->not_before_ms);

		/* Behind one that waits for its turn, all wait longer. */
		if (flight->attempts == 0)
			break;
	}
	return next < 0 ? -1 : (long) (next - now);
}

static int64
retry_delay(const Flight *flight, const HttpResponse *response,
			const InferenceFault *fault)
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

	return inf_http_retry_delay_ms(&flight->exchange->retry, &state,
								   inf_random_fraction());
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

	for (int i = 0; flight->is_cut && i < flight->call.ninputs; i++)
		flight->results[i].is_truncated = true;
	learn(flight);
	if (flight->is_half)
		exchange->nhalves--;
	exchange->counters.tokens += inf_reply_tokens(flight->reader);
	end_transfer(flight);
	flight->batch->nleft--;
	pfree(unconstify(char *, flight->request.body));
	pfree(flight);
}

/* Sends a flight again that has failed, or throws. */
static void
send_again(Flight *flight, const InferenceFault *fault)
{
	Exchange   *exchange = flight->exchange;
	const HttpResponse *response = inf_http_response(flight->transfer);
	int64		delay = retry_delay(flight, response, fault);
	bool		is_refused = is_refusal(fault, response);
	int64		now;

	end_transfer(flight);
	if (delay == HTTP_RETRY_NEVER)
	{
		if (is_refused && try_otherwise(flight, fault))
			return;
		inf_error_throw_fault(exchange->model, fault, exchange->host,
							  flight->attempts,
							  is_refused ? position_at_fault(flight) : 0);
	}
	now = inf_now_ms();
	flight->not_before_ms = Max(now + delay,
								inf_rate_limit_take(exchange->model, now));
	exchange->counters.retries++;
	dlist_push_head(&exchange->waiting, &flight->node);
}

static void
finish_flight(Flight *flight)
{
	Exchange   *exchange = flight->exchange;
	InferenceFault fault = {.kind = INF_FAULT_NONE};
	MemoryContext caller = MemoryContextSwitchTo(flight->batch->context);
	bool		is_read;

	exchange->counters.bytes_received +=
		inf_http_response(flight->transfer)->received_bytes;
	is_read = read_answer(exchange, flight, &fault);

	/* Until here it is in a list, where an error finds its transfer. */
	dlist_delete(&flight->node);
	if (is_read)
		land(flight);
	else
		send_again(flight, &fault);
	MemoryContextSwitchTo(caller);
}

/* Gives finished transfers to their exchanges, whosever they are. */
static void
hand_out_arrivals(void)
{
	HttpTransfer *transfer;

	while ((transfer = inf_http_next_finished()) != NULL)
	{
		Flight	   *flight = inf_http_transfer_owner(transfer);

		dlist_delete(&flight->node);
		dlist_push_tail(&flight->exchange->arrived, &flight->node);
		flight->exchange->nmoving--;
	}
}

static void
wait_for_arrivals(Exchange *exchange, long timeout)
{
	instr_time	start;
	instr_time	end;

	INSTR_TIME_SET_CURRENT(start);
	if (inf_http_wait(timeout) == HTTP_WAIT_INTERRUPTED)
		CHECK_FOR_INTERRUPTS();
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	exchange->counters.wait_us += INSTR_TIME_GET_MICROSEC(end);
	hand_out_arrivals();
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
		wait_for_arrivals(exchange, may_wait ? timeout : 0);
	while (!dlist_is_empty(&exchange->arrived))
		finish_flight(dlist_head_element(Flight, node, &exchange->arrived));
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
	if (exchange->accepted_half > 0)
		max = Min(max, exchange->accepted_half);
	return max;
}

ExchangeBatch *
inf_exchange_submit(Exchange *exchange, const InferenceInput *inputs,
					int ninputs, InferenceEmbedding *results)
{
	ExchangeBatch *batch = create_batch(exchange);
	InferenceBatch *cuts;
	int			ncuts;

	ncuts = inf_batch_cut(inputs, ninputs,
						  inf_exchange_max_inputs(exchange),
						  exchange->service->max_batch_tokens, &cuts);
	for (int i = 0; i < ncuts; i++)
	{
		Flight	   *flight = create_flight(batch, &inputs[cuts[i].first],
										   cuts[i].ninputs,
										   &results[cuts[i].first]);

		dlist_push_tail(&exchange->waiting, &flight->node);
	}
	pfree(cuts);
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
	if (exchange->accepted_half > 0)
		exchange->endpoint->max_inputs = exchange->accepted_half;
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
