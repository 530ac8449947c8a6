/*
 * http_poll.c
 *		Many sockets behind one descriptor.
 */
#include "http/http_poll.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#else
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#endif

/* What one look takes in; the rest stays ready for the next. */
#define MAX_READY 32

#ifdef __linux__

int
inf_http_poll_open(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

bool
inf_http_poll_watch(int poll_fd, int socket, bool readable, bool writable)
{
	struct epoll_event event;

	memset(&event, 0, sizeof(event));
	event.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);
	event.data.fd = socket;

	/* it may be closed already, and then the kernel has forgotten it */
	if (!readable && !writable)
	{
		(void) epoll_ctl(poll_fd, EPOLL_CTL_DEL, socket, &event);
		return true;
	}
	if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, socket, &event) == 0)
		return true;
	return errno == ENOENT &&
		epoll_ctl(poll_fd, EPOLL_CTL_ADD, socket, &event) == 0;
}

int
inf_http_poll_ready(int poll_fd, HttpPollEvent *events, int nevents)
{
	struct epoll_event found[MAX_READY];
	int			nfound;
	int			i;

	nfound = epoll_wait(poll_fd, found,
						nevents < MAX_READY ? nevents : MAX_READY, 0);
	for (i = 0; i < nfound; i++)
	{
		events[i].socket = found[i].data.fd;
		events[i].readable = (found[i].events & EPOLLIN) != 0;
		events[i].writable = (found[i].events & EPOLLOUT) != 0;
		events[i].failed = (found[i].events & (EPOLLERR | EPOLLHUP)) != 0;
	}
	return nfound > 0 ? nfound : 0;
}

#else							/* kqueue */

int
inf_http_poll_open(void)
{
	int			poll_fd = kqueue();

	if (poll_fd >= 0)
		(void) fcntl(poll_fd, F_SETFD, FD_CLOEXEC);
	return poll_fd;
}

/* Adding twice is harmless; deleting what is not there is an error to ignore. */
static bool
watch_filter(int poll_fd, int socket, int filter, bool wanted)
{
	struct kevent change;

	EV_SET(&change, socket, filter, wanted ? EV_ADD : EV_DELETE, 0, 0, 0);
	return kevent(poll_fd, &change, 1, NULL, 0, NULL) == 0 || !wanted;
}

bool
inf_http_poll_watch(int poll_fd, int socket, bool readable, bool writable)
{
	bool		reads = watch_filter(poll_fd, socket, EVFILT_READ, readable);
	bool		writes = watch_filter(poll_fd, socket, EVFILT_WRITE, writable);

	return reads && writes;
}

int
inf_http_poll_ready(int poll_fd, HttpPollEvent *events, int nevents)
{
	struct kevent found[MAX_READY];
	struct timespec at_once = {0, 0};
	int			nfound;
	int			i;

	nfound = kevent(poll_fd, NULL, 0, found,
					nevents < MAX_READY ? nevents : MAX_READY, &at_once);
	for (i = 0; i < nfound; i++)
	{
		events[i].socket = (int) found[i].ident;
		events[i].readable = found[i].filter == EVFILT_READ;
		events[i].writable = found[i].filter == EVFILT_WRITE;
		events[i].failed = (found[i].flags & EV_ERROR) != 0;
	}
	return nfound > 0 ? nfound : 0;
}

#endif
