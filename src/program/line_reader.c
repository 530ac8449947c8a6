/*
 * line_reader.c
 *		Lines of a file descriptor, as many at a time as are there.
 */
#include "program/line_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_CAPACITY 65536

/* Bytes that may be taken at once, beyond one line. */
#define ENOUGH_BYTES (1024 * 1024)

/* Whether reading would not wait. */
static bool
is_ready(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) > 0;
}

/* Room for more bytes; what was taken goes. */
static bool
make_room(LineReader *reader, const char **problem)
{
	char	   *bytes;

	if (reader->end - reader->begin > MAX_LINE_BYTES)
	{
		*problem = "a line is longer than 64 MiB";
		return false;
	}
	if (reader->begin > 0)
	{
		memmove(reader->bytes, reader->bytes + reader->begin, reader->end - reader->begin);
		reader->end -= reader->begin;
		reader->begin = 0;
	}
	if (reader->end < reader->capacity)
		return true;
	bytes = realloc(reader->bytes, reader->capacity ? 2 * reader->capacity : FIRST_CAPACITY);
	if (bytes == NULL)
	{
		*problem = "out of memory";
		return false;
	}
	reader->bytes = bytes;
	reader->capacity = reader->capacity ? 2 * reader->capacity : FIRST_CAPACITY;
	return true;
}

/* Reads once; sets has_ended at the end. */
static bool
read_some(LineReader *reader, const char **problem)
{
	ssize_t		n;

	if (!make_room(reader, problem))
		return false;
	do
		n = read(reader->fd, reader->bytes + reader->end, reader->capacity - reader->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
	{
		*problem = strerror(errno);
		return false;
	}
	reader->end += n;
	reader->has_ended = n == 0;
	return true;
}

static int
count_lines(LineReader *reader, int max)
{
	size_t		at = reader->begin + reader->searched;
	int			n = 0;

	while (n < max && at < reader->end)
	{
		const char *newline = memchr(reader->bytes + at, '\n', reader->end - at);

		if (newline == NULL)
			break;
		at = newline + 1 - reader->bytes;
		n++;
	}
	if (n == 0)
		reader->searched = reader->end - reader->begin;
	return n;
}

/* Takes the next line, or what is left without an end of line. */
static EngineText
take_line(LineReader *reader)
{
	const char *from = reader->bytes + reader->begin;
	const char *newline = memchr(from, '\n', reader->end - reader->begin);
	EngineText	line = {from, newline ? (size_t) (newline - from) : reader->end - reader->begin};

	reader->begin += line.length + (newline ? 1 : 0);
	reader->searched = 0;
	if (newline && line.length > 0 && line.bytes[line.length - 1] == '\r')
		line.length--;
	return line;
}

int
inf_read_lines(LineReader *reader, EngineText *lines, int max, const char **problem)
{
	int			n = count_lines(reader, max);

	/* For the first line one waits, for the others not. */
	while (!reader->has_ended &&
		   (n == 0 || (n < max && reader->end - reader->begin < ENOUGH_BYTES &&
					   is_ready(reader->fd))))
	{
		if (!read_some(reader, problem))
		{
			if (n == 0)
				return -1;

			/* What came before is good; the next call will say it. */
			*problem = NULL;
			break;
		}
		n = count_lines(reader, max);
	}
	for (int i = 0; i < n; i++)
		lines[i] = take_line(reader);
	if (n == 0 && reader->end > reader->begin)
		lines[n++] = take_line(reader);
	return n;
}
