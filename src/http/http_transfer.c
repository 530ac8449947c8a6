/*
 * http_transfer.c
 *		One transfer: what it asks of libcurl, what libcurl tells it, and how
 *		it ended.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "miscadmin.h"

#include "base/compat.h"
#include "http/http_tls.h"
#include "http/http_transfer.h"
#include "http/http_url.h"
#include "http/http_wait.h"

#ifndef INFERENCE_VERSION
#define INFERENCE_VERSION "dev"
#endif

/* CAs that were read once are read again after this: files get mended. */
#define CA_CACHE_TIMEOUT_S 60L

static bool check_headers(HttpTransfer *transfer, const HttpRequest *request);
static bool has_controls(const char *text);
static bool add_headers(HttpTransfer *transfer, const HttpRequest *request);
static CURLcode set_limits(CURL *easy, const HttpOptions *options);
static CURLcode set_route(CURL *easy, const HttpOptions *options);
static CURLcode set_tls(CURL *easy, const HttpOptions *options);
static CURLcode set_callbacks(CURL *easy);
#if INF_HAVE_CURL_PREREQ
static int	judge_connection(void *arg, char *peer_ip, char *local_ip,
							 int peer_port, int local_port);
#endif
static size_t take_header(char *line, size_t size, size_t nitems, void *arg);
static void mark_unasked(HttpTransfer *transfer, const char *line, size_t length);
static int	take_trace(CURL *easy, curl_infotype type, char *bytes, size_t length,
					   void *arg);
static size_t take_body(char *bytes, size_t size, size_t nmemb, void *arg);
static curl_socket_t open_socket(void *arg, curlsocktype purpose,
								 struct curl_sockaddr *address);
static int	close_socket(void *arg, curl_socket_t socket);
static void refuse_address(HttpTransfer *transfer, const struct sockaddr *address,
						   HttpGuardVerdict verdict);
static void describe_verdict(char *detail, HttpGuardVerdict verdict,
							 const char *subject);
static HttpOutcome outcome_of(const HttpTransfer *transfer, CURLcode code);
static HttpOutcome outcome_of_timeout(const HttpTransfer *transfer);
static HttpOutcome outcome_of_answer(const HttpTransfer *transfer);
static void describe_end(HttpTransfer *transfer, CURLcode code);
static void add_system_error(HttpTransfer *transfer);

/* Sets an option unless one before it failed. */
#define SET(option, value) \
	do { \
		if (code == CURLE_OK) \
			code = curl_easy_setopt(easy, (option), (value)); \
	} while (0)

HttpTransfer *
inf_http_make_transfer(const HttpRequest *request, const HttpOptions *options,
					   void *owner)
{
	HttpTransfer *transfer = calloc(1, sizeof(HttpTransfer));

	if (transfer == NULL)
		return NULL;
	transfer->owner = owner;
	transfer->pid = MyProcPid;
	transfer->guard.allow_private_addresses =
		options->guard.allow_private_addresses;
	transfer->has_proxy = options->proxy != NULL && options->proxy[0] != '\0';
	transfer->has_tls_proxy = transfer->has_proxy &&
		strncasecmp(options->proxy, "https:", 6) == 0;
	transfer->is_tls = strncasecmp(request->url, "https:", 6) == 0;
	transfer->body_bytes = request->body_bytes;
	transfer->total_timeout_ms = options->total_timeout_ms;
	transfer->started_ms = inf_http_now_ms();
	inf_http_init_answer(&transfer->answer, options->max_response_bytes,
						 &request->sink);
	return transfer;
}

bool
inf_http_check_request(HttpTransfer *transfer, const HttpRequest *request,
					   const HttpOptions *options)
{
	const char *fault = inf_http_check_url(request->url);
	char		host[INF_HTTP_ORIGIN_BYTES];
	HttpGuardVerdict verdict;

	if (fault != NULL)
	{
		inf_http_end_transfer(transfer, HTTP_FAILED, fault);
		return false;
	}
	if (!check_headers(transfer, request))
		return false;

	if (!inf_http_url_host(request->url, host))
	{
		inf_http_end_transfer(transfer, HTTP_FAILED, "out of memory");
		return false;
	}
	verdict = inf_http_guard_host(&options->guard, host);
	if (verdict != HTTP_GUARD_ALLOWED)
	{
		char		detail[INF_HTTP_DETAIL_BYTES];

		describe_verdict(detail, verdict, host);
		inf_http_end_transfer(transfer, HTTP_ADDRESS_REFUSED, detail);
		return false;
	}
	return true;
}

