/*
 * secret_scrub.c
 *		Takes a key out of a text, in all forms that services echo keys in.
 *
 * The text is read in several ways: as it is, with its escapes undone, as
 * digits of base64, as hexadecimal digits.  In each reading the key, written
 * likewise, is searched for, and what is found is marked in the text itself.
 *
 * A part of the key counts if it is half of it.  All such parts, but for those
 * at the key's very beginning, have one place in common, the key's middle; so
 * the search is for that place, and for how far the text agrees with the key on
 * both sides of it.
 */
#include "postgres.h"

#include <limits.h>

#include "base/hex.h"
#include "base/secret_scrub.h"

#define REDACTED "[redacted]"

/*
 * A shorter key is looked for as a whole word and as it is: its letters are in
 * every other word, and a message must stay readable.
 */
#define MIN_ENCODED_BYTES 4

/* A shorter part of a key is no part: the same reason. */
#define MIN_PART_BYTES 8

/* Bytes of text that one byte of a key takes at most: \u0041, &#x41; */
#define MAX_ESCAPE_BYTES 6

/*
 * Providers show refused keys masked, as in "sk-ab********wxyz": so much of
 * the beginning, a run of so many mask characters, and whatever follows.
 */
#define MASKED_PREFIX_BYTES 3
#define MASK_RUN_BYTES 3

/* The text read in one way. */
typedef struct Reading
{
	char	   *chars;
	int			nchars;
	int		   *starts;			/* where each begins in the text, and where the
								 * last one ends */
	bool		(*in_word) (char c);	/* what is found is redacted up to the
										 * ends of its word; NULL: it is not */
} Reading;

typedef struct Scrub
{
	const char *key;
	int			key_length;
	int			part_length;	/* so much of it is not to be shown */

	const char *text;
	int			length;			/* as far as it is looked at */
	bool	   *marks;			/* for each byte of it: not to be shown */
} Scrub;

/*
 * ----------
 * Searching
 * ----------
 */

/*
 * Sets lengths[i] to how much of a pattern's beginning stands at text[i], for i
 * from first on.  own has the same of the pattern in itself.
 */
static void
match_beginnings(const char *pattern, int npattern, const int *own,
				 const char *text, int ntext, int first, int *lengths)
{
	int			left = 0;		/* of the match that ends farthest */
	int			right = 0;

	for (int i = first; i < ntext; i++)
	{
		int			n = i < right ? Min(own[i - left], right - i) : 0;

		while (n < npattern && i + n < ntext && pattern[n] == text[i + n])
			n++;
		lengths[i] = n;
		if (i + n > right)
		{
			left = i;
			right = i + n;
		}
	}
}

static int *
beginnings(const char *pattern, int npattern, const char *text, int ntext)
{
	int		   *own = palloc(sizeof(int) * (npattern + 1));
	int		   *lengths = palloc(sizeof(int) * (ntext + 1));

	own[0] = npattern;
	match_beginnings(pattern, npattern, own, pattern, npattern, 1, own);
	match_beginnings(pattern, npattern, own, text, ntext, 0, lengths);
	lengths[ntext] = 0;
	pfree(own);
	return lengths;
}

static char *
reversed(const char *chars, int nchars)
{
	char	   *copy = palloc(nchars + 1);

	for (int i = 0; i < nchars; i++)
		copy[i] = chars[nchars - 1 - i];
	return copy;
}

/* The same for ends: how much of a pattern's end stands before text[i]. */
static int *
endings(const char *pattern, int npattern, const char *text, int ntext)
{
	char	   *back_pattern = reversed(pattern, npattern);
	char	   *back_text = reversed(text, ntext);
	int		   *back = beginnings(back_pattern, npattern, back_text, ntext);
	int		   *lengths = palloc(sizeof(int) * (ntext + 1));

	for (int i = 0; i <= ntext; i++)
		lengths[i] = back[ntext - i];
	explicit_bzero(back_pattern, npattern);
	pfree(back_pattern);
	pfree(back_text);
	pfree(back);
	return lengths;
}

/*
 * Marks what was found in a reading: edges[i] counts what begins at its
 * character i, less what ends there.
 */
