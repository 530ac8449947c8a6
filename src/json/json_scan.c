/*
 * json_scan.c
 *		Whether bytes are JSON, by RFC 8259 and nothing beyond it.
 *
 * json-c reads more, and each version of it something else.  In strict mode 0.16
 * takes NaN and Infinity, cuts a key at an escaped NUL, keeps the last of two
 * members of one name, takes surrogates in UTF-8, and numbers such as 1. and
 * -01; from 0.17 on it refuses integers beyond 64 bits, which are JSON.  So nothing
 * is left to it: it only builds a tree of what was found good here.
 */
#include "json/json_scan.h"

#include <string.h>

#include "base/hex.h"
#include "base/utf8.h"

typedef struct Scan
{
	const char *next;
	const char *end;
	int			depth_left;		/* levels that may still open */
	size_t		nmembers;		/* of all objects so far */
} Scan;

static const char *const too_short = "it ends too early";

static const char *scan_value(Scan *scan);

/* The code unit of four hex digits at s, or -1. */
static int
code_unit(const char *s, const char *end)
{
	int			unit = 0;

	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int			digit = inf_hex_digit(s[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* After "\u": checks one code point, both units of a pair. */
static const char *
scan_unicode_escape(Scan *scan)
{
	int			unit = code_unit(scan->next, scan->end);
	int			low;

	if (unit < 0)
		return "an escape in a string is not complete";
	scan->next += 4;
	if (unit == 0)
		return "a string contains a NUL character";
	if (unit < 0xd800 || unit > 0xdfff)
		return NULL;
	if (unit > 0xdbff || scan->end - scan->next < 6 ||
		scan->next[0] != '\\' || scan->next[1] != 'u')
		return "a string contains half of a surrogate pair";
	low = code_unit(scan->next + 2, scan->end);
	if (low < 0xdc00 || low > 0xdfff)
		return "a string contains half of a surrogate pair";
	scan->next += 6;
	return NULL;
}

/* After the opening quote: up to behind the closing one. */
static const char *
scan_string(Scan *scan)
{
	while (scan->next < scan->end)
	{
		unsigned char c = *scan->next++;
		const char *fault;

		if (c >= 0x80)
		{
			int			length = inf_utf8_length((const unsigned char *) scan->next - 1,
												 (const unsigned char *) scan->end);

			if (length == 0)
				return "a string is not valid UTF-8";
			scan->next += length - 1;
			continue;
		}
		if (c == '"')
			return NULL;
		if (c < 0x20)
			return "a string contains a control character";
		if (c != '\\')
			continue;
		if (scan->next >= scan->end)
			break;
		if (*scan->next++ == 'u')
		{
			fault = scan_unicode_escape(scan);
			if (fault)
				return fault;
		}
		else if (memchr("\"\\/bfnrt", scan->next[-1], 8) == NULL)
			return "a string contains an unknown escape";
	}
	return "it ends inside a string";
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A word, of which JSON knows three; the e of a number is not met here. */
static const char *
scan_word(Scan *scan)
{
	static const char *const words[] = {"true", "false", "null"};
	const char *start = scan->next;
	size_t		length;

	while (scan->next < scan->end && is_letter(*scan->next))
		scan->next++;
	length = scan->next - start;
	for (int i = 0; i < 3; i++)
		if (length == strlen(words[i]) && memcmp(start, words[i], length) == 0)
			return NULL;
	if (length == 3 && strncmp(start, "NaN", 3) == 0)
		return "it contains NaN, which is not a JSON number";
	if (length == 8 && strncmp(start, "Infinity", 8) == 0)
		return "it contains Infinity, which is not a JSON number";
	return "it contains a word that is not JSON";
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The next byte, or NUL at the end. */
static char
peek(const Scan *scan)
{
	return scan->next < scan->end ? *scan->next : '\0';
}

/* False if there is none. */
static bool
skip_digits(Scan *scan)
{
	const char *start = scan->next;

	while (is_digit(peek(scan)))
		scan->next++;
	return scan->next > start;
}

static const char *
scan_number(Scan *scan)
{
	static const char *const fault = "a number is not well formed";

	if (peek(scan) == '-')
		scan->next++;

	/* -Infinity is no number, but a word, which has a message of its own. */
	if (peek(scan) == 'I' || peek(scan) == 'N')
		return scan_word(scan);
	if (peek(scan) == '0')
		scan->next++;
	else if (!skip_digits(scan))
		return fault;
	if (peek(scan) == '.')
	{
		scan->next++;
		if (!skip_digits(scan))
			return fault;
	}
	if (peek(scan) == 'e' || peek(scan) == 'E')
	{
		scan->next++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->next++;
		if (!skip_digits(scan))
			return fault;
	}
	return is_digit(peek(scan)) ? fault : NULL;
}

static void
skip_blanks(Scan *scan)
{
	while (scan->next < scan->end && memchr(" \t\r\n", *scan->next, 4) != NULL)
		scan->next++;
}

/* Skips blanks and then c, if that is next; whether it was. */
static bool
skip(Scan *scan, char c)
{
	skip_blanks(scan);
	if (scan->next == scan->end || *scan->next != c)
		return false;
	scan->next++;
	return true;
}

/* What is wrong where something else must follow. */
static const char *
missing(const Scan *scan, const char *fault)
{
	return scan->next == scan->end ? too_short : fault;
}

/* After an element or member: *is_last if closing follows it, else a comma. */
static const char *
scan_separator(Scan *scan, char closing, bool *is_last)
{
	*is_last = skip(scan, closing);
	if (*is_last || skip(scan, ','))
		return NULL;
	return missing(scan, peek(scan) == ']' || peek(scan) == '}' ?
				   "a bracket does not match" : "a comma is missing");
}

/* After "[". */
static const char *
scan_array(Scan *scan)
{
	const char *fault = NULL;
	bool		is_last = skip(scan, ']');

	while (!is_last && !fault)
	{
		fault = scan_value(scan);
		if (!fault)
			fault = scan_separator(scan, ']', &is_last);
	}
	return fault;
}

/* After "{". */
static const char *
scan_object(Scan *scan)
{
	const char *fault = NULL;
	bool		is_last = skip(scan, '}');

	while (!is_last && !fault)
	{
		if (!skip(scan, '"'))
			return missing(scan, peek(scan) == ']' ? "a bracket does not match" :
						   "the name of a member is missing");
		fault = scan_string(scan);
		if (fault)
			return fault;
		if (!skip(scan, ':'))
			return missing(scan, "a colon is missing");
		scan->nmembers++;
		fault = scan_value(scan);
		if (!fault)
			fault = scan_separator(scan, '}', &is_last);
	}
	return fault;
}

static const char *
scan_value(Scan *scan)
{
	const char *fault;
	char		c;

	skip_blanks(scan);
	c = peek(scan);
	if (is_digit(c) || c == '-')
		return scan_number(scan);
	if (is_letter(c))
		return scan_word(scan);
	if (skip(scan, '"'))
		return scan_string(scan);
	if (c != '[' && c != '{')
		return missing(scan, "unexpected character");
	if (scan->depth_left == 0)
		return "it is nested too deeply";
	scan->next++;
	scan->depth_left--;
	fault = c == '[' ? scan_array(scan) : scan_object(scan);
	scan->depth_left++;
	return fault;
}

const char *
inf_json_scan(const char *bytes, size_t length, int max_depth, size_t *nmembers)
{
	Scan		scan = {bytes, bytes + length, max_depth, 0};
	const char *fault = scan_value(&scan);

	*nmembers = scan.nmembers;
	if (fault)
		return fault;
	skip_blanks(&scan);
	return scan.next < scan.end ? "something follows its end" : NULL;
}
