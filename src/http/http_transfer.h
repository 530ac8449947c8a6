/*
 * http_transfer.h
 *		One transfer: what it asks of libcurl, what libcurl tells it, and how
 *		it ended.  Private to http_transport.c, which moves transfers.
 *
 * Nothing here throws.  Memory is malloc's, since libcurl may hold it while an
 * error passes over.
 */
#ifndef INFERENCE_HTTP_HTTP_TRANSFER_H
#define INFERENCE_HTTP_HTTP_TRANSFER_H

#include "postgres.h"

#include <curl/curl.h>

#include "lib/ilist.h"

#include "http/http_answer.h"
#include "http/http_connection.h"
#include "http/http_easy.h"
#include "http/http_transport.h"

typedef enum HttpTransferState
{
	HTTP_TRANSFER_MOVING,		/* with libcurl; in the list of these */
	HTTP_TRANSFER_FINISHED,		/* in the list of finished ones */
	HTTP_TRANSFER_HANDED_OUT	/* in no list */
} HttpTransferState;

struct HttpTransfer
{
	/* Identity */
	void	   *owner;
	pid_t		pid;			/* of the process whose libcurl moves it */
	HttpTransferState state;
	dlist_node	node;

	/* Settings that callbacks and the end need */
	HttpGuard	guard;			/* allow_private_addresses only */
	bool		has_proxy;
	bool		is_tls;
	bool		has_tls_proxy;
	size_t		body_bytes;		/* of the request */
	int			total_timeout_ms;
	int64		started_ms;

	/* What libcurl reads and writes; NULL and unused once finished */
	HttpEasy   *easy;
	struct curl_slist headers[INF_HTTP_MAX_HEADERS + 1];
	char		curl_error[CURL_ERROR_SIZE];

	/* What our callbacks found out */
	HttpAnswer	answer;
	bool		has_refused;	/* the guard refused an address */
	bool		has_tried;		/* and let another through */
	HttpConnection *connection; /* it travels on; NULL: not known */
	bool		is_refused;		/* that connection was not to be used */
	bool		is_fresh;		/* so now it waits for a new one */
	bool		is_unasked;		/* something came before the request was out */
};

/* A transfer that has not begun; NULL: out of memory. */
extern HttpTransfer *inf_http_make_transfer(const HttpRequest *request,
											const HttpOptions *options,
											void *owner);

/*
 * Whether the request may be sent.  If not, the transfer's answer says why.
 */
extern bool inf_http_check_request(HttpTransfer *transfer,
								   const HttpRequest *request,
								   const HttpOptions *options);

/*
 * Tells easy what the transfers to a URL under these options have in common.
 * With is_apart, each gets a connection of its own that nobody uses after it.
 */
extern CURLcode inf_http_configure_easy(CURL *easy, const char *url,
										const HttpOptions *options,
										bool is_apart);

/* Tells easy, which the transfer then owns, what is its own. */
extern CURLcode inf_http_load_easy(HttpTransfer *transfer, HttpEasy *easy,
								   const HttpRequest *request);

/*
 * After libcurl has ended: whether the connection that it chose was refused, so
 * that the request was not sent.  If so, easy is told to open a new one.
 */
extern bool inf_http_wants_fresh(HttpTransfer *transfer, CURLcode code);

/* Leaves the connection, with what is known of it. */
extern void inf_http_leave(HttpTransfer *transfer);

/* Makes easy forget that. */
extern void inf_http_unload_easy(HttpEasy *easy);

/* Works out the answer from how libcurl ended. */
extern void inf_http_conclude_transfer(HttpTransfer *transfer, CURLcode code);

/* Ends it without libcurl's word; detail is printable. */
extern void inf_http_end_transfer(HttpTransfer *transfer, HttpOutcome outcome,
								  const char *detail);

/* Wipes and frees what was given to easy, which must be out of use by now. */
extern void inf_http_wipe_headers(HttpTransfer *transfer);

/* Frees everything but easy. */
extern void inf_http_drop_transfer(HttpTransfer *transfer);

#endif							/* INFERENCE_HTTP_HTTP_TRANSFER_H */