/* A line break in a value would smuggle in a header, or a whole request. */
static bool
check_headers(HttpTransfer *transfer, const HttpRequest *request)
{
	int			i;

	for (i = 0; i < request->nheaders; i++)
	{
		char		detail[INF_HTTP_DETAIL_BYTES];

		if (!has_controls(request->headers[i].name) &&
			!has_controls(request->headers[i].value))
			continue;
		snprintf(detail, sizeof(detail),
				 "the value of header \"%s\" contains a control character",
				 request->headers[i].name);
		inf_http_end_transfer(transfer, HTTP_FAILED, detail);
		return false;
	}
	return true;
}

static bool
has_controls(const char *text)
{
	for (; *text != '\0'; text++)
	{
		unsigned char c = *text;

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

CURLcode
inf_http_configure_easy(CURL *easy, const char *url, const HttpOptions *options,
						bool is_apart)
{
	CURLcode	code = CURLE_OK;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_ACCEPT_ENCODING, "");	/* all that libcurl can undo */
	SET(CURLOPT_USERAGENT, "inference/" INFERENCE_VERSION);
	if (code == CURLE_OK)
		code = set_limits(easy, options);
	if (code == CURLE_OK)
		code = set_route(easy, options);
	if (code == CURLE_OK)
		code = set_tls(easy, options);
	if (code == CURLE_OK)
		code = set_callbacks(easy);
	/*
	 * A transfer waits for the first connection's handshake, to see whether
	 * it takes more than one at a time (HTTP/2).
	 */
	if (strncasecmp(url, "https:", 6) == 0)
		SET(CURLOPT_PIPEWAIT, 1L);
	if (is_apart)
	{
		SET(CURLOPT_FRESH_CONNECT, 1L);
		SET(CURLOPT_FORBID_REUSE, 1L);
		/* nor may others join in, as HTTP/2 would let them */
		SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	}
	return code;
}

CURLcode
inf_http_load_easy(HttpTransfer *transfer, HttpEasy *told,
				   const HttpRequest *request)
{
	CURL	   *easy = told->curl;
	CURLcode	code = CURLE_OK;

	transfer->easy = told;
	if (!add_headers(transfer, request))
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_bytes);
	SET(CURLOPT_POSTFIELDS, request->body_bytes > 0 ? request->body : "");
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->curl_error);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_WRITEDATA, &transfer->answer);
	SET(CURLOPT_DEBUGDATA, &transfer->answer);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
#if INF_HAVE_CURL_PREREQ
	SET(CURLOPT_PREREQDATA, transfer);
#endif
	return code;
}

void
inf_http_unload_easy(HttpEasy *told)
{
	CURL	   *easy = told->curl;
	CURLcode	code = CURLE_OK;

	SET(CURLOPT_POSTFIELDS, "");
	SET(CURLOPT_HTTPHEADER, NULL);
	SET(CURLOPT_PRIVATE, NULL);
	SET(CURLOPT_ERRORBUFFER, NULL);
	SET(CURLOPT_HEADERDATA, NULL);
	SET(CURLOPT_WRITEDATA, NULL);
	SET(CURLOPT_DEBUGDATA, NULL);
	SET(CURLOPT_VERBOSE, 0L);
	SET(CURLOPT_OPENSOCKETDATA, NULL);
#if INF_HAVE_CURL_PREREQ
	SET(CURLOPT_PREREQDATA, NULL);
#endif
	SET(CURLOPT_FRESH_CONNECT, 0L);
	(void) code;
}

/*
 * The list is ours and not made by curl_slist_append(), which would leave
 * copies of secrets behind in freed memory.
 */
