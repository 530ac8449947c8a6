/*
 * command_bench.c
 *		inference-engine bench: how fast a model is here.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "program/command.h"

#define DEFAULT_SHAPES "1x16,1x64,1x128,1x256,1x512,8x16,8x64,8x128"
#define MAX_RUNS 10000

static const char help[] =
"inference-engine bench FOLDER [--precision P] [--threads N] [--cache FOLDER]\n"
"                       [--seconds S] [--shapes BxL,...]\n"
"\n"
"Measures how fast the model is here. For each shape, B texts of L tokens at\n"
"once, it runs the network for S seconds and prints the median time, without\n"
"tokenising, which takes less than a hundredth of it. Other programs on the\n"
"machine affect the results.\n"
"\n"
"  --seconds S      for each shape (default 2)\n"
"  --shapes LIST    default " DEFAULT_SHAPES "\n"
"  --precision P    auto (default), fp32, bf16, fp16 or int8: see inspect --help\n"
"  --threads N      threads that share the work (default 1)\n"
"  --cache FOLDER   where packed weights are stored (default: the model's folder)\n";

static double
now(void)
{
	struct timespec time;

	(void) clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static int
compare_times(const void *a, const void *b)
{
	const double x = *(const double *) a;
	const double y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Texts of one shape, of tokens that are all over the vocabulary. */
typedef struct Batch
{
	int			ntexts;
	int			length;			/* tokens */
	int32_t    *ids;			/* (ntexts * length) */
	int32_t    *offsets;		/* (ntexts + 1) */
	float	   *out;			/* (ntexts, width) */
} Batch;

static bool
open_batch(Batch *batch, const Engine *engine, int ntexts, int length)
{
	EngineDescription description;

	inf_engine_describe(engine, &description);
	batch->ntexts = ntexts;
	batch->length = length;
	batch->ids = malloc((size_t) ntexts * length * sizeof(*batch->ids));
	batch->offsets = malloc((ntexts + 1) * sizeof(*batch->offsets));
	batch->out = malloc((size_t) ntexts * inf_engine_width(engine) * sizeof(*batch->out));
	if (!batch->ids || !batch->offsets || !batch->out)
		return false;
	for (int i = 0; i < ntexts * length; i++)
		batch->ids[i] = (int64_t) (i + 1) * 7919 % description.config.nvocabulary;
	for (int i = 0; i <= ntexts; i++)
		batch->offsets[i] = i * length;
	return true;
}

static void
close_batch(Batch *batch)
{
	free(batch->ids);
	free(batch->offsets);
	free(batch->out);
}

/* Prints a line; false after a complaint. */
static bool
measure(Engine *engine, int ntexts, int length, int seconds)
{
	Batch		batch = {0};
	EngineError error = {.message = "out of memory"};
	double	   *times = malloc(MAX_RUNS * sizeof(*times));
	const bool	opened = open_batch(&batch, engine, ntexts, length) && times;
	bool		good = opened;
	double		end = 0;
	int			nruns = -1;		/* the first finds nothing near, and is left out */

	while (good && nruns < MAX_RUNS && (nruns < 3 || now() < end))
	{
		const double begin = now();

		good = inf_engine_run_ids(engine, batch.ids, batch.offsets, ntexts,
								  batch.out, &error);
		if (nruns >= 0)
			times[nruns] = now() - begin;
		else
			end = now() + seconds;
		nruns++;
	}
	if (good)
	{
		double		median;

		qsort(times, nruns, sizeof(*times), compare_times);
		median = times[nruns / 2];
		printf("%4dx%-5d %10.2f %10.1f %10.0f %8d\n", ntexts, length, median * 1e3,
			   ntexts / median, (double) ntexts * length / median, nruns);
		good = inf_flush_answers();
	}
	else
		inf_complain("%s", error.message);
	close_batch(&batch);
	free(times);
	return good;
}

/* Pages in what an answer needs; false after a complaint. */
static bool
answer_once(Engine *engine)
{
	const EngineText text = {"a first text", 12};
	EngineEmbedding embedding;
	EngineError error;

	if (inf_engine_embed(engine, &text, 1, &embedding, &error))
		return true;
	inf_complain("%s", error.message);
	return false;
}

/* A line of a file of /proc/self that begins with name, in MB; -1 if none. */
static double
read_memory(const char *path, const char *name)
{
	FILE	   *file = fopen(path, "r");
	char		line[256];
	double		megabytes = -1;

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			megabytes = atof(line + strlen(name)) * 1024 / 1e6;
	if (file)
		(void) fclose(file);
	return megabytes;
}

static void
print_memory(void)
{
	const double peak = read_memory("/proc/self/status", "VmHWM:");
	const double clean = read_memory("/proc/self/smaps_rollup", "Private_Clean:");
	const double dirty = read_memory("/proc/self/smaps_rollup", "Private_Dirty:");

	if (peak >= 0 && clean >= 0 && dirty >= 0)
		printf("memory: %.1f MB at most, of which now %.1f MB are written by this process and no other's\n",
			   peak, dirty);
}

/* Runs BxL,BxL,...; false after a complaint. */
static bool
measure_shapes(Engine *engine, const char *shapes, int seconds, int *status)
{
	EngineDescription description;

	inf_engine_describe(engine, &description);
	printf("%s, %s\n\n%10s %10s %10s %10s %8s\n", description.precision,
		   description.kernels, "texts x", "median ms", "texts/s", "tokens/s", "runs");
	while (*shapes)
	{
		int			ntexts;
		int			length;
		int			nread = 0;

		if (sscanf(shapes, "%6dx%6d%n", &ntexts, &length, &nread) != 2 || nread == 0 ||
			ntexts < 1 || ntexts > 100000 || length < 1 ||
			(shapes[nread] != ',' && shapes[nread] != '\0'))
		{
			*status = inf_complain_usage("bench", "\"%s\" does not begin with a shape such as 8x64",
										 shapes);
			return false;
		}
		if (length > description.config.max_tokens)
			printf("%4dx%-5d longer than the model takes\n", ntexts, length);
		else if (!measure(engine, ntexts, length, seconds))
			return false;
		shapes += nread + (shapes[nread] == ',');
	}
	return true;
}

int
inf_command_bench(int argc, char **argv)
{
	static const struct option long_options[] = {
		ENGINE_OPTIONS,
		{"seconds", required_argument, NULL, 's'},
		{"shapes", required_argument, NULL, 'x'},
		{0}
	};
	EngineOptions options = {.nthreads = 1};
	const char *shapes = DEFAULT_SHAPES;
	int			seconds = 2;
	double		begin;
	double		opened;
	Engine	   *engine;
	int			option;
	int			status;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
	{
		if (option == 'h')
			return inf_print_help(help);
		if (option == 'x')
			shapes = optarg;
		else if (option == 's')
		{
			if (!inf_read_number("bench", "number of seconds", optarg, 0, 3600, &seconds))
				return EXIT_USAGE;
		}
		else if (!inf_read_engine_option("bench", option, optarg, &options))
			return EXIT_USAGE;
	}
	begin = now();
	engine = inf_open_engine("bench", argc, argv, &options, &status);
	if (engine == NULL)
		return status;
	opened = now();
	status = EXIT_FAILED;
	if (answer_once(engine))
	{
		printf("opened in %.0f ms, first answer after %.0f ms\n",
			   (opened - begin) * 1e3, (now() - begin) * 1e3);
		if (measure_shapes(engine, shapes, seconds, &status))
		{
			print_memory();
			status = EXIT_GOOD;
		}
	}
	inf_engine_close(engine);
	return inf_flush_answers() ? status : EXIT_FAILED;
}
