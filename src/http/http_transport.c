/*
 * http_transport.c
 *		Moves HTTP requests and their answers: many at once, over connections
 *		that live as long as the backend.
 *
 * One libcurl "multi" does the moving.  It tells us which sockets it waits for
 * and when it wants to be called at the latest; the sockets stand behind one
 * descriptor (http_poll.h), and that stands beside latch and postmaster in one
 * wait event set, so that nothing delays a cancel.
 *
 * Kept connections were opened under a route (proxy, CA file, addresses
 * allowed).  A transfer under another route must not travel on them; see
 * choose_route().
 */
#include "postgres.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <curl/curl.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"

#include "http/http_connection.h"
#include "http/http_easy.h"
#include "http/http_poll.h"
#include "http/http_tls.h"
#include "http/http_transfer.h"
#include "http/http_transport.h"
#include "http/http_wait.h"

/*
 * Idle connections.  More than a statement has flights, few enough to be no
 * burden among the 1000 files of a backend.
 */
#define MAX_IDLE_CONNECTIONS 64L

/* Sockets looked at in one go; the rest are still there in the next. */
#define MAX_READY 32

/* Without a wait event set nothing moves; give the caller a chance to see. */
#define UNREADY_WAIT_MS 1000

#define NO_TIMER INF_HTTP_NEVER

/* What a connection depends on, besides where it leads. */
typedef struct HttpRoute
{
	char	   *ca_bundle;
	char	   *proxy;
	bool		allow_private_addresses;
} HttpRoute;

typedef struct HttpTransport
{
	/* Of this process; anything from before a fork is left alone */
	pid_t		pid;
	bool		is_global_ready;	/* curl_global_init() has succeeded */

	/* Waiting */
	int			poll_fd;		/* -1: not open yet */
	WaitEventSet *wait_set;		/* NULL: not made yet */
	int64		timer_due_ms;	/* when libcurl wants to be called */

	/* While a name begins to be resolved */
	bool		has_blocked_signals;
	sigset_t	saved_signals;

	/* Moving */
	CURLM	   *multi;			/* NULL: to be made by the next transfer */
	CURLSH	   *share;			/* TLS sessions, for connections made anew */
	HttpRoute	route;			/* of the connections that multi keeps */
	bool		has_failed;		/* a socket could not be watched */
	dlist_head	moving;
	dlist_head	finished;
	int			nmoving;

	/* Resources kept for the next transfers */
	int			nreserved_fds;	/* told to fd.c; the most ever in flight */
} HttpTransport;

static HttpTransport transport;

static bool get_ready(void);
static bool make_multi(void);
static CURLSH *make_share(void);
static bool choose_route(const HttpOptions *options, bool *is_apart);
static bool same_text(const char *a, const char *b);
static bool set_route(const HttpOptions *options);
static bool reserve_descriptor(void);
static bool launch(HttpTransfer *transfer, const HttpRequest *request,
				   const HttpOptions *options, bool is_apart);
static CURLcode configure_easy(CURL *curl, const char *url,
							   const HttpOptions *options, bool is_apart);
static void drive(void);
static void ring_timer(void);
static void end_if_broken(CURLMcode code);
static void gather_finished(void);
static void finish(HttpTransfer *transfer, CURLcode code);
static bool send_anew(HttpTransfer *transfer);
static void fail_all(const char *detail);
static void add_finished(HttpTransfer *transfer);
static void detach_easy(HttpTransfer *transfer);
static void drop_multi(void);
static int	watch_socket(CURL *easy, curl_socket_t socket, int what,
						 void *arg, void *socket_arg);
static int	set_timer(CURLM *multi, long timeout_ms, void *arg);
static void enter_curl(void);
static void leave_curl(void);
static int	block_signals(void *resolver_state, void *reserved, void *arg);

HttpTransfer *
inf_http_start_transfer(const HttpRequest *request, const HttpOptions *options,
						void *owner)
{
	HttpTransfer *transfer;
	bool		is_apart;

	if (!get_ready())
		return NULL;
	transfer = inf_http_make_transfer(request, options, owner);
	if (transfer == NULL)
		return NULL;

	if (!inf_http_check_request(transfer, request, options))
		add_finished(transfer);
	else if (!reserve_descriptor())
	{
		inf_http_end_transfer(transfer, HTTP_CANNOT_CONNECT,
							  "this session has too many open files");
		add_finished(transfer);
	}
	else if (!choose_route(options, &is_apart) ||
			 !launch(transfer, request, options, is_apart))
	{
		inf_http_drop_transfer(transfer);
		return NULL;
	}
	return transfer;
}

void *
inf_http_transfer_owner(const HttpTransfer *transfer)
{
	return transfer->owner;
}

