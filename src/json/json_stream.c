/*
 * json_stream.c
 *		Reads JSON as it arrives, piece by piece, and keeps nothing of it.
 *
 * A machine of few states goes over the bytes.  What may be long has a loop of
 * its own: the digits of base64, the numbers of an array, the plain characters
 * of a string.
 */
#include "json/json_stream.h"

#include <string.h>

#include "base/hex.h"
#include "json/json_float_bytes.h"
#include "json/json_number.h"

typedef enum State
{
	STATE_START,				/* a value or a byte order mark must follow */
	STATE_MARK,					/* the second byte of such a mark */
	STATE_MARK_END,				/* and the third */
	STATE_VALUE,				/* one must follow */
	STATE_FIRST_ELEMENT,		/* a value or "]" */
	STATE_FIRST_KEY,			/* a key or "}" */
	STATE_KEY,					/* one must follow */
	STATE_COLON,
	STATE_AFTER_VALUE,			/* "," or the end of what it is in */
	STATE_STRING,
	STATE_ESCAPE,				/* after a backslash */
	STATE_UNIT,					/* the digits after \u */
	STATE_LOW_SURROGATE,		/* the backslash that must follow the high one */
	STATE_LOW_ESCAPE,			/* and the u */
	STATE_BASE64,				/* within a string of it */
	STATE_BASE64_ESCAPE,		/* after a backslash in it */
	STATE_NUMBER,
	STATE_WORD,
	STATE_END					/* the value is complete: only blanks follow */
} State;

