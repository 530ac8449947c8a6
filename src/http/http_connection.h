/*
 * http_connection.h
 *		What we know of the connections that libcurl keeps, so that none is
 *		used again whose server spoke unasked.
 *
 * HTTP/1 tells answers apart by their order alone: whatever waits on a
 * connection is the answer to the next request.  So a connection is left alone
 * if anything came behind an answer, or waits there.  HTTP/2 has numbers for
 * that, and input at any time.
 *
 * Nothing here throws; memory is malloc's.
 */
#ifndef INFERENCE_HTTP_HTTP_CONNECTION_H
#define INFERENCE_HTTP_HTTP_CONNECTION_H

#include "postgres.h"

#include <curl/curl.h>

#include "lib/ilist.h"

typedef struct HttpConnection
{
	dlist_node	node;			/* in the list of open ones, unless is_closed */
	curl_socket_t socket;
	int			local_port;		/* 0: not looked up yet */
	bool		is_closed;

	int			nrequests;		/* that it was chosen for */
	int			nmoving;		/* of these, now */
	bool		is_multiplexed; /* HTTP/2 has been spoken */
	bool		is_spoilt;		/* an answer did not end where it should */
} HttpConnection;

/* Where a connection leads from and to, as libcurl says it. */
typedef struct HttpConnectionEnds
{
	const char *peer_ip;
	int			peer_port;
	int			local_port;
} HttpConnectionEnds;

/* Callbacks of libcurl: a socket was opened; it is to be closed. */
extern void inf_http_note_socket(curl_socket_t socket);
extern void inf_http_forget_socket(curl_socket_t socket);

/*
 * The connection between these ends, which a request is about to travel on;
 * NULL: it is none that was noted.  Leave it when the request is done.
 */
extern HttpConnection *inf_http_enter_connection(const HttpConnectionEnds *ends);
extern void inf_http_leave_connection(HttpConnection *connection);

/*
 * Whether bytes that nobody asked for may wait on a connection: at the socket
 * or, with is_tls, in what easy's library for TLS has read.  When that cannot
 * be told, they may.
 */
extern bool inf_http_has_input(const HttpConnection *connection, CURL *easy,
							   bool is_tls);

/* After a fork: the parent's connections are not ours. */
extern void inf_http_disown_connections(void);

#endif							/* INFERENCE_HTTP_HTTP_CONNECTION_H */
