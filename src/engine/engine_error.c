/*
 * engine_error.c
 *		What went wrong, as a value.
 */
#include "engine/engine_error.h"

#include <stdarg.h>
#include <stdio.h>

bool
inf_engine_fail(EngineError *error, EngineErrorCode code, const char *format,...)
{
	va_list		args;

	error->code = code;
	va_start(args, format);
	(void) vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	for (char *c = error->message; *c; c++)
		if ((unsigned char) *c < 0x20 || *c == 0x7f)
			*c = '?';
	return false;
}
