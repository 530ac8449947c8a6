/*
 * http_connection.c
 *		What we know of the connections that libcurl keeps.
 *
 * libcurl does not say which socket it has chosen for a request, but its ends.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "http/http_connection.h"
#include "http/http_tls.h"

static dlist_head open_connections = DLIST_STATIC_INIT(open_connections);

static HttpConnection *
find_socket(curl_socket_t socket)
{
	dlist_iter	it;

	dlist_foreach(it, &open_connections)
	{
		HttpConnection *connection = dlist_container(HttpConnection, node, it.cur);

		if (connection->socket == socket)
			return connection;
	}
	return NULL;
}

/* Without memory it is not noted, and so not used again. */
void
inf_http_note_socket(curl_socket_t socket)
{
	HttpConnection *connection;

	/* libcurl does not tell of each close */
	inf_http_forget_socket(socket);
	connection = calloc(1, sizeof(HttpConnection));
	if (connection == NULL)
		return;
	connection->socket = socket;
	dlist_push_head(&open_connections, &connection->node);
}

void
inf_http_forget_socket(curl_socket_t socket)
{
	HttpConnection *connection = find_socket(socket);

	if (connection == NULL)
		return;
	dlist_delete(&connection->node);
	connection->is_closed = true;
	if (connection->nmoving == 0)
		free(connection);
}

typedef union Address
{
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
} Address;

/* 0 if it has none yet. */
static int
port_of(const Address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohs(address->v4.sin_port);
	if (address->any.sa_family == AF_INET6)
		return ntohs(address->v6.sin6_port);
	return 0;
}

static bool
has_ip(const Address *address, const char *ip)
{
	char		text[INET6_ADDRSTRLEN];
	const void *bytes = address->any.sa_family == AF_INET ?
		(const void *) &address->v4.sin_addr :
		(const void *) &address->v6.sin6_addr;

	return inet_ntop(address->any.sa_family, bytes, text, sizeof(text)) != NULL &&
		strcmp(text, ip) == 0;
}

static bool
has_ends(HttpConnection *connection, const HttpConnectionEnds *ends)
{
	Address		address;
	socklen_t	length = sizeof(address);

	if (connection->local_port == 0 &&
		getsockname(connection->socket, &address.any, &length) == 0)
		connection->local_port = port_of(&address);
	if (connection->local_port != ends->local_port)
		return false;
	length = sizeof(address);
	return getpeername(connection->socket, &address.any, &length) == 0 &&
		port_of(&address) == ends->peer_port && has_ip(&address, ends->peer_ip);
}

HttpConnection *
inf_http_enter_connection(const HttpConnectionEnds *ends)
{
	dlist_iter	it;

	dlist_foreach(it, &open_connections)
	{
		HttpConnection *connection = dlist_container(HttpConnection, node, it.cur);

		if (!has_ends(connection, ends))
			continue;
		connection->nrequests++;
		connection->nmoving++;

		/* most likely the next one's too */
		dlist_move_head(&open_connections, &connection->node);
		return connection;
	}
	return NULL;
}

void
inf_http_leave_connection(HttpConnection *connection)
{
	if (connection == NULL)
		return;
	connection->nmoving--;
	if (connection->is_closed && connection->nmoving == 0)
		free(connection);
}

/*
 * Bytes at the socket of a TLS connection may be a session ticket, which is no
 * harm.  They come with the handshake; so late ones cost a new connection.
 */
bool
inf_http_has_input(const HttpConnection *connection, CURL *easy, bool is_tls)
{
	char		byte;

	/* an end of the stream is left to libcurl, which sees it as we do */
	if (recv(connection->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		return true;
	return is_tls && inf_http_has_tls_input(easy);
}

/* Left alone, as all memory of the parent's libcurl. */
void
inf_http_disown_connections(void)
{
	dlist_init(&open_connections);
}
