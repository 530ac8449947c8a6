/*
 * json_stream.h
 *		Reads JSON as it arrives, piece by piece, and keeps nothing of it.
 *
 * As strict as json_read.h: UTF-8 is validated; NaN, Infinity, NUL or lone
 * surrogates inside strings, trailing bytes and deep nesting are refused.
 * Members of one name twice are for the reader to see.
 *
 * Plain C: no server header, no allocation, nothing throws.  So it can run
 * inside of libcurl's callbacks.
 */
#ifndef INFERENCE_JSON_JSON_STREAM_H
#define INFERENCE_JSON_JSON_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json/json_base64.h"

/* As INF_JSON_MAX_DEPTH; depths are bits of a word. */
#define INF_JSON_STREAM_MAX_DEPTH 32

/*
 * Longest key, string or number that is handed out whole.  Tokens of sparse
 * vectors are the longest that anybody reads, and have some 20 bytes.
 */
#define INF_JSON_MAX_TEXT 1024

typedef enum JsonEvent
{
	JSON_EVENT_NULL,
	JSON_EVENT_TRUE,
	JSON_EVENT_FALSE,
	JSON_EVENT_NUMBER,			/* text as it was written */
	JSON_EVENT_STRING,
	JSON_EVENT_KEY,
	JSON_EVENT_ARRAY,			/* begins */
	JSON_EVENT_ARRAY_END,
	JSON_EVENT_OBJECT,			/* begins */
	JSON_EVENT_OBJECT_END,
	JSON_EVENT_FLOATS			/* the array or string that floats asked for */
} JsonEvent;

/*
 * Takes an event; false ends the reading.  text is UTF-8 with a NUL behind
 * it; if length is over INF_JSON_MAX_TEXT, only its beginning.
 */
typedef bool (*JsonTake) (void *reader, JsonEvent event,
						  const char *text, size_t length);

/* Where floats go. */
typedef struct JsonFloats
{
	float	   *values;			/* (capacity) */
	int			n;
	int			capacity;
	int			wanted;			/* values that there should be; 0: not known */

	/* Makes room for at least n values; false ends the reading. */
	bool		(*grow) (struct JsonFloats *floats, int n);
} JsonFloats;

typedef struct JsonStream
{
	/* Who reads */
	JsonTake	take;
	void	   *reader;

	/*
	 * If the reader sets this, on an event, and the next value is an array or
	 * a string, its numbers, or those that base64 encodes (json_float_bytes.h),
	 * go there.  Reset by JSON_EVENT_FLOATS; other values are events as ever.
	 */
	JsonFloats *floats;

	/* Why it cannot be read: fit to follow "the answer is not valid JSON: " */
	const char *fault;

	/*
	 * With JSON_EVENT_FLOATS: what is wrong with these, if anything is.  The
	 * array or string has been read to its end all the same.
	 */
	int			bad_element;	/* which; -1: none */
	JsonEvent	bad_event;		/* what stands there in place of a number,
								 * JSON_EVENT_NUMBER: one out of range,
								 * JSON_EVENT_FLOATS: one that is not finite */
	const char *bad_base64;		/* what the string is not; NULL: good */

	/* Where it is */
	int			state;
	int			depth;
	uint32_t	is_object;		/* a bit for each depth */
	bool		in_floats;		/* within an array of them */
	int			floats_depth;	/* of that array */
	bool		is_key;			/* the string is one */

	/* Within a string */
	int			utf8_left;		/* bytes of the character still to come */
	unsigned char utf8_low;		/* bounds of the next */
	unsigned char utf8_high;
	uint32_t	unit;			/* of an escape */
	int			unit_digits;
	uint32_t	high_surrogate; /* 0: none before */
	Base64		base64;
	size_t		nbytes;			/* that base64 has written to floats */

	/* The text so far; length counts what did not fit too */
	size_t		length;
	char		text[INF_JSON_MAX_TEXT + 1];
} JsonStream;

extern void inf_json_stream_init(JsonStream *stream, JsonTake take, void *reader);

/* Reads a piece.  False: the reader ended it, or fault says what is wrong. */
extern bool inf_json_stream_feed(JsonStream *stream, const char *bytes,
								 size_t length);

/* Whether the pieces were exactly one JSON value. */
extern bool inf_json_stream_end(JsonStream *stream);

#endif							/* INFERENCE_JSON_JSON_STREAM_H */