static bool
fail(JsonStream *stream, const char *fault)
{
	stream->fault = fault;
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A character that stands for itself in a string, and for nothing more. */
static inline bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
in_object(const JsonStream *stream)
{
	return stream->depth > 0 && (stream->is_object >> (stream->depth - 1) & 1);
}

static void
append(JsonStream *stream, const char *bytes, size_t length)
{
	if (stream->length < INF_JSON_MAX_TEXT)
	{
		size_t		room = INF_JSON_MAX_TEXT - stream->length;

		memcpy(stream->text + stream->length, bytes, length < room ? length : room);
	}
	stream->length += length;
}

static bool
give(JsonStream *stream, JsonEvent event)
{
	size_t		end = stream->length < INF_JSON_MAX_TEXT ? stream->length :
		INF_JSON_MAX_TEXT;

	/* What stands in place of a number has been noted. */
	if (stream->in_floats)
		return true;
	stream->text[end] = '\0';
	return stream->take(stream->reader, event, stream->text, stream->length);
}

/* A value is complete. */
static void
leave_value(JsonStream *stream)
{
	stream->state = stream->depth > 0 ? STATE_AFTER_VALUE : STATE_END;
}

/*
 * Arrays of numbers
 */

static bool
add_float(JsonFloats *floats, float value)
{
	if (floats->n == floats->capacity && !floats->grow(floats, floats->n + 1))
		return false;
	floats->values[floats->n++] = value;
	return true;
}

static bool
give_floats(JsonStream *stream)
{
	stream->floats = NULL;
	stream->in_floats = false;
	stream->length = 0;
	leave_value(stream);
	return give(stream, JSON_EVENT_FLOATS);
}

static void
begin_floats(JsonStream *stream)
{
	stream->floats->n = 0;
	stream->bad_element = -1;
	stream->bad_base64 = NULL;
}

/* No number, in an array of them.  The first is remembered. */
static void
note_element(JsonStream *stream, JsonEvent event)
{
	if (stream->bad_element >= 0)
		return;
	stream->bad_element = stream->floats->n;
	stream->bad_event = event;
}

/*
 * The numbers of an array as far as they are plain and enough bytes follow;
 * the rest is read byte by byte.  Begins where a value may begin.
 */
static const char *
take_floats(JsonStream *stream, const char *next, const char *end)
{
	while (end - next >= 2 * INF_JSON_NUMBER_ROOM)
	{
		float		value;
		const char *after;

		while (is_blank(*next) && end - next > INF_JSON_NUMBER_ROOM)
			next++;
		if (end - next <= INF_JSON_NUMBER_ROOM)
			break;
		after = inf_json_scan_float(next, &value);
		if (after == NULL || *after != ',')
			break;
		if (!add_float(stream->floats, value))
			return NULL;
		next = after + 1;
		stream->state = STATE_VALUE;
	}
	return next;
}

/*
 * Strings of base64
 */

static const char *
take_base64(JsonStream *stream, const char *next, const char *end)
{
	JsonFloats *floats = stream->floats;
	const char *quote = memchr(next, '"', end - next);
	size_t		length = (quote ? quote : end) - next;
	size_t		room = stream->nbytes + length / 4 * 3 + 6;
	unsigned char *out;

	if (room > (size_t) floats->capacity * sizeof(float) &&
		!floats->grow(floats, (room + sizeof(float) - 1) / sizeof(float)))
		return NULL;
	out = (unsigned char *) floats->values + stream->nbytes;
	next += inf_base64_decode(&stream->base64, next, length, &out);
	stream->nbytes = out - (unsigned char *) floats->values;
	return next;
}

static const char not_base64[] = "valid base64 of 32-bit floats";

/* Not base64: read to its end as any other string. */
static const char *
leave_base64(JsonStream *stream, const char *next, State state)
{
	stream->bad_base64 = not_base64;
	stream->state = state;
	return next;
}

/* After the closing quote. */
static bool
finish_base64(JsonStream *stream)
{
	JsonFloats *floats = stream->floats;
	unsigned char *out;
	bool		out_of_range;

	if (floats->capacity == 0 && !floats->grow(floats, 1))
		return false;
	out = (unsigned char *) floats->values + stream->nbytes;
	if (!inf_base64_end(&stream->base64, &out))
	{
		stream->bad_base64 = not_base64;
		return give_floats(stream);
	}
	stream->nbytes = out - (unsigned char *) floats->values;
	stream->bad_base64 = inf_float_bytes_decode(floats->values, stream->nbytes,
												floats->wanted, &floats->n,
												&stream->bad_element,
												&out_of_range);
	stream->bad_event = out_of_range ? JSON_EVENT_NUMBER : JSON_EVENT_FLOATS;
	return give_floats(stream);
}

/*
 * Strings
 */

static void
begin_string(JsonStream *stream, bool is_key)
{
	stream->is_key = is_key;
	stream->length = 0;
	stream->utf8_left = 0;
	stream->high_surrogate = 0;
	stream->state = STATE_STRING;
	if (!is_key && stream->floats != NULL && !stream->in_floats)
	{
		memset(&stream->base64, 0, sizeof(stream->base64));
		stream->nbytes = 0;
		begin_floats(stream);
		stream->state = STATE_BASE64;
	}
}

/* The bounds of the second byte keep out overlong forms and surrogates. */
static bool
begin_utf8(JsonStream *stream, unsigned char c)
{
	stream->utf8_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	stream->utf8_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	stream->utf8_left = c >= 0xc2 && c <= 0xdf ? 1 :
		c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 0;
	return stream->utf8_left > 0 ||
		fail(stream, "a string is not valid UTF-8");
}

static bool
take_utf8(JsonStream *stream, unsigned char c)
{
	if (c < stream->utf8_low || c > stream->utf8_high)
		return fail(stream, "a string is not valid UTF-8");
	stream->utf8_low = 0x80;
	stream->utf8_high = 0xbf;
	stream->utf8_left--;
	return true;
}

static bool
finish_string(JsonStream *stream)
{
	if (stream->is_key)
	{
		stream->state = STATE_COLON;
		return give(stream, JSON_EVENT_KEY);
	}
	if (stream->floats != NULL && !stream->in_floats)
		return give_floats(stream);
	leave_value(stream);
	return give(stream, JSON_EVENT_STRING);
}

/* The next byte of a string; NULL: not a good one. */
static const char *
take_string(JsonStream *stream, const char *next, const char *end)
{
	const char *start = next;

	for (; next < end; next++)
	{
		unsigned char c = *next;

		if (is_plain(c) && stream->utf8_left == 0)
			continue;
		if (stream->utf8_left > 0)
		{
			if (!take_utf8(stream, c))
				return NULL;
		}
		else if (c == '"' || c == '\\')
			break;
		else if (c < 0x20)
			return fail(stream, "a string contains a control character"), NULL;
		else if (c >= 0x80 && !begin_utf8(stream, c))
			return NULL;
	}
	append(stream, start, next - start);
	if (next == end)
		return next;
	if (*next == '"')
		return finish_string(stream) ? next + 1 : NULL;
	stream->state = STATE_ESCAPE;
	return next + 1;
}

static bool
take_escape(JsonStream *stream, char c)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *found = c != '\0' ? strchr(from, c) : NULL;

	if (c == 'u')
	{
		stream->unit = 0;
		stream->unit_digits = 0;
		stream->state = STATE_UNIT;
		return true;
	}
	if (found == NULL)
		return fail(stream, "a string contains an unknown escape");
	append(stream, &to[found - from], 1);
	stream->state = STATE_STRING;
	return true;
}