static void
mark_found(Scrub *scrub, const Reading *reading, const int *edges)
{
	int			depth = 0;
	int			word = 0;		/* where the word began that i is in */
	bool		has_found = false;

	for (int i = 0; i < reading->nchars; i++)
	{
		bool		in_word = reading->in_word && reading->in_word(reading->chars[i]);

		depth += edges[i];
		if (!in_word)
		{
			word = i;
			has_found = false;
		}
		if (depth > 0 || has_found)
		{
			int			first = reading->starts[has_found ? i : word];

			memset(scrub->marks + first, true, reading->starts[i + 1] - first);
			has_found = in_word;
		}
		if (!in_word)
			word = i + 1;
	}
}

/* Marks all parts of a pattern, of least characters or more. */
static void
find(Scrub *scrub, const Reading *reading, const char *pattern, int npattern,
	 int least)
{
	int			n = reading->nchars;
	int			middle = npattern - least;
	int		   *edges = palloc0(sizeof(int) * (n + 1));
	int		   *whole = beginnings(pattern, npattern, reading->chars, n);
	int		   *after = beginnings(pattern + middle, least, reading->chars, n);
	int		   *before = endings(pattern, middle, reading->chars, n);

	for (int i = 0; i < n; i++)
	{
		if (whole[i] >= least)
		{
			edges[i]++;
			edges[i + whole[i]]--;
		}
		if (after[i] > 0 && before[i] + after[i] >= least)
		{
			edges[i - before[i]]++;
			edges[i + after[i]]--;
		}
	}
	mark_found(scrub, reading, edges);
	pfree(edges);
	pfree(whole);
	pfree(after);
	pfree(before);
}

/*
 * ----------
 * Readings
 * ----------
 */

/* The number that so many digits write, or -1. */
static int
read_number(const char *digits, int ndigits, int base)
{
	int			number = 0;

	for (int i = 0; i < ndigits; i++)
	{
		int			digit = inf_hex_digit(digits[i]);

		if (digit < 0 || digit >= base)
			return -1;
		number = number * base + digit;
	}
	return ndigits > 0 ? number : -1;
}

/* A reference of HTML: its length, and what it means; 0: it is none. */
static int
read_reference(const char *at, char *c)
{
	static const struct
	{
		const char *name;
		char		c;
	}			names[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}
	};
	bool		is_hex = at[1] == '#' && (at[2] == 'x' || at[2] == 'X');
	int			first = is_hex ? 3 : 2;
	int			number;
	int			last = first;

	for (int i = 0; i < lengthof(names); i++)
		if (strncmp(at, names[i].name, strlen(names[i].name)) == 0)
		{
			*c = names[i].c;
			return strlen(names[i].name);
		}
	if (at[1] != '#')
		return 0;
	while (last < first + 3 && read_number(at + last, 1, 16) >= 0)
		last++;
	number = read_number(at + first, last - first, is_hex ? 16 : 10);
	if (at[last] != ';' || number < ' ' || number > '~')
		return 0;
	*c = (char) number;
	return last + 1;
}

/* A character of a text as it is or escaped: its length, and what it means. */
static int
read_escaped(const char *at, char *c)
{
	int			number;
	int			length;

	*c = at[0];
	switch (at[0])
	{
		case '%':
			number = read_number(at + 1, 2, 16);
			if (number <= 0)
				return 1;
			*c = (char) number;
			return 3;
		case '\\':
			if (at[1] == '"' || at[1] == '\\' || at[1] == '/')
			{
				*c = at[1];
				return 2;
			}
			number = at[1] == 'u' ? read_number(at + 2, 4, 16) : -1;
			if (number < ' ' || number > '~')
				return 1;
			*c = (char) number;
			return 6;
		case '&':
			length = read_reference(at, c);
			return length > 0 ? length : 1;
		default:
			return 1;
	}
}

static Reading
make_reading(const Scrub *scrub, bool unescape)
{
	Reading		reading = {
		.chars = palloc(scrub->length + 1),
		.starts = palloc(sizeof(int) * (scrub->length + 1))
	};
	int			at = 0;

	while (at < scrub->length)
	{
		char		c = scrub->text[at];

		reading.starts[reading.nchars] = at;
		at += unescape ? read_escaped(scrub->text + at, &c) : 1;
		reading.chars[reading.nchars++] = c;
	}

	/* an escape may reach beyond what is looked at */
	reading.starts[reading.nchars] = Min(at, scrub->length);
	return reading;
}

