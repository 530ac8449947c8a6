/*
 * line_reader.h
 *		Lines of a file descriptor, as many at a time as are there.
 */
#ifndef INFERENCE_PROGRAM_LINE_READER_H
#define INFERENCE_PROGRAM_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

/* Longer lines are an error: nobody means one text of so many bytes. */
#define MAX_LINE_BYTES (64 * 1024 * 1024)

typedef struct LineReader
{
	int			fd;
	bool		has_ended;

	/* bytes (begin to end - 1) are read and not taken */
	char	   *bytes;
	size_t		begin;
	size_t		end;
	size_t		capacity;
	size_t		searched;		/* from begin on, without an end of line */
} LineReader;

/*
 * Waits for one line, and takes those that are there behind it, up to max;
 * returns their number, 0 at the end.  Lines have no "\n", nor a "\r" before
 * it, and live until the next call.  -1 if reading fails, or a line is too
 * long: *problem is a static string that says so.
 */
extern int	inf_read_lines(LineReader *reader, EngineText *lines, int max,
						   const char **problem);

#endif							/* INFERENCE_PROGRAM_LINE_READER_H */