static void
append_utf8(JsonStream *stream, uint32_t c)
{
	char		bytes[4];
	int			n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (int i = n - 1; i > 0; i--, c >>= 6)
		bytes[i] = 0x80 | (c & 0x3f);
	bytes[0] = lead[n] | c;
	append(stream, bytes, n);
}

static bool
finish_unit(JsonStream *stream)
{
	bool		is_low = stream->unit >= 0xdc00 && stream->unit <= 0xdfff;

	if (is_low != (stream->high_surrogate != 0))
		return fail(stream, "a string contains half of a surrogate pair");
	if (stream->unit == 0)
		return fail(stream, "a string contains a NUL character");
	if (stream->unit >= 0xd800 && stream->unit <= 0xdbff)
	{
		stream->high_surrogate = stream->unit;
		stream->state = STATE_LOW_SURROGATE;
		return true;
	}
	append_utf8(stream, is_low ?
				0x10000 + ((stream->high_surrogate - 0xd800) << 10) +
				(stream->unit - 0xdc00) : stream->unit);
	stream->high_surrogate = 0;
	stream->state = STATE_STRING;
	return true;
}

static bool
take_unit_digit(JsonStream *stream, char c)
{
	int			digit = inf_hex_digit(c);

	if (digit < 0)
		return fail(stream, "an escape in a string is not complete");
	stream->unit = stream->unit << 4 | digit;
	return ++stream->unit_digits < 4 || finish_unit(stream);
}

/*
 * Numbers and words
 */

/*
 * NaN or Infinity: no JSON, but many libraries write them.  Where a number of a
 * vector should be, it is known what is meant, and of which vector it is said.
 */
static bool
finish_not_finite(JsonStream *stream)
{
	if (!stream->in_floats)
		return fail(stream, strstr(stream->text, "NaN") != NULL ?
					"it contains NaN, which is not a JSON number" :
					"it contains Infinity, which is not a JSON number");
	note_element(stream, JSON_EVENT_FLOATS);
	leave_value(stream);
	return true;
}

static bool
finish_number(JsonStream *stream)
{
	float		value;
	bool		in_range;
	bool		is_number;

	stream->text[stream->length < INF_JSON_MAX_TEXT ? stream->length :
				 INF_JSON_MAX_TEXT] = '\0';
	if (stream->length > INF_JSON_MAX_TEXT)
		return fail(stream, "a number has more than 1024 digits");
	is_number = inf_json_read_float(stream->text, &value, &in_range);
	if (!is_number && in_range)
		return strcmp(stream->text, "-Infinity") == 0 || strcmp(stream->text, "-NaN") == 0 ?
			finish_not_finite(stream) :
			fail(stream, "a number is not well formed");
	leave_value(stream);
	if (!stream->in_floats)
		return give(stream, JSON_EVENT_NUMBER);
	if (!is_number)
		note_element(stream, JSON_EVENT_NUMBER);
	return stream->bad_element >= 0 || add_float(stream->floats, value);
}

