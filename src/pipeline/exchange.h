/*
 * exchange.h
 *		Sends batches to a service and gathers their answers.
 *
 * An exchange keeps up to inference.max_concurrent_requests in flight, sends
 * again what failed in a way that may pass, and throws what does not.  Several
 * may be open at a time; whichever waits moves them all.
 */
#ifndef INFERENCE_PIPELINE_EXCHANGE_H
#define INFERENCE_PIPELINE_EXCHANGE_H

#include "pipeline/batch.h"
#include "service/service.h"

typedef struct Exchange Exchange;
typedef struct ExchangeBatch ExchangeBatch;

/* What was done, for EXPLAIN. */
typedef struct ExchangeCounters
{
	int64		requests;		/* retries included */
	int64		retries;
	int64		bytes_sent;		/* of bodies */
	int64		bytes_received;
	int64		tokens;			/* as far as the service counts them */
	int64		wait_us;		/* spent waiting for the network */
} ExchangeCounters;

/*
 * Opens an exchange in the current memory context, which must outlive those of
 * its batches.
 */
extern Exchange *inf_exchange_open(const InferenceServiceOps *service,
								   const InferenceModel *model,
								   const char *url, Jsonb *task_settings);

/* Has the exchange ask for plain numbers, whatever the model takes. */
extern void inf_exchange_ask_plainly(Exchange *exchange);

/*
 * Takes texts on: results, one for each, are filled by the time that
 * inf_exchange_finish() returns.  Both arrays must live until then.  Sends what
 * may be sent at once; does not wait.
 *
 * All of the batch is in the current memory context.  When that goes, also by
 * an error, so do the batch's transfers.
 */
extern ExchangeBatch *inf_exchange_submit(Exchange *exchange,
										  const InferenceInput *inputs,
										  int ninputs,
										  InferenceEmbedding *results);

/* Waits for a batch.  May be cancelled at any time. */
extern void inf_exchange_finish(Exchange *exchange, ExchangeBatch *batch);

/* Lets transfers move, without waiting. */
extern void inf_exchange_poll(Exchange *exchange);

extern const ExchangeCounters *inf_exchange_counters(const Exchange *exchange);

/* Most texts in a request, as far as is known. */
extern int	inf_exchange_max_inputs(const Exchange *exchange);

/* Ends what still moves, because of an error. */
extern void inf_exchange_abandon(Exchange *exchange);

/* Ends what still moves, warns of texts that were cut. */
extern void inf_exchange_close(Exchange *exchange);

#endif							/* INFERENCE_PIPELINE_EXCHANGE_H */
