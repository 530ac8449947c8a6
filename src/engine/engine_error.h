/*
 * engine_error.h
 *		What went wrong, as a value: nothing in engine/ throws, exits or prints.
 *
 * Functions that can fail take an EngineError, return false (or NULL), and
 * fill it; where they succeed they leave it alone.  Plain C.
 */
#ifndef INFERENCE_ENGINE_ENGINE_ERROR_H
#define INFERENCE_ENGINE_ENGINE_ERROR_H

#include <stdbool.h>

typedef enum EngineErrorCode
{
	ENGINE_OK = 0,
	ENGINE_NO_FILE,				/* a file is missing or cannot be read */
	ENGINE_BAD_FILE,			/* a file is not what its name promises */
	ENGINE_UNSUPPORTED,			/* a good file of a kind that we cannot run */
	ENGINE_BAD_INPUT,			/* a text or an argument */
	ENGINE_NO_MEMORY,
	ENGINE_OUT_OF_RANGE			/* numbers left the range of the precision */
} EngineErrorCode;

typedef struct EngineError
{
	EngineErrorCode code;

	/* A plain sentence after PostgreSQL's style: lower case, no full stop. */
	char		message[512];
} EngineError;

/*
 * Fills error and returns false, so that callers can write
 * "return inf_engine_fail(error, ...)".  Control characters that a file
 * smuggles into the message, and what is not UTF-8, become '?'.
 */
extern bool inf_engine_fail(EngineError *error, EngineErrorCode code,
							const char *format,...)
			__attribute__((format(printf, 3, 4)));

#endif							/* INFERENCE_ENGINE_ENGINE_ERROR_H */
