/*
 * provider.c
 *		A provider of embeddings that is faster than any client: for measuring
 *		clients, on loopback.
 *
 * POST /v1/embeddings speaks as OpenAI does (base64 too), POST /hf as a Hugging
 * Face endpoint.  The query of the URL says how: dims, latency_ms, batch_limit
 * (413 beyond), slots (requests worked on at a time, others wait their turn),
 * fail_every and fail_status, poison (400 for a request with a text that has
 * this letter sequence).  GET /stats answers what was counted, POST /reset
 * starts anew.
 *
 * One thread; connections are kept alive; requests are answered in order.  Texts
 * are told apart by their bytes in the JSON, escapes included.  Prints its port.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <time.h>
#include <unistd.h>

#include "vectors.h"

#define READ_BYTES (1 << 18)
#define MAX_EVENTS 64

typedef struct Options
{
	int			dims;
	int			latency_ms;
	int			batch_limit;
	int			slots;
	int			fail_every;
	int			fail_status;
	char		poison[32];
} Options;

typedef struct Connection
{
	int			fd;

	/* What has come and is not answered yet */
	char	   *in;
	size_t		in_bytes;
	size_t		in_size;

	/* The answer, which waits until due_us, then goes out */
	char	   *out;
	size_t		out_bytes;
	size_t		out_size;
	size_t		sent;
	bool		is_busy;
	bool		is_blocked;		/* the peer reads too slowly: epoll tells */
	int64_t		due_us;
	int			latency_ms;
	struct Connection *next;	/* in the queue of those that wait */
} Connection;

typedef struct Queue
{
	Connection *first;
	Connection **last;
} Queue;

static int	poll_fd;
static Queue working = {NULL, &working.first};	/* by due_us */
static Queue waiting = {NULL, &waiting.first};	/* for a slot */
static int	nworking;
static int	slots;

static struct
{
	long		requests;
	long		texts;
	long		connections;
	long		failed;
	int			max_concurrent;
	int			nbusy;
} stats;

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void
push(Queue *queue, Connection *c)
{
	c->next = NULL;
	*queue->last = c;
	queue->last = &c->next;
}

static Connection *
pop(Queue *queue)
{
	Connection *c = queue->first;

	queue->first = c->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
	return c;
}

static void *
grown(void *bytes, size_t *size, size_t wanted)
{
	if (wanted <= *size)
		return bytes;
	*size = wanted + wanted / 2;
	bytes = realloc(bytes, *size);
	if (bytes == NULL)
	{
		perror("provider");
		exit(1);
	}
	return bytes;
}

/*
 * Requests
 */

static void
read_options(const char *query, const char *end, Options *o)
{
	*o = (Options) {.dims = 384,.fail_status = 429};
	while (query < end)
	{
		char		name[32];
		int			value = 0;
		int			read = 0;

		if (sscanf(query, "poison=%31[^& ]%n", o->poison, &read) < 1 &&
			sscanf(query, "%31[a-z_]=%d%n", name, &value, &read) == 2)
		{
			if (strcmp(name, "dims") == 0 && value > 0 && value <= MAX_DIMENSIONS)
				o->dims = value;
			else if (strcmp(name, "latency_ms") == 0)
				o->latency_ms = value;
			else if (strcmp(name, "batch_limit") == 0)
				o->batch_limit = value;
			else if (strcmp(name, "slots") == 0)
				o->slots = value;
			else if (strcmp(name, "fail_every") == 0)
				o->fail_every = value;
			else if (strcmp(name, "fail_status") == 0)
				o->fail_status = value;
		}
		query += read;
		if (*query != '&')
			break;
		query++;
	}
}

/* The end of a JSON string whose first character this is. */
static const char *
end_of_string(const char *text, const char *end)
{
	for (;;)
	{
		const char *quote = memchr(text, '"', end - text);
		const char *back;

		if (quote == NULL)
			return NULL;
		for (back = quote; back > text && back[-1] == '\\'; back--)
			;
		if ((quote - back) % 2 == 0)
			return quote;
		text = quote + 1;
	}
}

static void
answer(Connection *c, int status, const char *body, size_t bytes)
{
	c->out = grown(c->out, &c->out_size, bytes + 200);
	c->out_bytes = sprintf(c->out,
						   "HTTP/1.1 %d -\r\nContent-Type: application/json\r\n"
						   "%sContent-Length: %zu\r\n\r\n", status,
						   status == 429 ? "Retry-After: 0\r\n" : "", bytes);
	memcpy(c->out + c->out_bytes, body, bytes);
	c->out_bytes += bytes;
}

static void
refuse(Connection *c, int status, const char *message)
{
	char		body[200];
	int			bytes = snprintf(body, sizeof(body),
								 "{\"error\":{\"message\":\"%s\"}}", message);

	answer(c, status, body, bytes);
	stats.failed++;
}

