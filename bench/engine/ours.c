/*
 * ours.c
 *		The engine of src/engine as a resident program: see resident.h.
 *
 *		ours FOLDER PRECISION THREADS [CPU]
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "resident.h"

static const char *
compute(void *model, const int32_t *ids, const int32_t *offsets, int nsequences,
		float *out)
{
	static EngineError error;

	if (inf_engine_run_ids(model, ids, offsets, nsequences, out, &error))
		return NULL;
	return error.message;
}

int
main(int argc, char **argv)
{
	EngineOptions options = {.nthreads = 1};
	EngineError error;
	EngineDescription description;
	Resident	resident = {.compute = compute};
	Engine	   *engine;
	char		what[128];

	if (argc < 4 || !inf_precision_parse(argv[2], &options.precision))
	{
		fprintf(stderr, "usage: %s FOLDER PRECISION THREADS [CPU]\n", argv[0]);
		return 2;
	}
	options.folder = argv[1];
	options.nthreads = atoi(argv[3]);
	options.cpu = argc > 4 ? argv[4] : NULL;
	engine = inf_engine_open(&options, &error);
	if (engine == NULL)
	{
		printf("error %s\n", error.message);
		return 1;
	}
	inf_engine_describe(engine, &description);
	if (description.packed_problem[0] != '\0')
		fprintf(stderr, "packed in private memory: %s\n", description.packed_problem);
	snprintf(what, sizeof(what), "%s, %s", description.precision, description.kernels);
	resident.what = what;
	resident.model = engine;
	resident.nvocabulary = description.config.nvocabulary;
	resident.width = inf_engine_width(engine);
	resident_serve(&resident);
	inf_engine_close(engine);
	return 0;
}
