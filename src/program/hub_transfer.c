/*
 * hub_transfer.c
 *		A GET from the hub and from where it sends us.
 */
#include "program/hub_transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#define CONNECT_TIMEOUT_S 30L

/* A transfer of less than a byte a second for this long is dead. */
#define STALL_TIMEOUT_S 60L

/* The hub itself needs two. */
#define MAX_REDIRECTS 10

#define MAX_URL_BYTES 8192

struct HubTransfer
{
	CURL	   *curl;
	char	   *origin;			/* of the endpoint: "https://host:443" */
	bool		may_be_plain;	/* the endpoint itself is http */
	struct curl_slist *token_header;	/* NULL: no token */
	char		curl_problem[CURL_ERROR_SIZE];

	/* Of the request that is on its way */
	const HubSink *sink;
	HubAnswer  *answer;
	int64_t		offset;			/* asked for */
	int64_t		range_begin;	/* of the answer; -1: it does not say */
	bool		has_begun;
};

/* --- Addresses ----------------------------------------------------------- */

/*
 * Takes an address apart.  NULL unless it is http or https, has a host and no
 * user name; the caller calls curl_url_cleanup().
 */
static CURLU *
parse_url(const char *url)
{
	CURLU	   *parts = curl_url();
	char	   *scheme = NULL;
	bool		good = parts && strlen(url) <= MAX_URL_BYTES &&
		curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		(strcasecmp(scheme, "https") == 0 || strcasecmp(scheme, "http") == 0);

	curl_free(scheme);
	if (good)
		return parts;
	curl_url_cleanup(parts);
	return NULL;
}

/*
 * "scheme://host:port", malloc'ed, the port always there; NULL if it is no
 * address.  host may be NULL.
 */
static char *
origin_of(const char *url, char *host, size_t host_size)
{
	CURLU	   *parts = parse_url(url);
	char	   *scheme = NULL;
	char	   *name = NULL;
	char	   *port = NULL;
	char	   *origin = NULL;

	if (parts &&
		curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		asprintf(&origin, "%s://%s:%s", scheme, name, port) < 0)
		origin = NULL;
	if (origin && host)
		(void) snprintf(host, host_size, "%.100s", name);
	curl_free(scheme);
	curl_free(name);
	curl_free(port);
	curl_url_cleanup(parts);
	return origin;
}

static bool
has_part(CURLU *parts, CURLUPart part)
{
	char	   *value = NULL;
	const bool	has = curl_url_get(parts, part, &value, 0) == CURLUE_OK;

	curl_free(value);
	return has;
}

bool
inf_hub_check_endpoint(const char *endpoint, bool *is_private)
{
	static const char *const here[] = {"127.0.0.1", "localhost", "[::1]"};
	CURLU	   *parts = strstr(endpoint, "://") ? parse_url(endpoint) : NULL;
	char		host[128];
	char	   *origin;

	if (parts == NULL || has_part(parts, CURLUPART_QUERY) ||
		has_part(parts, CURLUPART_FRAGMENT))
	{
		curl_url_cleanup(parts);
		return false;
	}
	curl_url_cleanup(parts);
	origin = origin_of(endpoint, host, sizeof(host));
	if (origin == NULL)
		return false;
	*is_private = strncasecmp(origin, "https:", 6) == 0;
	free(origin);
	for (size_t i = 0; i < sizeof(here) / sizeof(*here); i++)
		*is_private = *is_private || strcasecmp(host, here[i]) == 0;
	return true;
}

char *
inf_hub_escape(const char *part)
{
	char	   *escaped = curl_easy_escape(NULL, part, 0);
	char	   *copy = escaped ? strdup(escaped) : NULL;

	curl_free(escaped);
	return copy;
}

/* --- What libcurl calls -------------------------------------------------- */

/* The value behind "Name:", without blanks around it; NULL for another name. */
static const char *
header_value(char *line, const char *name)
{
	const size_t length = strlen(name);
	char	   *value = line + length + 1;

	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	value += strspn(value, " \t");
	value[strcspn(value, "\r\n")] = '\0';
	return value;
}