/*
 * Each round looks at the latch before it says anything else: a stream of
 * finished transfers must not put off a cancel.  Nor may a latch that is set
 * all the time put off transfers, so they move in each round too.
 */
HttpWait
inf_http_wait(long timeout_ms, InferenceWait wait)
{
	int64		deadline_ms = INF_HTTP_NEVER;

	if (timeout_ms >= 0)
		deadline_ms = inf_http_now_ms() + timeout_ms;
	if (!get_ready())
		deadline_ms = Min(deadline_ms, inf_http_now_ms() + UNREADY_WAIT_MS);

	for (;;)
	{
		int64		until_ms = Min(deadline_ms, transport.timer_due_ms);
		bool		is_interrupted;

		if (!dlist_is_empty(&transport.finished))
			until_ms = 0;
		is_interrupted = inf_http_sleep(transport.wait_set, until_ms, wait);
		if (is_interrupted)
			ResetLatch(MyLatch);
		drive();

		if (is_interrupted)
			return HTTP_WAIT_INTERRUPTED;
		if (!dlist_is_empty(&transport.finished))
			return HTTP_WAIT_PROGRESS;
		if (inf_http_now_ms() >= deadline_ms)
			return HTTP_WAIT_TIMEOUT;
	}
}

HttpTransfer *
inf_http_next_finished(void)
{
	HttpTransfer *transfer;

	if (transport.pid != MyProcPid || dlist_is_empty(&transport.finished))
		return NULL;
	transfer = dlist_container(HttpTransfer, node,
							   dlist_pop_head_node(&transport.finished));
	transfer->state = HTTP_TRANSFER_HANDED_OUT;
	return transfer;
}

const HttpResponse *
inf_http_response(const HttpTransfer *transfer)
{
	return &transfer->answer.response;
}

void
inf_http_free_transfer(HttpTransfer *transfer)
{
	if (transfer == NULL)
		return;

	/* the lists and libcurl's state of a process that forked us are not ours */
	if (transfer->pid == transport.pid && transfer->pid == MyProcPid)
	{
		if (transfer->state == HTTP_TRANSFER_MOVING)
			detach_easy(transfer);
		else if (transfer->state == HTTP_TRANSFER_FINISHED)
			dlist_delete(&transfer->node);
	}
	inf_http_drop_transfer(transfer);
}

/*
 * Makes what all transfers need and has not been made yet.  False: something
 * could not be made; the next call tries again.
 */
static bool
get_ready(void)
{

	if (transport.pid != MyProcPid)
	{
		/* closing what was the parent's would upset its connections: leave it */
		memset(&transport, 0, sizeof(transport));
		transport.pid = MyProcPid;
		transport.poll_fd = -1;
		transport.timer_due_ms = NO_TIMER;
		dlist_init(&transport.moving);
		dlist_init(&transport.finished);
		inf_http_disown_easies();
		inf_http_disown_connections();
	}

	if (!transport.is_global_ready)
	{
		inf_http_refuse_keylog();
		enter_curl();
		transport.is_global_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
		leave_curl();
	}
	if (transport.poll_fd < 0 && AcquireExternalFD())
	{
		transport.poll_fd = inf_http_poll_open();
		if (transport.poll_fd < 0)
			ReleaseExternalFD();
	}
	if (transport.wait_set == NULL && transport.poll_fd >= 0)
		transport.wait_set = inf_http_make_wait_set(transport.poll_fd);
	return transport.is_global_ready && transport.wait_set != NULL;
}

static bool
make_multi(void)
{
	CURLM	   *multi = curl_multi_init();
	bool		is_set;

	if (multi == NULL)
		return false;
	is_set =
		curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, MAX_IDLE_CONNECTIONS) == CURLM_OK;
	if (!is_set)
	{
		(void) curl_multi_cleanup(multi);
		return false;
	}
	transport.multi = multi;
	transport.share = make_share();
	transport.timer_due_ms = NO_TIMER;
	transport.has_failed = false;
	return true;
}

/* One thread, so no locks.  NULL: handshakes are not shortened. */
static CURLSH *
make_share(void)
{
	CURLSH	   *share = curl_share_init();

	if (share != NULL)
		(void) curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	return share;
}

/*
 * Makes sure that the transfer meets no connection of another route.  With
 * nothing in flight, kept connections are dropped when the route is another
 * one; else the transfer travels apart: on a connection of its own, of which
 * nothing is kept.  False: out of memory.
 */
