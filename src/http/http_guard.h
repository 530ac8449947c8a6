/*
 * http_guard.h
 *		Decides which hosts and addresses the server may talk to, so that
 *		whoever may register a model cannot reach what only the server can
 *		(cloud metadata, services on loopback or in the private network).
 *
 * Plain C: no I/O, no throw, no allocation.
 */
#ifndef INFERENCE_HTTP_HTTP_GUARD_H
#define INFERENCE_HTTP_HTTP_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

typedef struct HttpGuard
{
	/*
	 * Comma-separated patterns: "api.openai.com", "*.example.org" (any name
	 * below it), "10.0.0.5", "[::1]"; NULL or empty: any host.  Case does
	 * not matter.
	 */
	const char *allowed_hosts;

	/*
	 * Whether loopback, private (RFC 1918, RFC 4193, RFC 6598) and other
	 * special addresses may be connected to.  Link-local addresses
	 * (169.254/16, fe80::/10) and the few others where clouds serve
	 * credentials are refused always.  IPv4 inside IPv6 (mapped, 6to4, NAT64)
	 * is judged as the IPv4 it is.
	 */
	bool		allow_private_addresses;
} HttpGuard;

typedef enum HttpGuardVerdict
{
	HTTP_GUARD_ALLOWED,
	HTTP_GUARD_HOST_NOT_LISTED,
	HTTP_GUARD_PRIVATE_ADDRESS,
	HTTP_GUARD_FORBIDDEN_ADDRESS	/* link-local, multicast, unspecified,
									 * not IP */
} HttpGuardVerdict;

/*
 * host as it stands in the URL, brackets of an IPv6 literal included.  A host
 * that is an address must be listed and is judged as that address as well.
 */
extern HttpGuardVerdict inf_http_guard_host(const HttpGuard *guard,
											const char *host);
extern HttpGuardVerdict inf_http_guard_address(const HttpGuard *guard,
											   const struct sockaddr *address);

#endif							/* INFERENCE_HTTP_HTTP_GUARD_H */
