/*
 * output.c
 *		Embeddings as lines of JSON.
 */
#include "program/output.h"

#include <stdlib.h>

/* The fewest digits that are read back as the same float32. */
static void
write_number(FILE *to, float number)
{
	char		digits[32];

	for (int n = 6; n <= 9; n++)
	{
		(void) snprintf(digits, sizeof(digits), "%.*g", n, number);
		if (strtof(digits, NULL) == number)
			break;
	}
	(void) fputs(digits, to);
}

/* UTF-8, as it is but for what JSON wants escaped. */
static void
write_string(FILE *to, const char *string)
{
	(void) fputc('"', to);
	for (; *string; string++)
	{
		const unsigned char c = *string;

		if (c == '"' || c == '\\')
			(void) fprintf(to, "\\%c", c);
		else if (c < 0x20)
			(void) fprintf(to, "\\u%04x", c);
		else
			(void) fputc(c, to);
	}
	(void) fputc('"', to);
}

void
inf_write_embedding(FILE *to, const Engine *engine, const EngineEmbedding *embedding)
{
	if (embedding->vector)
	{
		for (int i = 0; i < inf_engine_width(engine); i++)
		{
			(void) fputs(i == 0 ? "[" : ", ", to);
			write_number(to, embedding->vector[i]);
		}
		(void) fputs("]\n", to);
		return;
	}
	(void) fputc('{', to);
	for (int i = 0; i < embedding->nweights; i++)
	{
		if (i > 0)
			(void) fputs(", ", to);
		write_string(to, inf_engine_token(engine, embedding->weights[i].token));
		(void) fputs(": ", to);
		write_number(to, embedding->weights[i].weight);
	}
	(void) fputs("}\n", to);
}

void
inf_write_error(FILE *to, const char *message)
{
	(void) fputs("{\"error\": ", to);
	write_string(to, message);
	(void) fputs("}\n", to);
}