static bool
add_headers(HttpTransfer *transfer, const HttpRequest *request)
{
	int			nlines = 0;
	int			i;

	for (i = 0; i < request->nheaders; i++)
	{
		const HttpHeader *header = &request->headers[i];
		size_t		name_length = strlen(header->name);
		size_t		value_length = strlen(header->value);
		char	   *line = malloc(name_length + value_length + 3);

		if (line == NULL)
			return false;
		/* to libcurl, "Name:" means without that header, "Name;" empty */
		strcpy(line, header->name);
		strcat(line, value_length > 0 ? ": " : ";");
		strcat(line, header->value);
		transfer->headers[nlines].data = line;
		if (nlines > 0)
			transfer->headers[nlines - 1].next = &transfer->headers[nlines];
		nlines++;
	}

	/* waiting for "100 Continue" costs a round trip, or a second */
	transfer->headers[nlines].data = strdup("Expect:");
	if (nlines > 0)
		transfer->headers[nlines - 1].next = &transfer->headers[nlines];
	return transfer->headers[nlines].data != NULL;
}

static CURLcode
set_limits(CURL *easy, const HttpOptions *options)
{
	CURLcode	code = CURLE_OK;

	/* 0 would mean libcurl's default or no limit */
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) Max(options->connect_timeout_ms, 1));
	SET(CURLOPT_TIMEOUT_MS, (long) Max(options->total_timeout_ms, 1));
	SET(CURLOPT_MAXFILESIZE_LARGE,
		(curl_off_t) Max(options->max_response_bytes, 1));
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
#if INF_HAVE_CURL_QUICK_EXIT
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
#if INF_HAVE_CURL_PROTOCOLS_STR
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
	SET(CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	return code;
}

/* Sets every option, so that no environment variable counts. */
static CURLcode
set_route(CURL *easy, const HttpOptions *options)
{
	CURLcode	code = CURLE_OK;

	SET(CURLOPT_PROXY, options->proxy != NULL ? options->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	return code;
}

static CURLcode
set_tls(CURL *easy, const HttpOptions *options)
{
	CURLcode	code = CURLE_OK;

	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (code == CURLE_OK)
		code = inf_http_refuse_keylog_of(easy);
#if INF_HAVE_CURL_QUICK_EXIT
	/* this option is as old as that one */
	SET(CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_TIMEOUT_S);
#endif
	if (options->ca_bundle == NULL || options->ca_bundle[0] == '\0')
		return code;

	/* in place of the system's, which may have a directory as well */
	SET(CURLOPT_CAINFO, options->ca_bundle);
	SET(CURLOPT_CAPATH, NULL);
	if (options->proxy != NULL && options->proxy[0] != '\0')
	{
		SET(CURLOPT_PROXY_CAINFO, options->ca_bundle);
		SET(CURLOPT_PROXY_CAPATH, NULL);
	}
	return code;
}

static CURLcode
set_callbacks(CURL *easy)
{
	CURLcode	code = CURLE_OK;

	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_DEBUGFUNCTION, take_trace);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
#if INF_HAVE_CURL_PREREQ
	SET(CURLOPT_PREREQFUNCTION, judge_connection);
#else
	/* nobody looks at a connection before it is used again: none is */
	SET(CURLOPT_FORBID_REUSE, 1L);
#endif
	return code;
}

#if INF_HAVE_CURL_PREREQ
/*
 * libcurl has chosen a connection and is about to send.  What arrives while the
 * request is on its way cannot be told from its answer, by anybody; all that
 * arrived before can.
 */
