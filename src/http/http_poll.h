/*
 * http_poll.h
 *		Many sockets behind one descriptor, which becomes readable when any of
 *		them is ready: a wait event set can take in that one, and cannot drop
 *		members.  epoll on Linux, kqueue elsewhere.
 *
 * Plain C: nothing here throws or waits.
 */
#ifndef INFERENCE_HTTP_HTTP_POLL_H
#define INFERENCE_HTTP_HTTP_POLL_H

#include <stdbool.h>

typedef struct HttpPollEvent
{
	int			socket;
	bool		readable;
	bool		writable;
	bool		failed;			/* closed or broken */
} HttpPollEvent;

/* The descriptor, closed on exec; -1 with errno set. */
extern int	inf_http_poll_open(void);

/*
 * Says what a socket is watched for, in place of what was said before;
 * neither: it is forgotten, which always succeeds.
 */
extern bool inf_http_poll_watch(int poll_fd, int socket,
								bool readable, bool writable);

/* Fills in what is ready now and returns how many there are. */
extern int	inf_http_poll_ready(int poll_fd, HttpPollEvent *events, int nevents);

#endif							/* INFERENCE_HTTP_HTTP_POLL_H */