static bool
choose_route(const HttpOptions *options, bool *is_apart)
{
	const HttpRoute *route = &transport.route;
	bool		is_same = transport.multi != NULL &&
		same_text(route->ca_bundle, options->ca_bundle) &&
		same_text(route->proxy, options->proxy) &&
		route->allow_private_addresses == options->guard.allow_private_addresses;

	*is_apart = false;
	if (is_same)
		return true;
	if (transport.nmoving > 0)
	{
		*is_apart = true;
		return true;
	}
	drop_multi();
	return set_route(options) && make_multi();
}

/* NULL and empty are the same. */
static bool
same_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* Remembers the route; the options are gone before the connections. */
static bool
set_route(const HttpOptions *options)
{
	HttpRoute  *route = &transport.route;

	free(route->ca_bundle);
	free(route->proxy);
	route->ca_bundle = strdup(options->ca_bundle != NULL ? options->ca_bundle : "");
	route->proxy = strdup(options->proxy != NULL ? options->proxy : "");
	route->allow_private_addresses = options->guard.allow_private_addresses;
	return route->ca_bundle != NULL && route->proxy != NULL;
}

/*
 * Tells fd.c of a descriptor for each transfer that is in flight at the same
 * time.  They stay reserved, as connections stay open.  (Counting sockets as
 * libcurl opens and closes them would be exact, but it does not report each
 * close.)
 */
static bool
reserve_descriptor(void)
{
	if (transport.nmoving < transport.nreserved_fds)
		return true;
	if (!AcquireExternalFD())
		return false;
	transport.nreserved_fds++;
	return true;
}

/* Hands the transfer to libcurl, which gets to work at once. */
static bool
launch(HttpTransfer *transfer, const HttpRequest *request,
	   const HttpOptions *options, bool is_apart)
{
	CURLMcode	added = CURLM_OK;
	CURLcode	told;
	HttpEasy   *easy = inf_http_take_easy(configure_easy, request->url, options,
										  is_apart, &told);

	if (easy != NULL)
	{
		told = inf_http_load_easy(transfer, easy, request);
		if (told == CURLE_OK)
		{
			enter_curl();
			added = curl_multi_add_handle(transport.multi, easy->curl);
			leave_curl();
		}
		if (told == CURLE_OK && added == CURLM_OK)
		{
			transfer->state = HTTP_TRANSFER_MOVING;
			dlist_push_tail(&transport.moving, &transfer->node);
			transport.nmoving++;
			ring_timer();
			gather_finished();
			return true;
		}
		transfer->easy = NULL;
		inf_http_unload_easy(easy);
		inf_http_give_easy(easy);
	}
	if (told == CURLE_OUT_OF_MEMORY || added == CURLM_OUT_OF_MEMORY)
		return false;
	inf_http_end_transfer(transfer, HTTP_FAILED,
						  told != CURLE_OK ? curl_easy_strerror(told) :
						  curl_multi_strerror(added));
	add_finished(transfer);
	return true;
}

static CURLcode
configure_easy(CURL *curl, const char *url, const HttpOptions *options,
			   bool is_apart)
{
	CURLcode	code = inf_http_configure_easy(curl, url, options, is_apart);

	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_RESOLVER_START_FUNCTION,
								block_signals);
	if (code == CURLE_OK && transport.share != NULL && !is_apart)
		code = curl_easy_setopt(curl, CURLOPT_SHARE, transport.share);
	return code;
}

/* Lets libcurl do what can be done without waiting. */
static void
drive(void)
{
	HttpPollEvent ready[MAX_READY];
	CURLMcode	code = CURLM_OK;
	int			nready;
	int			nrunning;
	int			i;

	if (transport.multi == NULL)
		return;

	nready = inf_http_poll_ready(transport.poll_fd, ready, MAX_READY);
	enter_curl();
	for (i = 0; i < nready && code == CURLM_OK; i++)
	{
		int			what = (ready[i].readable ? CURL_CSELECT_IN : 0) |
			(ready[i].writable ? CURL_CSELECT_OUT : 0) |
			(ready[i].failed ? CURL_CSELECT_ERR : 0);

		code = curl_multi_socket_action(transport.multi, ready[i].socket, what,
										&nrunning);
	}
	leave_curl();
	end_if_broken(code);
	ring_timer();
	gather_finished();
}

/* Calls libcurl if it is time; a transfer that was added moves by that. */
static void
ring_timer(void)
{
	CURLMcode	code;
	int			nrunning;

	if (transport.multi == NULL || inf_http_now_ms() < transport.timer_due_ms)
		return;

	/* it rings once; libcurl sets it again as it likes */
	transport.timer_due_ms = NO_TIMER;
	enter_curl();
	code = curl_multi_socket_action(transport.multi, CURL_SOCKET_TIMEOUT, 0,
									&nrunning);
	leave_curl();
	end_if_broken(code);
}