static bool
finish_word(JsonStream *stream)
{
	static const char *const words[] = {"null", "true", "false"};
	static const JsonEvent events[] = {
		JSON_EVENT_NULL, JSON_EVENT_TRUE, JSON_EVENT_FALSE
	};

	stream->text[stream->length < INF_JSON_MAX_TEXT ? stream->length :
				 INF_JSON_MAX_TEXT] = '\0';
	for (int i = 0; i < 3; i++)
	{
		if (strcmp(stream->text, words[i]) != 0)
			continue;
		if (stream->in_floats)
			note_element(stream, events[i]);
		leave_value(stream);
		return give(stream, events[i]);
	}
	if (strcmp(stream->text, "NaN") == 0 || strcmp(stream->text, "Infinity") == 0)
		return finish_not_finite(stream);
	return fail(stream, "it contains a word that is not JSON");
}

/*
 * Structure
 */

static bool
begin_container(JsonStream *stream, bool is_object)
{
	if (stream->in_floats)
		note_element(stream, is_object ? JSON_EVENT_OBJECT : JSON_EVENT_ARRAY);
	if (stream->depth == INF_JSON_STREAM_MAX_DEPTH)
		return fail(stream, "it is nested too deeply");
	stream->is_object &= ~((uint32_t) 1 << stream->depth);
	stream->is_object |= (uint32_t) is_object << stream->depth;
	stream->depth++;
	stream->state = is_object ? STATE_FIRST_KEY : STATE_FIRST_ELEMENT;
	stream->length = 0;
	if (!is_object && stream->floats != NULL && !stream->in_floats)
	{
		stream->in_floats = true;
		stream->floats_depth = stream->depth;
		begin_floats(stream);
		return true;
	}
	return give(stream, is_object ? JSON_EVENT_OBJECT : JSON_EVENT_ARRAY);
}

static bool
end_container(JsonStream *stream, char c)
{
	if ((c == '}') != in_object(stream))
		return fail(stream, "a bracket does not match");
	stream->depth--;
	if (stream->in_floats && stream->depth < stream->floats_depth)
		return give_floats(stream);
	leave_value(stream);
	stream->length = 0;
	return give(stream, c == '}' ? JSON_EVENT_OBJECT_END : JSON_EVENT_ARRAY_END);
}

static bool
begin_value(JsonStream *stream, char c)
{
	if (c == '"')
	{
		if (stream->in_floats)
			note_element(stream, JSON_EVENT_STRING);
		begin_string(stream, false);
		return true;
	}
	if (c == '{' || c == '[')
		return begin_container(stream, c == '{');
	if (!is_digit(c) && c != '-' && !is_letter(c))
		return fail(stream, "unexpected character");
	stream->length = 0;
	append(stream, &c, 1);
	stream->state = is_letter(c) ? STATE_WORD : STATE_NUMBER;
	return true;
}

/* A byte between values that is no blank. */
static bool
take_structure(JsonStream *stream, char c)
{
	switch ((State) stream->state)
	{
		case STATE_FIRST_ELEMENT:
			if (c == ']')
				return end_container(stream, c);
			return begin_value(stream, c);
		case STATE_VALUE:
			return begin_value(stream, c);
		case STATE_FIRST_KEY:
		case STATE_KEY:
			if (c == '"')
			{
				begin_string(stream, true);
				return true;
			}
			if (c == '}' && stream->state == STATE_FIRST_KEY)
				return end_container(stream, c);
			return fail(stream, "the name of a member is missing");
		case STATE_COLON:
			stream->state = STATE_VALUE;
			return c == ':' || fail(stream, "a colon is missing");
		case STATE_AFTER_VALUE:
			if (c == ']' || c == '}')
				return end_container(stream, c);
			stream->state = in_object(stream) ? STATE_KEY : STATE_VALUE;
			return c == ',' || fail(stream, "a comma is missing");
		default:
			return fail(stream, "something follows its end");
	}
}

