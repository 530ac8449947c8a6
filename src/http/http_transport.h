/*
 * http_transport.h
 *		Moves HTTP requests and their answers: many at once, over connections
 *		that live as long as the backend.
 *
 * Nothing here throws, except that inf_http_wait ends the process when the
 * postmaster is gone.  A transfer belongs to whoever started it, who frees
 * it, also when an error passes over: hang inf_http_free_transfer on a memory
 * context callback.
 */
#ifndef INFERENCE_HTTP_HTTP_TRANSPORT_H
#define INFERENCE_HTTP_HTTP_TRANSPORT_H

#include "base/compat.h"
#include "http/http_guard.h"
#include "http/http_request.h"

/* Limits and routes of one transfer; strings must outlive it. */
typedef struct HttpOptions
{
	int			connect_timeout_ms;
	int			total_timeout_ms;
	size_t		max_response_bytes;
	const char *ca_bundle;		/* PEM file; NULL or empty: the system's */
	const char *proxy;			/* NULL or empty: none, whatever the
								 * environment says */
	HttpGuard	guard;
} HttpOptions;

typedef enum HttpWait
{
	HTTP_WAIT_PROGRESS,			/* something moved: look for finished ones */
	HTTP_WAIT_TIMEOUT,			/* timeout_ms passed and nothing finished */
	HTTP_WAIT_INTERRUPTED		/* the latch was set: CHECK_FOR_INTERRUPTS() */
} HttpWait;

typedef struct HttpTransfer HttpTransfer;

/* Puts a request in flight.  NULL: out of memory. */
extern HttpTransfer *inf_http_start_transfer(const HttpRequest *request,
											 const HttpOptions *options,
											 void *owner);

/* What the starter passed as owner. */
extern void *inf_http_transfer_owner(const HttpTransfer *transfer);

/*
 * Lets transfers move until one finishes, timeout_ms have passed (-1: no
 * limit) or the latch is set.  Transfers stay as they are in each case.  wait is
 * what others see that the session waits for.
 */
extern HttpWait inf_http_wait(long timeout_ms, InferenceWait wait);

/* The next finished transfer that has not been handed out, or NULL. */
extern HttpTransfer *inf_http_next_finished(void);

/* The answer; belongs to the transfer. */
extern const HttpResponse *inf_http_response(const HttpTransfer *transfer);

/* Ends the transfer if it is still moving, in no time, and frees it. */
extern void inf_http_free_transfer(HttpTransfer *transfer);

#endif							/* INFERENCE_HTTP_HTTP_TRANSPORT_H */
