/*
 * slow_resolver.c
 *		For tests: a name server that never answers, for one name.
 *
 * Preloaded into the server, so that a session can be caught while it resolves
 * a name.  Threads that wait here do not see signals meant for the session.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#define STALLED_NAME "stalled.test"

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			struct addrinfo **result)
{
	int			(*real) (const char *, const char *, const struct addrinfo *,
						 struct addrinfo **);

	if (node && strcmp(node, STALLED_NAME) == 0)
	{
		sleep(600);
		return EAI_AGAIN;
	}
	*(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, result);
}