/*
 * A byte of the mark that some writers put before UTF-8 (RFC 8259 lets readers
 * ignore it), or the first of the value.
 */
static const char *
take_mark(JsonStream *stream, const char *next)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (*next == mark[stream->state - STATE_START])
	{
		stream->state++;
		return next + 1;
	}
	if (stream->state != STATE_START)
		return fail(stream, "unexpected character"), NULL;
	stream->state = STATE_VALUE;
	return next;
}

/*
 * One step: a byte, or a run of them.  Numbers and words end at a byte that is
 * not theirs, which the next step looks at.  NULL: it cannot go on.
 */
static const char *
step(JsonStream *stream, const char *next, const char *end)
{
	char		c = *next;

	switch ((State) stream->state)
	{
		case STATE_START:
		case STATE_MARK:
		case STATE_MARK_END:
			return take_mark(stream, next);
		case STATE_STRING:
			return take_string(stream, next, end);
		case STATE_ESCAPE:
			return take_escape(stream, c) ? next + 1 : NULL;
		case STATE_UNIT:
			return take_unit_digit(stream, c) ? next + 1 : NULL;
		case STATE_LOW_SURROGATE:
		case STATE_LOW_ESCAPE:
			if (c != (stream->state == STATE_LOW_SURROGATE ? '\\' : 'u'))
				return fail(stream, "a string contains half of a surrogate pair"), NULL;
			if (stream->state == STATE_LOW_SURROGATE)
				stream->state = STATE_LOW_ESCAPE;
			else
				(void) take_escape(stream, c);
			return next + 1;
		case STATE_BASE64:
			next = take_base64(stream, next, end);
			if (next == NULL || next == end)
				return next;
			if (*next == '"')
				return finish_base64(stream) ? next + 1 : NULL;
			if (*next != '\\')
				return leave_base64(stream, next, STATE_STRING);
			stream->state = STATE_BASE64_ESCAPE;
			return next + 1;
		case STATE_BASE64_ESCAPE:
			/* some servers write "/" as "\/" */
			if (c != '/')
				return leave_base64(stream, next, STATE_ESCAPE);
			stream->state = STATE_BASE64;
			return next;
		case STATE_NUMBER:
			if (is_digit(c) || is_letter(c) || c == '+' || c == '-' || c == '.')
				append(stream, &c, 1);
			else
				return finish_number(stream) ? next : NULL;
			return next + 1;
		case STATE_WORD:
			if (is_letter(c))
				append(stream, &c, 1);
			else
				return finish_word(stream) ? next : NULL;
			return next + 1;
		default:
			if (stream->in_floats && stream->bad_element < 0 &&
				(is_digit(c) || c == '-') &&
				(stream->state == STATE_VALUE || stream->state == STATE_FIRST_ELEMENT))
			{
				const char *after = take_floats(stream, next, end);

				if (after != next)
					return after;
			}
			if (is_blank(c))
				return next + 1;
			return take_structure(stream, c) ? next + 1 : NULL;
	}
}

void
inf_json_stream_init(JsonStream *stream, JsonTake take, void *reader)
{
	memset(stream, 0, offsetof(JsonStream, text));
	stream->take = take;
	stream->reader = reader;
	stream->state = STATE_START;
	stream->bad_element = -1;
}

bool
inf_json_stream_feed(JsonStream *stream, const char *bytes, size_t length)
{
	const char *end = bytes + length;

	while (bytes != NULL && bytes < end)
		bytes = step(stream, bytes, end);
	return bytes != NULL;
}

bool
inf_json_stream_end(JsonStream *stream)
{
	if (stream->state == STATE_NUMBER && stream->depth == 0)
		return finish_number(stream);
	if (stream->state == STATE_WORD && stream->depth == 0)
		return finish_word(stream);
	if (stream->state == STATE_END)
		return true;
	return fail(stream, stream->state == STATE_STRING || stream->state == STATE_ESCAPE ||
				stream->state == STATE_BASE64 || stream->state == STATE_UNIT ?
				"it ends inside a string" : "it ends too early");
}
