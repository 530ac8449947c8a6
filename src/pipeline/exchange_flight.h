/*
 * exchange_flight.h
 *		Requests of an exchange on their way.  Private to the exchange.
 */
#ifndef INFERENCE_PIPELINE_EXCHANGE_FLIGHT_H
#define INFERENCE_PIPELINE_EXCHANGE_FLIGHT_H

#include "http/http_retry.h"
#include "http/http_transport.h"
#include "http/http_url.h"
#include "pipeline/encoding.h"
#include "pipeline/endpoint.h"
#include "pipeline/exchange.h"
#include "pipeline/flight_line.h"

struct ExchangeBatch
{
	Exchange   *exchange;
	MemoryContext context;		/* of its flights and what they bring */
	int			nleft;			/* flights that have not landed */
};

/* Some texts of a batch on their way, or waiting for it. */
typedef struct Flight
{
	FlightPlace place;			/* in the line, or in one of the other lists */
	Exchange   *exchange;
	ExchangeBatch *batch;

	/* What it carries; as long as it is not built, perhaps more than goes */
	InferenceCall call;
	InferenceEmbedding *results;
	int			max_inputs;		/* of a request, after a time-out; 0: no limit */
	HttpRequest request;		/* without a body: to be built */
	ReplyReader *reader;

	/* How far it is */
	HttpTransfer *transfer;		/* while moving, else NULL */
	int			attempts;
	int64		first_start_ms; /* of the first attempt */
	int64		start_ms;		/* of the last */
	int64		landed_before;	/* flights, when it was first split */
	bool		has_turn;		/* under the rate limit */
	bool		was_sent;		/* its texts were, perhaps among others */
	bool		is_cut;			/* its text is only a part */
	bool		asks_plainly;	/* after it asked for base64, in vain */
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
	Encoding   *encoding;		/* NULL: there is no choice */
	bool		asks_plainly;	/* though there may be a choice */

	/* Limits */
	HttpOptions options;
	HttpRetryPolicy retry;

	/* Its flights, each in one list; those that landed are gone */
	FlightLine	line;			/* wait */
	dlist_head	moving;
	dlist_head	arrived;		/* ended, not looked at yet */

	/* How it goes */
	int64		nlanded;
	int64		progress_ms;	/* when a text was last sent first, or landed */
	int			nfailed_parts;	/* internally, since one landed */
	int			accepted_part;	/* most texts of one that was; 0: none */
	bool		has_limit;		/* a service refused more than accepted_part */
	int			ncut;			/* texts of which only a part was sent */
	int64		ninputs;		/* submitted so far */

	ExchangeCounters counters;
};

static inline Flight *
inf_flight_at(FlightPlace *place)
{
	return (Flight *) ((char *) place - offsetof(Flight, place));
}

/* A flight for texts of a batch; not in a list yet. */
extern Flight *inf_flight_create(ExchangeBatch *batch,
								 const InferenceInput *inputs, int ninputs,
								 InferenceEmbedding *results);

/*
 * Sends a flight that waits in the line, or as many of its first texts as
 * should go in one request; the others stay behind in its place.
 */
extern void inf_flight_start(Flight *flight, int64 now_ms);

/* Looks at a flight that has arrived: it lands, waits to fly again, or throws. */
extern void inf_flight_finish(Flight *flight);

/* Reads what came: true if it holds the embeddings, else fault says why. */
extern bool inf_flight_read_answer(const Flight *flight, InferenceFault *fault);

/* The service refuses what was sent, rather than who sent it or when. */
extern bool inf_flight_is_refused(const Flight *flight,
								  const InferenceFault *fault);

/* It says that the text is too long. */
extern bool inf_flight_is_too_long(const Flight *flight,
								   const InferenceFault *fault);

#endif							/* INFERENCE_PIPELINE_EXCHANGE_FLIGHT_H */
