/*
 * command_embed.c
 *		inference-engine embed: lines of text in, lines of JSON out.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program/command.h"
#include "program/line_reader.h"
#include "program/output.h"

/* Texts of a call: enough to keep threads busy, few enough to answer soon. */
#define MAX_TEXTS 64

static const char help[] =
"inference-engine embed FOLDER [--precision P] [--threads N] [--cache FOLDER]\n"
"\n"
"Reads texts in UTF-8 from standard input, one on each line, and writes a line of\n"
"JSON for each, in the same order: an array of numbers for a dense model, or an\n"
"object of tokens and their weights, heaviest first, for a sparse one.\n"
"\n"
"Each line is answered at once; lines that arrive faster are processed together.\n"
"An empty line is the empty text. If a line cannot be embedded, the answer is an\n"
"object with a single member \"error\", so that there is one line for each text;\n"
"the exit status is then 1. Texts that are too long for the model are cut, and\n"
"counted on standard error at the end.\n"
"\n"
"  --precision P    auto (default), fp32, bf16, fp16 or int8: see inspect --help\n"
"  --threads N      threads that share the work (default 1)\n"
"  --cache FOLDER   where packed weights are stored (default: the model's folder)\n"
"\n"
"For example:\n"
"\n"
"  printf 'a red car\\na blue car\\n' | inference-engine embed all-MiniLM-L6-v2\n";

/* What is said at the end. */
typedef struct Tally
{
	int64_t		nlines;
	int64_t		ntruncated;
	int64_t		first_truncated;	/* its line, counted from 1 */
	int64_t		nfailed;
} Tally;

static void
write_answer(const Engine *engine, const EngineEmbedding *embedding, Tally *tally)
{
	tally->nlines++;
	if (embedding->truncated && tally->ntruncated++ == 0)
		tally->first_truncated = tally->nlines;
	inf_write_embedding(stdout, engine, embedding);
}

/* All at once, or one by one if one of them is bad. */
static void
answer_lines(Engine *engine, const EngineText *lines, int n, Tally *tally)
{
	EngineEmbedding embeddings[MAX_TEXTS];
	EngineError error;

	if (inf_engine_embed(engine, lines, n, embeddings, &error))
	{
		for (int i = 0; i < n; i++)
			write_answer(engine, &embeddings[i], tally);
		return;
	}
	for (int i = 0; i < n; i++)
		if (inf_engine_embed(engine, &lines[i], 1, embeddings, &error))
			write_answer(engine, embeddings, tally);
		else
		{
			/* The text is alone: its number is ours to say. */
			const char *why = strncmp(error.message, "text 0: ", 8) == 0 ?
				error.message + 8 : error.message;

			tally->nlines++;
			tally->nfailed++;
			inf_write_error(stdout, why);
		}
}

/* False after a complaint. */
static bool
answer_all(Engine *engine, Tally *tally)
{
	LineReader	reader = {.fd = STDIN_FILENO};
	EngineText	lines[MAX_TEXTS];
	const char *problem = NULL;
	bool		good = true;
	int			n;

	while (good && (n = inf_read_lines(&reader, lines, MAX_TEXTS, &problem)) > 0)
	{
		answer_lines(engine, lines, n, tally);
		good = inf_flush_answers();
	}
	if (problem)
	{
		inf_complain("could not read line %" PRId64 ": %s", tally->nlines + 1, problem);
		good = false;
	}
	free(reader.bytes);
	return good;
}

int
inf_command_embed(int argc, char **argv)
{
	static const struct option long_options[] = {ENGINE_OPTIONS, {0}};
	EngineOptions options = {.nthreads = 1};
	Tally		tally = {0};
	Engine	   *engine;
	int			option;
	int			status;
	bool		good;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
	{
		if (option == 'h')
			return inf_print_help(help);
		if (!inf_read_engine_option("embed", option, optarg, &options))
			return EXIT_USAGE;
	}
	engine = inf_open_engine("embed", argc, argv, &options, &status);
	if (engine == NULL)
		return status;
	good = answer_all(engine, &tally);
	if (tally.ntruncated > 0)
		inf_complain("%" PRId64 " of %" PRId64 " texts were longer than the model takes and were cut, line %" PRId64 " the first",
					 tally.ntruncated, tally.nlines, tally.first_truncated);
	if (tally.nfailed > 0)
		inf_complain("%" PRId64 " of %" PRId64 " texts could not be embedded",
					 tally.nfailed, tally.nlines);
	inf_engine_close(engine);
	return good && tally.nfailed == 0 ? EXIT_GOOD : EXIT_FAILED;
}
