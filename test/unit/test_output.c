/*
 * test_output.c
 *		Numbers and strings of answers: short, and read back as they were.
 */
#include "program/output.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* What output.c asks an engine. */
int
inf_engine_width(const Engine *engine)
{
	return 1;
}

const char *
inf_engine_token(const Engine *engine, int id)
{
	return id == 0 ? "\"a\\b\"\n" : "Stra\xc3\x9f" "e";
}

static char *text;				/* what was written */
static size_t text_size;
static FILE *file;

static const char *
written(void)
{
	(void) fputc('\0', file);
	(void) fflush(file);
	rewind(file);
	return text;
}

static const char *
number_text(float number)
{
	const EngineEmbedding embedding = {.vector = &number};

	inf_write_embedding(file, NULL, &embedding);
	return written();
}

static void
test_numbers(void)
{
	CHECK_STR(number_text(0), "[0]\n");
	CHECK_STR(number_text(0.5f), "[0.5]\n");
	CHECK_STR(number_text(-0.1f), "[-0.1]\n");
	CHECK_STR(number_text(1), "[1.0]\n");
	CHECK_STR(number_text(9.9999f), "[9.9999]\n");
	CHECK_STR(number_text(0.0001f), "[0.0001]\n");
	CHECK_STR(number_text(0.00012345679f), "[0.00012345679]\n");
	CHECK_STR(number_text(0.33333334f), "[0.33333334]\n");
	CHECK_STR(number_text(1e-5f), "[1e-05]\n");
	CHECK_STR(number_text(16777216), "[16777216]\n");
	CHECK_STR(number_text(3.4028235e38f), "[3.4028235e+38]\n");
}

/* All orders of magnitude, and the neighbours of where they meet. */
static void
test_round_trip(void)
{
	int			nwrong = 0;

	for (uint32_t bits = 1; bits < 0x7f800000; bits += 12347)
	{
		float		number;

		memcpy(&number, &bits, sizeof(number));
		nwrong += strtof(number_text(number) + 1, NULL) != number;
	}
	for (float power = 1e-5f; power < 1000; power *= 2)
		for (int32_t i = -3; i <= 3; i++)
		{
			float		number;
			int32_t		bits;

			memcpy(&bits, &power, sizeof(bits));
			bits += i;
			memcpy(&number, &bits, sizeof(number));
			nwrong += strtof(number_text(number) + 1, NULL) != number;
		}
	CHECK_INT(nwrong, 0);
}

static void
test_objects(void)
{
	const TokenWeight weights[] = {{0, 2.5f}, {1, 0.125f}};
	const EngineEmbedding embedding = {.weights = weights, .nweights = 2};
	const EngineEmbedding nothing = {.weights = weights};

	inf_write_embedding(file, NULL, &embedding);
	CHECK_STR(written(), "{\"\\\"a\\\\b\\\"\\u000a\": 2.5, \"Stra\xc3\x9f" "e\": 0.125}\n");
	inf_write_embedding(file, NULL, &nothing);
	CHECK_STR(written(), "{}\n");
	inf_write_error(file, "not \"so\"");
	CHECK_STR(written(), "{\"error\": \"not \\\"so\\\"\"}\n");
}

int
main(void)
{
	file = open_memstream(&text, &text_size);
	CHECK(file != NULL);
	test_numbers();
	test_round_trip();
	test_objects();
	(void) fclose(file);
	free(text);
	return check_done();
}