static void
free_reading(Reading *reading)
{
	pfree(reading->chars);
	pfree(reading->starts);
}

static bool
in_hex(char c)
{
	return read_number(&c, 1, 16) >= 0;
}

static bool
in_base64(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z') || c == '+' || c == '/' || c == '=';
}

/* Changes a reading: one alphabet of base64, whatever lines it is broken into. */
static void
fold_base64(Reading *reading)
{
	int			n = 0;

	for (int i = 0; i < reading->nchars; i++)
	{
		char		c = reading->chars[i];

		if (c == '\r' || c == '\n')
			continue;
		reading->chars[n] = c == '-' ? '+' : c == '_' ? '/' : c;
		reading->starts[n++] = reading->starts[i];
	}
	reading->starts[n] = reading->starts[reading->nchars];
	reading->nchars = n;
	reading->in_word = in_base64;
}

/* How many hexadecimal digits there are at a place. */
static int
count_hex(const Reading *reading, int at)
{
	int			n = 0;

	while (at + n < reading->nchars && in_hex(reading->chars[at + n]))
		n++;
	return n;
}

/*
 * Changes a reading: hexadecimal digits in lower case, without what stands
 * between the bytes of a dump, as in 73 6b 2d; - has become + by fold_base64().
 */
static void
fold_hex(Reading *reading)
{
	int			ndigits = 0;	/* just before */
	int			n = 0;

	for (int i = 0; i < reading->nchars; i++)
	{
		char		c = reading->chars[i];
		bool		is_separator = c == ' ' || c == ':' || c == '+';
		bool		is_between = is_separator && ndigits == 2 &&
			count_hex(reading, i + 1) == 2;

		ndigits = in_hex(c) ? ndigits + 1 : 0;
		if (is_between)
			continue;
		reading->chars[n] = c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c;
		reading->starts[n++] = reading->starts[i];
	}
	reading->starts[n] = reading->starts[reading->nchars];
	reading->nchars = n;
	reading->in_word = in_hex;
}

/*
 * ----------
 * Forms of a key
 * ----------
 */

static void
find_hex(Scrub *scrub, const Reading *reading)
{
	int			n = scrub->key_length * 2;
	char	   *digits = palloc(n + 1);

	for (int i = 0; i < n; i++)
		digits[i] = "0123456789abcdef"[(unsigned char) scrub->key[i / 2] >> (i % 2 ? 0 : 4) & 15];
	find(scrub, reading, digits, n, 2 * scrub->part_length);
	explicit_bzero(digits, n);
	pfree(digits);
}

/*
 * The digits of base64 that the key alone decides, with so many bytes before
 * it.  What is before and behind, in its first and last digits too, goes with
 * the word.
 */
static void
find_base64(Scrub *scrub, const Reading *reading, int nbefore)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	int			first = (nbefore * 8 + 5) / 6;
	int			n = (nbefore + scrub->key_length) * 8 / 6 - first;
	char	   *encoded = palloc(n + 1);
	int			least = n;

	for (int i = 0; i < n; i++)
	{
		int			bit = (first + i) * 6 - nbefore * 8;
		const unsigned char *at = (const unsigned char *) scrub->key + bit / 8;
		unsigned int two = at[0] << 8 | (bit % 8 > 2 ? at[1] : 0);

		encoded[i] = digits[two >> (10 - bit % 8) & 63];
	}
	if (scrub->part_length < scrub->key_length)
		least = Max((n + 1) / 2, (scrub->part_length * 8 - 4) / 6);
	find(scrub, reading, encoded, n, least);
	explicit_bzero(encoded, n);
	pfree(encoded);
}

static bool
is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z') || IS_HIGHBIT_SET(c);
}

/* A key of few letters: as a word of its own. */
static void
find_word(Scrub *scrub)
{
	const char *text = scrub->text;
	int			n = scrub->key_length;

	for (int i = 0; i + n <= scrub->length; i++)
		if (memcmp(text + i, scrub->key, n) == 0 &&
			(i == 0 || !is_word_byte(text[i - 1])) && !is_word_byte(text[i + n]))
			memset(scrub->marks + i, true, n);
}