static int
judge_connection(void *arg, char *peer_ip, char *local_ip, int peer_port,
				 int local_port)
{
	HttpTransfer *transfer = arg;
	HttpConnectionEnds ends = {peer_ip, peer_port, local_port};
	HttpConnection *connection = inf_http_enter_connection(&ends);
	bool		has_input;

	transfer->connection = connection;
	if (connection != NULL &&
		(connection->is_multiplexed || connection->nmoving > 1))
		return CURL_PREREQFUNC_OK;
	has_input = connection == NULL || connection->is_spoilt ||
		inf_http_has_input(connection, transfer->easy->curl, transfer->is_tls);

	if (transfer->is_fresh || (connection != NULL && connection->nrequests == 1))
	{
		/* a new one, on which TLS may have brought session tickets */
		transfer->is_unasked = connection != NULL && has_input &&
			!transfer->is_tls && !transfer->has_tls_proxy;
		return CURL_PREREQFUNC_OK;
	}
	transfer->is_refused = has_input || transfer->has_tls_proxy;
	if (!transfer->is_refused)
		return CURL_PREREQFUNC_OK;

	/* or libcurl would choose it again and again, if it speaks HTTP/2 */
	if (connection != NULL)
		(void) shutdown(connection->socket, SHUT_RDWR);
	return CURL_PREREQFUNC_ABORT;
}
#endif

bool
inf_http_wants_fresh(HttpTransfer *transfer, CURLcode code)
{
	if (code != CURLE_ABORTED_BY_CALLBACK || !transfer->is_refused)
		return false;
	inf_http_leave(transfer);
	transfer->is_refused = false;
	transfer->is_fresh = true;
	transfer->curl_error[0] = '\0';
	return curl_easy_setopt(transfer->easy->curl, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
}

void
inf_http_leave(HttpTransfer *transfer)
{
	HttpConnection *connection = transfer->connection;
	long		version = 0;

	if (connection == NULL)
		return;
	(void) curl_easy_getinfo(transfer->easy->curl, CURLINFO_HTTP_VERSION, &version);
	if (version >= CURL_HTTP_VERSION_2_0)
		connection->is_multiplexed = true;
	else if (version == 0)
		;						/* without an answer, libcurl closes it */
	else if (transfer->is_unasked || !inf_http_ended_cleanly(&transfer->answer))
		connection->is_spoilt = true;
	inf_http_leave_connection(connection);
	transfer->connection = NULL;
}

static size_t
take_header(char *line, size_t size, size_t nitems, void *arg)
{
	HttpTransfer *transfer = arg;
	HttpAnswer *answer = &transfer->answer;
	size_t		length = size * nitems;
	bool		was_chunked = answer->is_chunked;

	if (!inf_http_add_header_line(answer, line, length))
		return 0;
	mark_unasked(transfer, line, length);
	if (answer->fault != HTTP_ANSWER_FINE)
		return 0;

	/* only a trace shows the body as it travels */
	if (answer->is_chunked && !was_chunked)
		(void) curl_easy_setopt(transfer->easy->curl, CURLOPT_VERBOSE, 1L);
	return length;
}

/*
 * Embeddings that come before the texts are out are not theirs.  A refusal may
 * come early, and is worth reading.
 */
static void
mark_unasked(HttpTransfer *transfer, const char *line, size_t length)
{
	curl_off_t	sent = 0;

	if (length < 7 || strncasecmp(line, "HTTP/1.", 7) != 0 ||
		transfer->answer.status < 200)
		return;
	if (curl_easy_getinfo(transfer->easy->curl, CURLINFO_SIZE_UPLOAD_T, &sent) == CURLE_OK &&
		(size_t) sent < transfer->body_bytes)
		transfer->is_unasked = true;
	if (transfer->is_unasked && transfer->answer.status < 300)
		transfer->answer.fault = HTTP_ANSWER_UNASKED;
}

static int
take_trace(CURL *easy, curl_infotype type, char *bytes, size_t length, void *arg)
{
	if (type == CURLINFO_DATA_IN && arg != NULL)
		inf_http_add_raw_body(arg, bytes, length);
	return 0;
}

static size_t
take_body(char *bytes, size_t size, size_t nmemb, void *arg)
{
	size_t		length = size * nmemb;

	return inf_http_add_body(arg, bytes, length) ? length : 0;
}

/*
 * Judges the address that a name led to.  A proxy is the superuser's choice
 * and not judged.
 */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	HttpTransfer *transfer = arg;
	curl_socket_t opened;

	if (!transfer->has_proxy)
	{
		HttpGuardVerdict verdict = inf_http_guard_address(&transfer->guard,
														  &address->addr);

		if (verdict != HTTP_GUARD_ALLOWED)
		{
			refuse_address(transfer, &address->addr, verdict);
			return CURL_SOCKET_BAD;
		}
	}

	transfer->has_tried = true;
	opened = socket(address->family, address->socktype, address->protocol);
	if (opened != CURL_SOCKET_BAD)
	{
		(void) fcntl(opened, F_SETFD, FD_CLOEXEC);
		inf_http_note_socket(opened);
	}
	return opened;
}