static size_t
take_header(char *bytes, size_t size, size_t n, void *context)
{
	HubTransfer *transfer = context;
	HubAnswer  *answer = transfer->answer;
	char		line[256];
	const char *value;

	(void) snprintf(line, sizeof(line), "%.*s", (int) (n < 250 ? n : 250), bytes);
	if (strncasecmp(line, "HTTP/", 5) == 0)
	{
		/* A new answer: what was said before was another one's. */
		answer->code[0] = '\0';
		transfer->range_begin = -1;
	}
	else if ((value = header_value(line, "x-error-code")))
		(void) snprintf(answer->code, sizeof(answer->code), "%.39s", value);
	else if ((value = header_value(line, "content-range")))
		(void) sscanf(value, "bytes %" SCNd64 "-", &transfer->range_begin);
	return n;
}

/* Tells the sink where the body belongs; false if it is not wanted. */
static bool
begin_body(HubTransfer *transfer)
{
	HubAnswer  *answer = transfer->answer;
	long		status = 0;

	transfer->has_begun = true;
	(void) curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 206 && transfer->range_begin != transfer->offset)
	{
		answer->is_range_refused = true;
		return false;
	}
	if (!transfer->sink->begin(transfer->sink->context,
							   status == 206 ? transfer->offset : 0))
		answer->is_stopped = true;
	return !answer->is_stopped;
}

static size_t
take_body(char *bytes, size_t size, size_t n, void *context)
{
	HubTransfer *transfer = context;
	long		status = 0;

	/* What redirects and errors say in their bodies is for browsers. */
	(void) curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 && status != 206)
		return n;
	if (!transfer->has_begun && !begin_body(transfer))
		return 0;
	if (!transfer->sink->take(transfer->sink->context, bytes, n))
		transfer->answer->is_stopped = true;
	return transfer->answer->is_stopped ? 0 : n;
}

/* --- Opening ------------------------------------------------------------- */

static bool
set_options(HubTransfer *transfer, const HubTransferOptions *options)
{
	CURL	   *curl = transfer->curl;

	if (options->token)
	{
		char	   *header;

		if (asprintf(&header, "Authorization: Bearer %s", options->token) < 0)
			return false;
		transfer->token_header = curl_slist_append(NULL, header);
		free(header);
		if (transfer->token_header == NULL)
			return false;
	}
	if (options->ca_bundle &&
		curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_bundle) != CURLE_OK)
		return false;
	if (options->proxy &&
		curl_easy_setopt(curl, CURLOPT_PROXY, options->proxy) != CURLE_OK)
		return false;
	return curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->curl_problem) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_USERAGENT, "inference-engine/" INFERENCE_VERSION) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_TIMEOUT_S) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
}

HubTransfer *
inf_hub_transfer_open(const HubTransferOptions *options, EngineError *error)
{
	HubTransfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
	{
		transfer->curl = curl_easy_init();
		transfer->origin = origin_of(options->endpoint, NULL, 0);
	}
	if (transfer && transfer->curl && transfer->origin && set_options(transfer, options))
	{
		transfer->may_be_plain = strncmp(transfer->origin, "http:", 5) == 0;
		return transfer;
	}
	(void) inf_engine_fail(error, ENGINE_NO_MEMORY, "could not initialize libcurl");
	inf_hub_transfer_close(transfer);
	return NULL;
}

void
inf_hub_transfer_close(HubTransfer *transfer)
{
	if (transfer == NULL)
		return;
	curl_easy_cleanup(transfer->curl);
	curl_slist_free_all(transfer->token_header);
	free(transfer->origin);
	free(transfer);
}

/* --- A request ----------------------------------------------------------- */

static bool
fail(HubAnswer *answer, bool may_pass, const char *problem)
{
	(void) snprintf(answer->problem, sizeof(answer->problem), "%s", problem);
	answer->may_pass = may_pass;
	return false;
}

