/*
 * engine_error.c
 *		What went wrong, as a value.
 */
#include "engine/engine_error.h"

#include <stdarg.h>
#include <stdio.h>

/* Bytes of the UTF-8 character at text, whose range is not looked at; 0: none. */
static int
character_length(const unsigned char *text)
{
	const int	length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 :
		text[0] < 0xf0 ? 3 : text[0] < 0xf5 ? 4 : 0;

	for (int i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* A file's name can be any bytes, and a name that is cut ends anywhere. */
static void
make_printable(unsigned char *text)
{
	while (*text)
	{
		const int	length = character_length(text);

		if (length == 0 || *text < 0x20 || *text == 0x7f)
			*text = '?';
		text += length ? length : 1;
	}
}

bool
inf_engine_fail(EngineError *error, EngineErrorCode code, const char *format,...)
{
	va_list		args;

	error->code = code;
	va_start(args, format);
	(void) vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	make_printable((unsigned char *) error->message);
	return false;
}
