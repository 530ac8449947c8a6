/*
 * ours.c
 *		Runs our tokenizer over lines, for compare.
 *
 *	ours FOLDER LINES IDS
 *		writes the ids of each line of LINES to a line of IDS, and prints how
 *		fast that was: the best of three passes, ids only
 *	ours LAST
 *		prints what ICU knows of the code points 0 to LAST
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <unicode/uchar.h>

#include "engine/mapped_file.h"
#include "engine/tokenizer.h"

#define MAX_TOKENS 65536
#define NPASSES 3

static EngineError error;

static void
fail(const char *message)
{
	fprintf(stderr, "error: %s\n", message);
	exit(1);
}

static double
now_s(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

static void
write_ids(FILE *to, const int32_t *ids, int nids)
{
	for (int i = 0; i < nids; i++)
		fprintf(to, i > 0 ? " %d" : "%d", ids[i]);
	fputc('\n', to);
}

/* Returns the number of ids; writes them if to is not NULL. */
static long
encode_lines(const Tokenizer *tokenizer, const MappedFile *lines, FILE *to)
{
	static int32_t ids[MAX_TOKENS];
	const char *end = lines->bytes + lines->size;
	const char *newline;
	long		total = 0;

	for (const char *line = lines->bytes; line < end; line = newline + 1)
	{
		int			nids;
		bool		truncated;

		newline = memchr(line, '\n', end - line);
		if (newline == NULL)
			fail("the last line does not end");
		if (!inf_tokenizer_encode(tokenizer, line, newline - line, MAX_TOKENS,
								  ids, &nids, &truncated, &error))
			fail(error.message);
		if (truncated)
			fail("a line is too long");
		if (to != NULL)
			write_ids(to, ids, nids);
		total += nids;
	}
	return total;
}

/* A line for each: kind, lower case in hex.  See prepare.mjs. */
static void
print_unicode(UChar32 last)
{
	for (UChar32 c = 0; c <= last; c++)
	{
		const uint32_t category = U_GET_GC_MASK(c);
		const char *kind = "other";

		if (category & U_GC_CN_MASK)
			kind = "none";
		else if (category & U_GC_C_MASK)
			kind = "control";
		else if (category & U_GC_MN_MASK)
			kind = "mark";
		else if (category & U_GC_P_MASK)
			kind = "punctuation";
		else if (category & U_GC_Z_MASK)
			kind = "space";
		printf("%s %x\n", kind, (unsigned) u_tolower(c));
	}
}

int
main(int argc, char **argv)
{
	Tokenizer  *tokenizer;
	MappedFile	lines;
	FILE	   *to;
	double		best_s = 1e9;
	long		total = 0;

	if (argc == 2)
	{
		print_unicode((UChar32) strtol(argv[1], NULL, 16));
		return 0;
	}
	if (argc != 4)
		fail("usage: ours FOLDER LINES IDS, or ours LAST");
	tokenizer = inf_tokenizer_open(argv[1], 4000000, &error);
	if (tokenizer == NULL || !inf_mapped_file_open(&lines, argv[2], &error))
		fail(error.message);
	to = fopen(argv[3], "w");
	if (to == NULL)
		fail("could not open the file of ids");
	(void) encode_lines(tokenizer, &lines, to);
	if (fclose(to) != 0)
		fail("could not write the file of ids");

	for (int pass = 0; pass < NPASSES; pass++)
	{
		double		start_s = now_s();

		total = encode_lines(tokenizer, &lines, NULL);
		if (now_s() - start_s < best_s)
			best_s = now_s() - start_s;
	}
	printf("ours:   %9ld ids, %6.2f M ids/s, %6.1f MB/s (Unicode %s)\n", total,
		   total / best_s * 1e-6, lines.size / best_s * 1e-6, U_UNICODE_VERSION);
	inf_mapped_file_close(&lines);
	inf_tokenizer_close(tokenizer);
	return 0;
}