static bool
is_mask(char c)
{
	return c == '*' || c == '.' || c == 'x' || c == 'X' || c == '#';
}

static bool
ends_word(char c)
{
	return c == '\0' || strchr(" \t\r\n\"',;:)]}<>", c) != NULL;
}

/*
 * The masked form: as much of the key's beginning as there is, a run of mask
 * characters, and the word's rest.  The key may hold mask characters itself;
 * those next to the run count as part of it.
 */
static void
find_masked(Scrub *scrub, const Reading *reading)
{
	const char *text = scrub->text;
	int			n = scrub->length;
	int		   *prefixes = beginnings(scrub->key, scrub->key_length, reading->chars, n);
	int		   *run_ends = palloc(sizeof(int) * (n + 1));
	int		   *plain = palloc(sizeof(int) * (scrub->key_length + 1));

	/* of each beginning of the key, what is left without masks at its end */
	plain[0] = 0;
	for (int i = 0; i < scrub->key_length; i++)
		plain[i + 1] = is_mask(scrub->key[i]) ? plain[i] : i + 1;
	run_ends[n] = n;
	for (int i = n - 1; i >= 0; i--)
		run_ends[i] = is_mask(text[i]) ? run_ends[i + 1] : i;

	for (int i = 0; i < n; i++)
	{
		int			end = i + plain[prefixes[i]];
		int			run_end = run_ends[end];

		if (end - i < MASKED_PREFIX_BYTES || run_end - end < MASK_RUN_BYTES)
			continue;
		while (run_end < n && !ends_word(text[run_end]))
			run_end++;
		memset(scrub->marks + i, true, run_end - i);
		i = run_end - 1;
	}
	pfree(prefixes);
	pfree(run_ends);
	pfree(plain);
}

static void
find_all(Scrub *scrub)
{
	Reading		plain = make_reading(scrub, false);
	Reading		unescaped = make_reading(scrub, true);

	find(scrub, &plain, scrub->key, scrub->key_length, scrub->part_length);
	find_masked(scrub, &plain);
	find(scrub, &unescaped, scrub->key, scrub->key_length, scrub->part_length);
	fold_base64(&unescaped);
	for (int nbefore = 0; nbefore < 3; nbefore++)
		find_base64(scrub, &unescaped, nbefore);
	fold_hex(&unescaped);
	find_hex(scrub, &unescaped);
	free_reading(&plain);
	free_reading(&unescaped);
}

/*
 * ----------
 * The result
 * ----------
 */

/* Where to cut, so that no character of UTF-8 is cut. */
static int
cut_place(const char *text, int place)
{
	while (place > 0 && ((unsigned char) text[place] & 0xc0) == 0x80)
		place--;
	return place;
}

static char *
write_result(const Scrub *scrub, int shown)
{
	/* each mark may stand for one byte */
	char	   *result = palloc((Size) shown * strlen(REDACTED) + strlen("...") + 1);
	char	   *out = result;

	for (int i = 0; i < shown; i++)
	{
		if (!scrub->marks[i])
			*out++ = scrub->text[i];
		else if (i == 0 || !scrub->marks[i - 1])
		{
			memcpy(out, REDACTED, strlen(REDACTED));
			out += strlen(REDACTED);
		}
	}
	strcpy(out, scrub->text[shown] != '\0' ? "..." : "");
	return result;
}

char *
inf_scrub_text(const char *key, const char *text, int max_bytes)
{
	int			n = (int) strlen(key);
	Scrub		scrub = {
		.key = key,
		.key_length = n,
		.part_length = n < MIN_PART_BYTES ? n : Max(MIN_PART_BYTES, (n + 1) / 2),
		.text = text,
		.length = (int) strnlen(text, max_bytes + (Size) (n + 1) * MAX_ESCAPE_BYTES)
	};
	int			shown = scrub.length > max_bytes ? cut_place(text, max_bytes) :
		scrub.length;
	char	   *result;

	scrub.marks = palloc0(scrub.length + 1);
	if (n >= MIN_ENCODED_BYTES)
		find_all(&scrub);
	else if (n > 0)
		find_word(&scrub);
	result = write_result(&scrub, shown);
	pfree(scrub.marks);
	return result;
}