static void
end_if_broken(CURLMcode code)
{
	if (code != CURLM_OK)
		fail_all(curl_multi_strerror(code));
	else if (transport.has_failed)
		fail_all("could not watch a socket");
}

static void
gather_finished(void)
{
	CURLMsg    *message;
	int			nleft;

	while (transport.multi != NULL &&
		   (message = curl_multi_info_read(transport.multi, &nleft)) != NULL)
	{
		char	   *transfer = NULL;

		if (message->msg == CURLMSG_DONE &&
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
							  &transfer) == CURLE_OK)
			finish((HttpTransfer *) transfer, message->data.result);
	}
}

static void
finish(HttpTransfer *transfer, CURLcode code)
{
	if (inf_http_wants_fresh(transfer, code) && send_anew(transfer))
		return;
	inf_http_conclude_transfer(transfer, code);
	detach_easy(transfer);
	add_finished(transfer);
}

/* Nothing has been sent: the connection that was there was not to be used. */
static bool
send_anew(HttpTransfer *transfer)
{
	CURLMcode	code;

	enter_curl();
	(void) curl_multi_remove_handle(transport.multi, transfer->easy->curl);
	code = curl_multi_add_handle(transport.multi, transfer->easy->curl);
	leave_curl();
	return code == CURLM_OK;
}

/*
 * Something broke that is not one transfer's fault.  All end, and the next
 * finds everything new.
 */
static void
fail_all(const char *detail)
{
	while (!dlist_is_empty(&transport.moving))
	{
		HttpTransfer *transfer = dlist_head_element(HttpTransfer, node,
													&transport.moving);

		inf_http_end_transfer(transfer, HTTP_FAILED, detail);
		detach_easy(transfer);
		add_finished(transfer);
	}
	drop_multi();
}

static void
add_finished(HttpTransfer *transfer)
{
	transfer->state = HTTP_TRANSFER_FINISHED;
	dlist_push_tail(&transport.finished, &transfer->node);
}

/*
 * Takes a moving transfer out of libcurl's hands, whatever it is doing.  Only
 * after that may the strings that it used be wiped.
 */
static void
detach_easy(HttpTransfer *transfer)
{

	dlist_delete(&transfer->node);
	transport.nmoving--;

	enter_curl();
	(void) curl_multi_remove_handle(transport.multi, transfer->easy->curl);
	leave_curl();

	inf_http_leave(transfer);
	inf_http_unload_easy(transfer->easy);
	inf_http_give_easy(transfer->easy);
	transfer->easy = NULL;
	inf_http_wipe_headers(transfer);
}

/* Closes all connections, and forgets them; nothing may be moving. */
static void
drop_multi(void)
{

	if (transport.multi == NULL)
		return;
	enter_curl();
	(void) curl_multi_cleanup(transport.multi);
	inf_http_reset_easies();
	if (transport.share != NULL)
		(void) curl_share_cleanup(transport.share);
	leave_curl();
	transport.multi = NULL;
	transport.share = NULL;
	transport.timer_due_ms = NO_TIMER;
}

/* libcurl's wish about a socket.  A failure is dealt with after it returns. */
static int
watch_socket(CURL *easy, curl_socket_t socket, int what, void *arg,
			 void *socket_arg)
{
	bool		readable = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
	bool		writable = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;

	if (!inf_http_poll_watch(transport.poll_fd, socket, readable, writable))
		transport.has_failed = true;
	return 0;
}

/* libcurl's wish to be called in timeout_ms; -1: never. */
static int
set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	transport.timer_due_ms = timeout_ms < 0 ? NO_TIMER :
		inf_http_now_ms() + timeout_ms;
	return 0;
}

/*
 * Around calls that may call us back or start a thread: no interrupt is served
 * with libcurl on the stack.  The thread that resolves a name must inherit all
 * signals blocked, so that handlers run in the thread they were written for;
 * block_signals() sees to that when it comes to it, which is seldom.
 */
static void
enter_curl(void)
{
	HOLD_INTERRUPTS();
}

static void
leave_curl(void)
{
	if (transport.has_blocked_signals)
		(void) pthread_sigmask(SIG_SETMASK, &transport.saved_signals, NULL);
	transport.has_blocked_signals = false;
	RESUME_INTERRUPTS();
}

/* libcurl is about to resolve a name. */
static int
block_signals(void *resolver_state, void *reserved, void *arg)
{
	sigset_t	all;

	if (transport.has_blocked_signals)
		return 0;
	sigfillset(&all);
	(void) pthread_sigmask(SIG_BLOCK, &all, &transport.saved_signals);
	transport.has_blocked_signals = true;
	return 0;
}