static int
close_socket(void *arg, curl_socket_t socket)
{
	inf_http_forget_socket(socket);
	return close(socket);
}

static void
refuse_address(HttpTransfer *transfer, const struct sockaddr *address,
			   HttpGuardVerdict verdict)
{
	char		text[INET6_ADDRSTRLEN] = "of a family that is not IP";

	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *) address)->sin_addr,
				  text, sizeof(text));
	else if (address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *) address)->sin6_addr,
				  text, sizeof(text));
	transfer->has_refused = true;
	describe_verdict(transfer->answer.response.detail, verdict, text);
}

static void
describe_verdict(char *detail, HttpGuardVerdict verdict, const char *subject)
{
	const char *format = "host \"%s\" is not in inference.allowed_hosts";

	if (verdict == HTTP_GUARD_PRIVATE_ADDRESS)
		format = "address %s is private; inference.allow_private_addresses is off";
	else if (verdict == HTTP_GUARD_FORBIDDEN_ADDRESS)
		format = "address %s is link-local, multicast or otherwise never allowed";
	snprintf(detail, INF_HTTP_DETAIL_BYTES, format, subject);
}

void
inf_http_conclude_transfer(HttpTransfer *transfer, CURLcode code)
{
	HttpResponse *response = &transfer->answer.response;
	long		status = 0;

	(void) curl_easy_getinfo(transfer->easy->curl, CURLINFO_RESPONSE_CODE, &status);
	response->status = (int) status;
	response->outcome = outcome_of(transfer, code);
	if (response->outcome != HTTP_ANSWERED)
	{
		inf_http_drop_body(&transfer->answer);
		describe_end(transfer, code);
	}
	else
		response->detail[0] = '\0';
}

static HttpOutcome
outcome_of(const HttpTransfer *transfer, CURLcode code)
{
	long		proxy_status = 0;

	/* whatever libcurl calls it, it had nowhere to go */
	if (code != CURLE_OK && transfer->has_refused && !transfer->has_tried)
		return HTTP_ADDRESS_REFUSED;

	switch (code)
	{
		case CURLE_OK:
		case CURLE_WRITE_ERROR:
			return outcome_of_answer(transfer);
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
			return HTTP_UNKNOWN_HOST;
		case CURLE_COULDNT_CONNECT:
		case CURLE_PROXY:
			return HTTP_CANNOT_CONNECT;
		case CURLE_OPERATION_TIMEDOUT:
			return outcome_of_timeout(transfer);
		case CURLE_FILESIZE_EXCEEDED:
			return HTTP_TOO_LARGE;
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_SSL_ENGINE_NOTFOUND:
		case CURLE_SSL_ENGINE_SETFAILED:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_USE_SSL_FAILED:
		case CURLE_SSL_ENGINE_INITFAILED:
		case CURLE_SSL_CLIENTCERT:
			return HTTP_TLS_FAILED;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CRL_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		case CURLE_SSL_INVALIDCERTSTATUS:
			return HTTP_UNTRUSTED;
		case CURLE_PARTIAL_FILE:
		case CURLE_GOT_NOTHING:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
		case CURLE_HTTP3:
			/* a proxy that says no to CONNECT is reported as an error too */
			(void) curl_easy_getinfo(transfer->easy->curl, CURLINFO_HTTP_CONNECTCODE,
									 &proxy_status);
			return proxy_status >= 300 ? HTTP_CANNOT_CONNECT :
				HTTP_CONNECTION_LOST;
		default:
			return HTTP_FAILED;
	}
}

