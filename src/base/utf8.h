/*
 * utf8.h
 *		Well-formed UTF-8, for rooms that work without a server.
 */
#ifndef INFERENCE_BASE_UTF8_H
#define INFERENCE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The length of the well-formed UTF-8 character at s, which is not ASCII, or
 * 0: overlong forms and surrogates are not well-formed.
 */
static inline int
inf_utf8_length(const unsigned char *s, const unsigned char *end)
{
	int			length;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		length = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		length = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (end - s < length)
		return 0;
	for (int i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;

	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

static inline bool
inf_utf8_is_valid(const char *bytes, size_t length)
{
	const unsigned char *s = (const unsigned char *) bytes;
	const unsigned char *end = s + length;

	while (s < end)
	{
		int			size = *s < 0x80 ? 1 : inf_utf8_length(s, end);

		if (size == 0)
			return false;
		s += size;
	}
	return true;
}

#endif							/* INFERENCE_BASE_UTF8_H */