/* Tells libcurl where to go, and whether with the token. */
static bool
aim(HubTransfer *transfer, const char *url)
{
	HubAnswer  *answer = transfer->answer;
	char	   *origin = origin_of(url, answer->host, sizeof(answer->host));
	const bool	is_home = origin && strcasecmp(origin, transfer->origin) == 0;
	const bool	is_plain = origin && strncasecmp(origin, "https:", 6) != 0;
	char		range[32] = "";

	free(origin);
	if (origin == NULL)
		return fail(answer, false, "it redirects to something other than an http or https address");
	if (is_plain && !transfer->may_be_plain)
		return fail(answer, false, "it redirects from https to http, which anyone on the way could read and change");
	if (transfer->offset > 0)
		(void) snprintf(range, sizeof(range), "%" PRId64 "-", transfer->offset);
	if (curl_easy_setopt(transfer->curl, CURLOPT_URL, url) != CURLE_OK ||
		curl_easy_setopt(transfer->curl, CURLOPT_RANGE, range[0] ? range : NULL) != CURLE_OK ||
		curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER,
						 is_home ? transfer->token_header : NULL) != CURLE_OK)
		return fail(answer, false, "out of memory");
	return true;
}

/* Which failures may be over in a moment. */
static bool
is_passing(CURLcode code)
{
	switch (code)
	{
		case CURLE_COULDNT_CONNECT:
		case CURLE_PARTIAL_FILE:
		case CURLE_OPERATION_TIMEDOUT:
		case CURLE_GOT_NOTHING:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
		case CURLE_SSL_CONNECT_ERROR:
			return true;
		default:
			return false;
	}
}

/* libcurl's own words, but where they show the proxy, which may hold a password. */
static bool
fail_with_code(HubTransfer *transfer, CURLcode code)
{
	const char *words = transfer->curl_problem;

	if (words[0] == '\0' || strncmp(words, "Unsupported proxy", 17) == 0)
		words = curl_easy_strerror(code);
	return fail(transfer->answer, is_passing(code), words);
}

static bool
is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* One request; *next is where it leads, malloc'ed, or NULL. */
static bool
get_once(HubTransfer *transfer, const char *url, char **next)
{
	HubAnswer  *answer = transfer->answer;
	long		status = 0;
	curl_off_t	retry_after = 0;
	char	   *location = NULL;
	CURLcode	code;

	*next = NULL;
	if (!aim(transfer, url))
		return false;
	transfer->curl_problem[0] = '\0';
	transfer->has_begun = false;
	code = curl_easy_perform(transfer->curl);
	(void) curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	(void) curl_easy_getinfo(transfer->curl, CURLINFO_RETRY_AFTER, &retry_after);
	answer->status = status;
	answer->retry_after_s = retry_after;
	if (answer->is_stopped || answer->is_range_refused)
		return false;
	if (code != CURLE_OK)
		return fail_with_code(transfer, code);
	if (is_redirect(status))
	{
		(void) curl_easy_getinfo(transfer->curl, CURLINFO_REDIRECT_URL, &location);
		*next = location ? strdup(location) : NULL;
		return *next || fail(answer, false, "it redirects without saying where to");
	}
	answer->is_range_refused = status == 416;
	answer->may_pass = status == 408 || status == 429 || status >= 500;
	if (status != 200 && status != 206)
		return false;
	return transfer->has_begun || begin_body(transfer);
}

bool
inf_hub_transfer_get(HubTransfer *transfer, const char *url, int64_t offset,
					 const HubSink *sink, HubAnswer *answer)
{
	char	   *at = strdup(url);
	bool		good = at != NULL;

	memset(answer, 0, sizeof(*answer));
	transfer->sink = sink;
	transfer->answer = answer;
	transfer->offset = offset;
	if (!good)
		return fail(answer, false, "out of memory");
	for (int i = 0; good && at; i++)
	{
		char	   *next;

		good = i <= MAX_REDIRECTS ? get_once(transfer, at, &next) :
			fail(answer, false, "it redirects in a circle");
		free(at);
		at = good ? next : NULL;
	}
	return good;
}