/*
 * libcurl has one error for both timeouts.  Our clock started before its own,
 * so that a total time that is over for libcurl is over here.
 */
static HttpOutcome
outcome_of_timeout(const HttpTransfer *transfer)
{
	int64		elapsed_ms = inf_http_now_ms() - transfer->started_ms;

	return elapsed_ms < transfer->total_timeout_ms ? HTTP_CANNOT_CONNECT :
		HTTP_TIMED_OUT;
}

/* libcurl does not mind when a connection closes amid the headers. */
static HttpOutcome
outcome_of_answer(const HttpTransfer *transfer)
{
	switch (transfer->answer.fault)
	{
		case HTTP_ANSWER_FINE:
			return transfer->answer.has_whole_headers ? HTTP_ANSWERED :
				HTTP_CONNECTION_LOST;
		case HTTP_ANSWER_BODY_TOO_LARGE:
			return HTTP_TOO_LARGE;
		case HTTP_ANSWER_UNASKED:
			return HTTP_CONNECTION_LOST;
		default:
			return HTTP_FAILED;
	}
}

/* In order: what we know ourselves, what libcurl wrote, what it means. */
static void
describe_end(HttpTransfer *transfer, CURLcode code)
{
	HttpResponse *response = &transfer->answer.response;
	const char *text = transfer->curl_error;
	size_t		length;

	if (transfer->has_refused && !transfer->has_tried)
		return;					/* open_socket() has said it */

	if (transfer->answer.fault == HTTP_ANSWER_OUT_OF_MEMORY)
		text = "out of memory";
	else if (transfer->answer.fault == HTTP_ANSWER_HEADERS_TOO_LARGE)
		text = "the answer has more than 300 kB of headers";
	else if (transfer->answer.fault == HTTP_ANSWER_UNASKED)
		text = "the service answered before it was asked";
	else if (response->outcome == HTTP_TOO_LARGE)
		text = "the answer is larger than allowed";
	else if (code == CURLE_OK)
		text = "the connection closed before the headers were complete";
	else if (text[0] == '\0')
		text = curl_easy_strerror(code);
	length = strlen(text);
	/* OpenSSL may have had nothing to say after the blank */
	while (length > 0 && text[length - 1] == ' ')
		length--;
	inf_http_copy_printable(response->detail, INF_HTTP_DETAIL_BYTES,
							text, length);
	if (code == CURLE_COULDNT_CONNECT)
		add_system_error(transfer);
}

/* libcurl leaves out why it could not connect: refused, no route, ... */
static void
add_system_error(HttpTransfer *transfer)
{
	char	   *detail = transfer->answer.response.detail;
	size_t		length = strlen(detail);
	char		reason[128];
	long		os_error = 0;

	(void) curl_easy_getinfo(transfer->easy->curl, CURLINFO_OS_ERRNO, &os_error);
	if (os_error == 0)
		return;
	snprintf(reason, sizeof(reason), " (%s)", strerror((int) os_error));
	inf_http_copy_printable(detail + length, INF_HTTP_DETAIL_BYTES - length,
							reason, strlen(reason));
}

void
inf_http_end_transfer(HttpTransfer *transfer, HttpOutcome outcome,
					  const char *detail)
{
	HttpResponse *response = &transfer->answer.response;

	inf_http_drop_body(&transfer->answer);
	response->outcome = outcome;
	inf_http_copy_printable(response->detail, INF_HTTP_DETAIL_BYTES,
							detail, strlen(detail));
}

void
inf_http_wipe_headers(HttpTransfer *transfer)
{
	int			i;

	for (i = 0; i < (int) lengthof(transfer->headers); i++)
	{
		char	   *line = transfer->headers[i].data;

		if (line == NULL)
			continue;
		explicit_bzero(line, strlen(line));
		free(line);
		transfer->headers[i].data = NULL;
		transfer->headers[i].next = NULL;
	}
}

void
inf_http_drop_transfer(HttpTransfer *transfer)
{
	inf_http_wipe_headers(transfer);
	inf_http_drop_body(&transfer->answer);
	free(transfer);
}