/* Writes the embeddings of the texts from the array's first quote on. */
static void
embed(Connection *c, const Options *o, const char *text, const char *end,
	  bool is_openai, bool as_base64)
{
	/* room for the header, whose length is known at the end */
	const size_t head = 160;
	char		header[160];
	size_t		header_bytes;
	size_t		used = head;
	int			n = 0;

	c->out = grown(c->out, &c->out_size, head + 64);
	used += sprintf(c->out + used, is_openai ? "{\"object\":\"list\",\"data\":[" : "[");
	while (text < end && *text == '"')
	{
		const char *close = end_of_string(text + 1, end);
		uint32_t	offset;
		char	   *out;

		if (close == NULL)
			return refuse(c, 400, "not JSON");
		if (o->poison[0] && memmem(text, close - text, o->poison, strlen(o->poison)))
			return refuse(c, 400, "poisoned");
		offset = ring_offset(text + 1, close - text - 1);
		c->out = grown(c->out, &c->out_size, used + vector_bytes(o->dims) + 200);
		out = c->out + used;
		if (n > 0)
			*out++ = ',';
		if (is_openai)
			out += sprintf(out, "{\"object\":\"embedding\",\"index\":%d,\"embedding\":", n);
		out = as_base64 ? write_base64(out, offset, o->dims) :
			write_numbers(out, offset, o->dims);
		if (is_openai)
			*out++ = '}';
		used = out - c->out;
		n++;
		text = close + 1;
		while (text < end && (*text == ',' || *text == ' '))
			text++;
	}
	if (o->batch_limit > 0 && n > o->batch_limit)
		return refuse(c, 413, "batch too large");
	used += sprintf(c->out + used, is_openai ?
					"],\"model\":\"bench\",\"usage\":{\"prompt_tokens\":%d,\"total_tokens\":%d}}" :
					"]", n, n);
	header_bytes = sprintf(header, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
						   "Content-Length: %zu\r\n\r\n", used - head);
	memcpy(c->out + head - header_bytes, header, header_bytes);
	c->sent = head - header_bytes;
	c->out_bytes = used;
	stats.texts += n;
}

/* Near the beginning or the end of the body, where no text is. */
static bool
asks_base64(const char *body, const char *end)
{
	const char *tail = end - body > 200 ? end - 200 : body;
	static const char setting[] = "\"encoding_format\":\"base64\"";

	return memmem(tail, end - tail, setting, sizeof(setting) - 1) != NULL;
}

static void
respond(Connection *c, const char *path, const char *body, const char *end)
{
	const char *path_end = strpbrk(path, "? ");
	bool		is_openai = strncmp(path, "/v1/embeddings", 14) == 0;
	const char *list;
	Options		o;

	c->sent = 0;
	c->latency_ms = 0;
	if (strncmp(path, "/stats", 6) == 0 || strncmp(path, "/reset", 6) == 0)
	{
		char		text[256];
		int			bytes = snprintf(text, sizeof(text),
									 "{\"requests\":%ld,\"texts\":%ld,\"connections\":%ld,"
									 "\"failed\":%ld,\"max_concurrent\":%d}",
									 stats.requests, stats.texts, stats.connections,
									 stats.failed, stats.max_concurrent);

		if (path[1] == 'r')
		{
			int			nbusy = stats.nbusy;

			memset(&stats, 0, sizeof(stats));
			stats.nbusy = nbusy;
		}
		return answer(c, 200, text, bytes);
	}

	stats.requests++;
	read_options(*path_end == '?' ? path_end + 1 : path_end,
				 path_end + strcspn(path_end, " "), &o);
	c->latency_ms = o.latency_ms;
	slots = o.slots;
	if (o.fail_every > 0 && stats.requests % o.fail_every == 0)
		return refuse(c, o.fail_status, "asked to fail");
	list = memmem(body, end - body, "\":[", 3);
	if (list == NULL)
		return refuse(c, 400, "no texts");
	embed(c, &o, list + 3, end, is_openai, is_openai && asks_base64(body, end));
}

/*
 * Connections
 */

static void
watch(Connection *c, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events,.data.ptr = c};

	if (epoll_ctl(poll_fd, operation, c->fd, &event) != 0)
	{
		perror("provider");
		exit(1);
	}
}

