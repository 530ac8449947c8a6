/*
 * test_http_poll.c
 *		Many sockets behind one descriptor, which itself becomes readable.
 */
#include "http/http_poll.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

static bool
is_readable(int descriptor)
{
	struct pollfd entry = {.fd = descriptor, .events = POLLIN};

	return poll(&entry, 1, 0) == 1;
}

int
main(void)
{
	HttpPollEvent events[4];
	int			pair[2];
	int			poll_fd = inf_http_poll_open();

	CHECK(poll_fd >= 0);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

	CHECK(inf_http_poll_watch(poll_fd, pair[0], true, false));
	CHECK(!is_readable(poll_fd));
	CHECK_INT(inf_http_poll_ready(poll_fd, events, 4), 0);

	CHECK_INT(write(pair[1], "x", 1), 1);
	CHECK(is_readable(poll_fd));
	CHECK_INT(inf_http_poll_ready(poll_fd, events, 4), 1);
	CHECK_INT(events[0].socket, pair[0]);
	CHECK(events[0].readable && !events[0].writable && !events[0].failed);

	/* for both, for neither, for neither again, for one again */
	CHECK(inf_http_poll_watch(poll_fd, pair[0], true, true));
	CHECK(inf_http_poll_ready(poll_fd, events, 4) >= 1);
	CHECK(inf_http_poll_watch(poll_fd, pair[0], false, false));
	CHECK_INT(inf_http_poll_ready(poll_fd, events, 4), 0);
	CHECK(!is_readable(poll_fd));
	CHECK(inf_http_poll_watch(poll_fd, pair[0], false, false));
	CHECK(inf_http_poll_watch(poll_fd, pair[0], false, true));
	CHECK_INT(inf_http_poll_ready(poll_fd, events, 4), 1);
	CHECK(events[0].writable && !events[0].readable);

	/* a closed socket is out, and forgetting it is no fault */
	close(pair[0]);
	CHECK_INT(inf_http_poll_ready(poll_fd, events, 4), 0);
	CHECK(inf_http_poll_watch(poll_fd, pair[0], false, false));
	CHECK(!inf_http_poll_watch(poll_fd, pair[0], true, false));
	close(pair[1]);
	close(poll_fd);
	return check_done();
}
