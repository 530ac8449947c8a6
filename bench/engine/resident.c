/*
 * resident.c
 *		See resident.h.
 */
#include "resident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_SEQUENCES 64
#define MAX_RUNS 10000

/* What is computed at once. */
typedef struct Batch
{
	int			nsequences;
	int32_t		offsets[MAX_SEQUENCES + 1];
	int32_t    *ids;
	float	   *out;			/* (MAX_SEQUENCES, width) */
} Batch;

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static void *
allocate(size_t size)
{
	void	   *memory = malloc(size);

	if (memory == NULL)
	{
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return memory;
}

static void
batch_fill(Batch *batch, const Resident *resident, const int *lengths, int n)
{
	int			ntokens = 0;

	batch->nsequences = n;
	batch->offsets[0] = 0;
	for (int i = 0; i < n; i++)
	{
		ntokens += lengths[i];
		batch->offsets[i + 1] = ntokens;
	}
	free(batch->ids);
	batch->ids = allocate(sizeof(int32_t) * ntokens);
	for (int i = 0; i < n; i++)
		for (int l = 0; l < lengths[i]; l++)
			batch->ids[batch->offsets[i] + l] =
				(i * 104729 + l * 7919 + 13) % resident->nvocabulary;
}

/* Sequences at_once at a time. */
static const char *
compute(const Resident *resident, const Batch *batch, int at_once)
{
	for (int first = 0; first < batch->nsequences; first += at_once)
	{
		int			n = batch->nsequences - first;
		int32_t		offsets[MAX_SEQUENCES + 1];
		const char *problem;

		n = n < at_once ? n : at_once;
		for (int i = 0; i <= n; i++)
			offsets[i] = batch->offsets[first + i] - batch->offsets[first];
		problem = resident->compute(resident->model,
									batch->ids + batch->offsets[first], offsets, n,
									batch->out + (size_t) first * resident->width);
		if (problem != NULL)
			return problem;
	}
	return NULL;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* The median time of a run, in seconds. */
static const char *
measure(const Resident *resident, const Batch *batch, int at_once,
		double seconds, double *median, int *nruns)
{
	static double times[MAX_RUNS];
	double		start = now();
	int			n = 0;

	do
	{
		double		begin = now();
		const char *problem = compute(resident, batch, at_once);

		if (problem != NULL)
			return problem;
		times[n++] = now() - begin;
	} while (n < MAX_RUNS && now() - start < seconds);
	qsort(times, n, sizeof(double), compare_doubles);
	*median = (times[n / 2] + times[(n - 1) / 2]) / 2;
	*nruns = n;
	return NULL;
}

static const char *
answer_run(const Resident *resident, Batch *batch, const char *line)
{
	int			nsequences;
	int			lengths[MAX_SEQUENCES];
	double		seconds;
	double		median;
	int			nruns;
	const char *problem;

	if (sscanf(line, "run %d %d %lf", &nsequences, &lengths[0], &seconds) != 3 ||
		nsequences < 1 || nsequences > MAX_SEQUENCES)
		return "usage: run B L SECONDS";
	for (int i = 1; i < nsequences; i++)
		lengths[i] = lengths[0];
	batch_fill(batch, resident, lengths, nsequences);
	problem = measure(resident, batch, nsequences, seconds, &median, &nruns);
	if (problem == NULL)
		printf("ok %.9f %d\n", median, nruns);
	return problem;
}

/* How many sequences at once are done fastest, found by trying. */
static const char *
find_way(const Resident *resident, const Batch *batch, int *way)
{
	static const int ways[] = {1, 8, MAX_SEQUENCES};
	double		best = 0;
	double		median;
	int			nruns;

	/* The first time is slower, whatever the way. */
	const char *problem = measure(resident, batch, ways[0], 0, &median, &nruns);

	for (int i = 0; i < (int) (sizeof(ways) / sizeof(*ways)); i++)
	{
		if (problem == NULL)
			problem = measure(resident, batch, ways[i], 0, &median, &nruns);
		if (problem != NULL)
			return problem;
		if (best == 0 || median < best)
		{
			best = median;
			*way = ways[i];
		}
	}
	return NULL;
}

static const char *
answer_mixed(const Resident *resident, Batch *batch, const char *line)
{
	static int	way = 0;		/* none yet */
	int			lengths[MAX_SEQUENCES];
	double		seconds;
	double		median;
	int			nruns;
	int			n = 0;
	int			used;
	const char *problem = NULL;

	if (sscanf(line, "mixed %lf%n", &seconds, &used) != 1)
		return "usage: mixed SECONDS L...";
	for (line += used; n < MAX_SEQUENCES && sscanf(line, "%d%n", &lengths[n], &used) == 1; n++)
		line += used;
	batch_fill(batch, resident, lengths, n);
	if (way == 0)
		problem = find_way(resident, batch, &way);
	if (problem == NULL)
		problem = measure(resident, batch, way, seconds, &median, &nruns);
	if (problem == NULL)
		printf("ok %.9f %d %d at once\n", median, nruns, way);
	return problem;
}

static const char *
answer_dump(const Resident *resident, Batch *batch, const char *line)
{
	int			nsequences;
	int			lengths[MAX_SEQUENCES];
	char		path[4096];
	FILE	   *file;
	size_t		nvalues;
	const char *problem;

	if (sscanf(line, "dump %d %d %4095s", &nsequences, &lengths[0], path) != 3 ||
		nsequences < 1 || nsequences > MAX_SEQUENCES)
		return "usage: dump B L FILE";
	for (int i = 1; i < nsequences; i++)
		lengths[i] = lengths[0];
	batch_fill(batch, resident, lengths, nsequences);
	problem = compute(resident, batch, nsequences);
	if (problem != NULL)
		return problem;
	file = fopen(path, "wb");
	if (file == NULL)
		return "could not write the file";
	nvalues = (size_t) nsequences * resident->width;
	if (fwrite(batch->out, sizeof(float), nvalues, file) != nvalues)
		problem = "could not write the file";
	if (fclose(file) != 0)
		problem = "could not write the file";
	if (problem == NULL)
		printf("ok 0 1\n");
	return problem;
}

void
resident_serve(const Resident *resident)
{
	Batch		batch = {0};
	char	   *line = NULL;
	size_t		size = 0;

	batch.out = allocate(sizeof(float) * MAX_SEQUENCES * resident->width);
	printf("ready %s\n", resident->what);
	fflush(stdout);
	while (getline(&line, &size, stdin) > 0)
	{
		const char *problem = "there is run, mixed and dump";

		if (strncmp(line, "run ", 4) == 0)
			problem = answer_run(resident, &batch, line);
		else if (strncmp(line, "mixed ", 6) == 0)
			problem = answer_mixed(resident, &batch, line);
		else if (strncmp(line, "dump ", 5) == 0)
			problem = answer_dump(resident, &batch, line);
		if (problem != NULL)
			printf("error %s\n", problem);
		fflush(stdout);
	}
	free(line);
	free(batch.ids);
	free(batch.out);
}