static void
close_connection(Connection *c)
{
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

/* Sends what is due; false: the connection is broken. */
static bool
send_answer(Connection *c)
{
	while (c->sent < c->out_bytes)
	{
		ssize_t		n = send(c->fd, c->out + c->sent, c->out_bytes - c->sent,
							 MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
		{
			if (!c->is_blocked)
				watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
			c->is_blocked = true;
			return true;
		}
		if (n < 0)
			return false;
		c->sent += n;
	}
	if (c->is_blocked)
		watch(c, EPOLL_CTL_MOD, EPOLLIN);
	c->is_blocked = false;
	c->is_busy = false;
	stats.nbusy--;
	return true;
}

/* Begins to work on an answer; one without latency goes out at once. */
static bool
start_work(Connection *c)
{
	if (c->latency_ms == 0)
		return send_answer(c);
	c->due_us = now_us() + c->latency_ms * 1000LL;
	nworking++;
	push(&working, c);
	return true;
}

/* Takes whole requests out of what has come; false: not HTTP. */
static bool
take_request(Connection *c)
{
	char	   *head_end;
	char	   *length_at;
	size_t		body_bytes;
	size_t		bytes;
	char	   *path;

	if (c->is_busy || c->in_bytes == 0)
		return true;
	head_end = memmem(c->in, c->in_bytes, "\r\n\r\n", 4);
	if (head_end == NULL)
		return c->in_bytes < READ_BYTES;
	*head_end = '\0';
	length_at = strcasestr(c->in, "\r\nContent-Length:");
	body_bytes = length_at ? strtoul(length_at + 17, NULL, 10) : 0;
	*head_end = '\r';
	bytes = head_end + 4 - c->in + body_bytes;
	if (c->in_bytes < bytes)
	{
		c->in = grown(c->in, &c->in_size, bytes + 1);
		return true;
	}
	path = memchr(c->in, ' ', head_end - c->in);
	if (path == NULL)
		return false;
	c->is_busy = true;
	if (++stats.nbusy > stats.max_concurrent)
		stats.max_concurrent = stats.nbusy;
	respond(c, path + 1, head_end + 4, c->in + bytes);
	memmove(c->in, c->in + bytes, c->in_bytes - bytes);
	c->in_bytes -= bytes;
	if (slots > 0 && nworking >= slots && c->latency_ms > 0)
	{
		push(&waiting, c);
		return true;
	}
	return start_work(c);
}

static bool
read_request(Connection *c)
{
	for (;;)
	{
		ssize_t		n;

		c->in = grown(c->in, &c->in_size, c->in_bytes + READ_BYTES);
		n = recv(c->fd, c->in + c->in_bytes, c->in_size - c->in_bytes - 1, 0);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		c->in_bytes += n;
		if (!take_request(c))
			return false;
	}
}

/* Answers that are due go out; the next of those that wait take their slots. */
static void
finish_due(void)
{
	int64_t		now = now_us();

	while (working.first && working.first->due_us <= now)
	{
		Connection *c = pop(&working);

		nworking--;
		if (c->fd < 0 || !send_answer(c) || !take_request(c))
			close_connection(c);
		if (waiting.first && nworking < slots)
			(void) start_work(pop(&waiting));
	}
}

static void
accept_connections(int listener)
{
	int			fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		Connection *c = calloc(1, sizeof(Connection));
		int			on = 1;

		if (c == NULL)
			exit(1);
		(void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->fd = fd;
		stats.connections++;
		watch(c, EPOLL_CTL_ADD, EPOLLIN);
	}
}

static void
serve(Connection *c, uint32_t events)
{
	bool		is_alive = true;

	if (events & EPOLLOUT)
		is_alive = send_answer(c) && take_request(c);
	if (is_alive && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		is_alive = read_request(c);
	if (is_alive)
		return;

	/* one that waits in a queue is closed when its turn comes */
	if (c->is_busy && c->sent < c->out_bytes && c->latency_ms > 0 && c->due_us > now_us())
	{
		close(c->fd);
		c->fd = -1;
		stats.nbusy--;
	}
	else
		close_connection(c);
}

static int
listen_here(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t	length = sizeof(address);
	int			listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *) &address, length) != 0 ||
		listen(listener, 1024) != 0 ||
		getsockname(listener, (struct sockaddr *) &address, &length) != 0)
	{
		perror("provider");
		exit(1);
	}
	printf("PORT %d\n", ntohs(address.sin_port));
	fflush(stdout);
	return listener;
}

int
main(void)
{
	struct epoll_event events[MAX_EVENTS];
	int			listener;

	/* ends with whoever started it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	make_ring();
	listener = listen_here();
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	events[0] = (struct epoll_event) {.events = EPOLLIN,.data.ptr = NULL};
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &events[0]);

	for (;;)
	{
		struct timespec wait = {0};
		int64_t		left = working.first ? working.first->due_us - now_us() : 0;
		int			n;

		if (left > 0)
			wait = (struct timespec) {left / 1000000, left % 1000000 * 1000};
		n = epoll_pwait2(poll_fd, events, MAX_EVENTS,
						 working.first ? &wait : NULL, NULL);
		for (int i = 0; i < n; i++)
		{
			if (events[i].data.ptr == NULL)
				accept_connections(listener);
			else
				serve(events[i].data.ptr, events[i].events);
		}
		finish_due();
	}
}
