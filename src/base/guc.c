/*
 * guc.c
 *		All settings of the module, alphabetical.
 *
 * Contexts are chosen by who may be trusted with what.  Limits that cost only
 * the session that sets them are the user's (PGC_USERSET).  Whatever decides
 * where requests, and with them keys and texts, travel is the superuser's
 * (PGC_SUSET): whoever may set both a destination and a file can send the one
 * to the other.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "base/compat.h"
#include "base/guc.h"

char	   *inf_guc_allowed_hosts = NULL;
bool		inf_guc_allow_private_addresses = false;
bool		inf_guc_batching = true;
char	   *inf_guc_ca_bundle = NULL;
int			inf_guc_cache_size = 0;
int			inf_guc_connect_timeout = 5000;
char	   *inf_guc_elser_url = NULL;
int			inf_guc_max_batch_inputs = 0;
int			inf_guc_max_concurrent_requests = 8;
int			inf_guc_max_response_size = 50 * 1024;
int			inf_guc_max_retries = 3;
char	   *inf_guc_proxy = NULL;
int			inf_guc_request_timeout = 30000;
int			inf_guc_retry_timeout = 60000;

/* Settings that say where requests may travel. */
static void
define_routes(void)
{
	DefineCustomStringVariable("inference.allowed_hosts",
							   "Hosts that models may send requests to.",
							   "Comma-separated names; \"*.example.org\" stands for any name below it. Empty allows any host.",
							   &inf_guc_allowed_hosts,
							   "",
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);

	DefineCustomBoolVariable("inference.allow_private_addresses",
							 "Allows requests to loopback and private network addresses.",
							 "Needed for models served on this machine or inside the network. Link-local addresses, where clouds serve credentials, are always refused.",
							 &inf_guc_allow_private_addresses,
							 false,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("inference.ca_bundle",
							   "File with the certificate authorities (PEM) that servers are checked against.",
							   "Empty means those of the operating system.",
							   &inf_guc_ca_bundle,
							   "",
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);

	/*
	 * Keys of elser models without a URL of their own follow this, so it is
	 * a superuser's choice although it looks like a convenience.
	 */
	DefineCustomStringVariable("inference.elser_url",
							   "URL of the ELSER server for models without a url of their own.",
							   "If its path contains \"/_inference/\", Elasticsearch's protocol is used, else that of Hugging Face.",
							   &inf_guc_elser_url,
							   "",
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);

	/* Proxy addresses often carry a password: superusers only may look. */
	DefineCustomStringVariable("inference.proxy",
							   "Proxy for all requests, for example \"http://proxy.example.org:3128\".",
							   "Empty means none, whatever the server's environment says.",
							   &inf_guc_proxy,
							   "",
							   PGC_SUSET, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
}

/* Settings that bound what one session may use. */
static void
define_limits(void)
{
	DefineCustomBoolVariable("inference.batching",
							 "Batches the texts of the rows that a query reads.",
							 "If off, every call makes a request for each row. Applies when a statement is planned.",
							 &inf_guc_batching,
							 true,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	/*
	 * Off by default: an answer that is paid for twice is a cost, an answer
	 * that is kept is memory of every backend.
	 */
	DefineCustomIntVariable("inference.cache_size",
							"Memory in which a session caches embeddings, so that equal texts need no request.",
							"0 disables the cache.",
							&inf_guc_cache_size,
							0, 0, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	/* Five seconds, as Elasticsearch: longer only hides a dead route. */
	DefineCustomIntVariable("inference.connect_timeout",
							"Longest wait for a connection to a service, name resolution included.",
							NULL,
							&inf_guc_connect_timeout,
							5000, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("inference.max_batch_inputs",
							"Most texts in one request.",
							"0 means the limit of the service; calls over rows then send at most 64.",
							&inf_guc_max_batch_inputs,
							0, 0, 100000,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("inference.max_concurrent_requests",
							"Most requests that one statement keeps in flight.",
							NULL,
							&inf_guc_max_concurrent_requests,
							8, 1, 256,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	/*
	 * 50 MB, as Elasticsearch: 2048 vectors of 1536 dimensions are about 40
	 * MB of JSON.  1 GB is the most that a value could hold.
	 */
	DefineCustomIntVariable("inference.max_response_size",
							"Largest response that is accepted from a service.",
							NULL,
							&inf_guc_max_response_size,
							50 * 1024, 1, 1024 * 1024 - 1,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("inference.max_retries",
							"Maximum number of times that a failed request is retried.",
							NULL,
							&inf_guc_max_retries,
							3, 0, 100,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("inference.request_timeout",
							"Longest time that one request may take.",
							NULL,
							&inf_guc_request_timeout,
							30000, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("inference.retry_timeout",
							"Time after which a failed request is not retried.",
							"Counted from its first attempt; if the service asks for a longer wait, the call fails at once.",
							&inf_guc_retry_timeout,
							60000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
}

void
inf_guc_init(void)
{
	define_routes();
	define_limits();
	MarkGUCPrefixReserved("inference");
}
