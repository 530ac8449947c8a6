/*
 * http_request.h
 *		A request and its answer as plain values.  Services build the one and
 *		read the other; only http_transport.c moves them.
 */
#ifndef INFERENCE_HTTP_HTTP_REQUEST_H
#define INFERENCE_HTTP_HTTP_REQUEST_H

#include "postgres.h"

#include "lib/stringinfo.h"

/*
 * Content-Type, Accept, Authorization and one organisation header are what
 * the services need; twice that leaves room without a list to manage.
 */
#define INF_HTTP_MAX_HEADERS 8

typedef struct HttpHeader
{
	const char *name;
	const char *value;
	bool		secret;			/* never printed */
} HttpHeader;

/*
 * Who takes the body of an answer of status 2xx as it comes.  Called from within
 * libcurl: nothing may throw.
 */
typedef struct HttpSink
{
	void		(*begin) (void *state); /* a body begins, or begins anew */
	void		(*take) (void *state, const char *bytes, size_t length);
	void	   *state;
} HttpSink;

/*
 * A POST.  Strings belong to the caller and must outlive the transfer, which
 * neither copies nor frees them.
 */
typedef struct HttpRequest
{
	const char *url;
	HttpHeader	headers[INF_HTTP_MAX_HEADERS];
	int			nheaders;
	const char *body;
	size_t		body_bytes;
	HttpSink	sink;			/* without functions: none */
} HttpRequest;

/* How a transfer ended, before anyone looks at the status. */
typedef enum HttpOutcome
{
	HTTP_PENDING,
	HTTP_ANSWERED,				/* status and body are whole */
	HTTP_UNKNOWN_HOST,
	HTTP_ADDRESS_REFUSED,		/* the guard said no to host or address */
	HTTP_CANNOT_CONNECT,		/* refused, unreachable, connect timeout */
	HTTP_TLS_FAILED,			/* handshake */
	HTTP_UNTRUSTED,				/* certificate */
	HTTP_CONNECTION_LOST,		/* closed, reset or cut short */
	HTTP_TIMED_OUT,				/* total time over */
	HTTP_TOO_LARGE,				/* body over max_response_bytes */
	HTTP_FAILED					/* anything else: see detail */
} HttpOutcome;

#define INF_HTTP_DETAIL_BYTES 256

typedef struct HttpResponse
{
	HttpOutcome outcome;
	int			status;			/* 0 unless a status line was read */
	char	   *body;			/* NUL-terminated; NULL when there is none; of
								 * one that went to a sink, the beginning */
	size_t		body_bytes;
	size_t		received_bytes; /* of the whole body */
	char		content_type[64];	/* empty when there is none */
	int64		retry_after_ms; /* Retry-After, either form; -1: none */
	int64		ratelimit_reset_ms; /* the latest of x-ratelimit-reset-requests,
									 * -tokens and the like; -1: none */
	char		detail[INF_HTTP_DETAIL_BYTES];	/* what libcurl or the guard
												 * said; may be empty */
} HttpResponse;

extern void inf_http_add_header(HttpRequest *request, const char *name,
								const char *value, bool secret);
extern void inf_http_describe_request(StringInfo out, const HttpRequest *request);

#endif							/* INFERENCE_HTTP_HTTP_REQUEST_H */
