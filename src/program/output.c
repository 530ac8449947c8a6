/*
 * output.c
 *		Embeddings as lines of JSON.
 */
#include "program/output.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* Numbers written the quick way: 10^9 of the smallest has 52 bits or fewer. */
#define QUICK_MIN 1e-4f
#define QUICK_MAX 10.0f
#define MAX_DIGITS 9
#define MAX_DECIMALS (MAX_DIGITS + 3)

/*
 * The fewest digits that are read back as the same float32, from QUICK_MIN on
 * and below QUICK_MAX.  All here is exact: a float32 has 24 bits, 5^12 has 28,
 * and a double keeps 53.  So a decimal nearer to number than half the way to
 * its neighbour is read as number.
 */
static void
write_quickly(FILE *to, float number)
{
	static const double powers[MAX_DECIMALS + 1] = {
		1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12
	};
	const double half_way = ((double) number - nextafterf(number, 0)) / 2;
	char		digits[MAX_DECIMALS + 3];
	char	   *at = digits + sizeof(digits);
	int			ndecimals = 5;
	int64_t		decimal;

	for (float power = 1; number < power; power /= 10)
		ndecimals++;
	while (fabs((decimal = llrint(number * powers[ndecimals])) - number * powers[ndecimals]) >=
		   half_way * powers[ndecimals] && ndecimals < MAX_DECIMALS)
		ndecimals++;
	for (; ndecimals > 1 && decimal % 10 == 0; ndecimals--)
		decimal /= 10;
	for (int i = 0; i <= ndecimals || decimal > 0; i++, decimal /= 10)
	{
		if (i == ndecimals)
			*--at = '.';
		*--at = '0' + decimal % 10;
	}
	(void) fwrite(at, 1, digits + sizeof(digits) - at, to);
}

/* The fewest digits that are read back as the same float32. */
static void
write_number(FILE *to, float number)
{
	char		digits[32];

	if (fabsf(number) >= QUICK_MIN && fabsf(number) < QUICK_MAX)
	{
		if (number < 0)
			(void) putc_unlocked('-', to);
		write_quickly(to, fabsf(number));
		return;
	}
	for (int n = 6; n <= MAX_DIGITS; n++)
	{
		(void) snprintf(digits, sizeof(digits), "%.*g", n, number);
		if (strtof(digits, NULL) == number)
			break;
	}
	(void) fputs(digits, to);
}

/* UTF-8, as it is but for what JSON wants escaped. */
void
inf_write_string(FILE *to, const char *utf8)
{
	(void) putc_unlocked('"', to);
	for (; *utf8; utf8++)
	{
		const unsigned char c = *utf8;

		if (c == '"' || c == '\\')
			(void) fprintf(to, "\\%c", c);
		else if (c < 0x20)
			(void) fprintf(to, "\\u%04x", c);
		else
			(void) putc_unlocked(c, to);
	}
	(void) putc_unlocked('"', to);
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
		inf_write_string(to, inf_engine_token(engine, embedding->weights[i].token));
		(void) fputs(": ", to);
		write_number(to, embedding->weights[i].weight);
	}
	(void) fputs("}\n", to);
}

void
inf_write_error(FILE *to, const char *message)
{
	(void) fputs("{\"error\": ", to);
	inf_write_string(to, message);
	(void) fputs("}\n", to);
}
