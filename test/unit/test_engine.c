/*
 * test_engine.c
 *		Tiny models of test/models, whose answers an independent implementation
 *		computed in double (test/models/make.py): in each precision, on each kind
 *		of kernels, alone and together, by one thread and by several.
 */
#include "engine/engine.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/mapped_file.h"
#include "json/json_tree.h"

#include "check.h"

#define MODELS "../models/"
#define MAX_TEXTS 32

static const char *const models[] = {"tiny-dense", "tiny-cls", "tiny-sparse", "tiny-splade"};
static char cache[] = "/tmp/test_engine.XXXXXX";

/* --- Golden answers ------------------------------------------------------ */

typedef struct Golden
{
	JsonTree   *tree;
	int			ntexts;
	EngineText	texts[MAX_TEXTS];
} Golden;

static bool
read_golden(Golden *golden, const char *model)
{
	MappedFile	file;
	EngineError error;
	const char *reason;
	char		path[256];

	snprintf(path, sizeof(path), MODELS "%s/golden.json", model);
	if (!inf_mapped_file_open(&file, path, &error))
		return false;
	if (!inf_json_tree_parse(file.bytes, file.size, 8, &golden->tree, &reason))
	{
		printf("# %s: %s\n", path, reason);
		return false;
	}
	inf_mapped_file_close(&file);
	golden->ntexts = inf_json_tree_count(golden->tree);
	for (int i = 0; i < golden->ntexts && i < MAX_TEXTS; i++)
	{
		const JsonTree *answer = inf_json_tree_element(golden->tree, i);

		golden->texts[i].bytes = inf_json_tree_string(inf_json_tree_member(answer, "text"));
		golden->texts[i].length = strlen(golden->texts[i].bytes);
	}
	return golden->ntexts > 3 && golden->ntexts <= MAX_TEXTS;
}

/* A sum over pairs of what was expected and what came. */
typedef struct Comparison
{
	double		product;
	double		expected_squares;
	double		actual_squares;
	double		worst;
} Comparison;

static void
compare(Comparison *comparison, double expected, double actual)
{
	comparison->product += expected * actual;
	comparison->expected_squares += expected * expected;
	comparison->actual_squares += actual * actual;
	if (!(fabs(expected - actual) <= comparison->worst))
		comparison->worst = fabs(expected - actual);
}

static double
cosine(const Comparison *comparison)
{
	return comparison->product /
		sqrt(comparison->expected_squares * comparison->actual_squares);
}

typedef struct TokenSearch
{
	const Engine *engine;
	const EngineEmbedding *embedding;
	Comparison *comparison;
	int			nfound;
} TokenSearch;

/* A golden token, beside the one of that name. */
static bool
compare_token(void *context, const char *name, const JsonTree *value)
{
	TokenSearch *search = context;
	double		expected = 0;
	double		actual = 0;

	(void) inf_json_tree_number(value, &expected);
	for (int i = 0; i < search->embedding->nweights; i++)
		if (strcmp(inf_engine_token(search->engine, search->embedding->weights[i].token), name) == 0)
		{
			actual = search->embedding->weights[i].weight;
			search->nfound++;
		}
	compare(search->comparison, expected, actual);
	return true;
}

/*
 * Compares with the golden answer; what came and is in no golden answer counts
 * as expected to be 0.
 */
static Comparison
compare_answer(const Engine *engine, const JsonTree *golden,
			   const EngineEmbedding *embedding)
{
	Comparison	comparison = {0};
	const JsonTree *vector = inf_json_tree_member(golden, "vector");
	TokenSearch search = {engine, embedding, &comparison, 0};

	if (vector)
		for (int i = 0; i < inf_engine_width(engine); i++)
		{
			double		expected = NAN;

			(void) inf_json_tree_number(inf_json_tree_element(vector, i), &expected);
			compare(&comparison, expected, embedding->vector[i]);
		}
	else
	{
		const JsonTree *tokens = inf_json_tree_member(golden, "tokens");

		(void) inf_json_tree_each(tokens, compare_token, &search);
		for (int i = 0; i < embedding->nweights; i++)
			if (inf_json_tree_member(tokens, inf_engine_token(engine, embedding->weights[i].token)) == NULL)
				compare(&comparison, 0, embedding->weights[i].weight);
	}
	return comparison;
}

static bool
is_sorted(const EngineEmbedding *embedding)
{
	for (int i = 1; i < embedding->nweights; i++)
		if (embedding->weights[i - 1].weight < embedding->weights[i].weight)
			return false;
	return true;
}

/* --- Agreement ----------------------------------------------------------- */

static bool
check_answers(const Engine *engine, const Golden *golden,
			  const EngineEmbedding *embeddings, Precision precision)
{
	bool		good = true;

	for (int i = 0; i < golden->ntexts; i++)
	{
		const JsonTree *answer = inf_json_tree_element(golden->tree, i);
		const Comparison comparison = compare_answer(engine, answer, &embeddings[i]);
		bool		truncated = false;

		(void) inf_json_tree_boolean(inf_json_tree_member(answer, "truncated"), &truncated);
		good &= embeddings[i].ntokens ==
			(int) inf_json_tree_count(inf_json_tree_member(answer, "ids"));
		good &= embeddings[i].truncated == truncated;
		good &= is_sorted(&embeddings[i]);
		if (precision == PRECISION_FP32)
			good &= cosine(&comparison) >= 0.999999 && comparison.worst < 1e-5;
		else
			good &= cosine(&comparison) >= (precision == PRECISION_INT8 ? 0.99 : 0.999);
		if (!good)
		{
			printf("# text %d: cosine %.8f, worst %g\n", i, cosine(&comparison),
				   comparison.worst);
			break;
		}
	}
	return good;
}

static void
test_model(const char *model, Precision precision, const char *cpu, int nthreads)
{
	Golden		golden;
	EngineError error = {0};
	EngineEmbedding embeddings[MAX_TEXTS];
	EngineOptions options = {
		.cache_folder = cache, .precision = precision, .cpu = cpu, .nthreads = nthreads
	};
	EngineDescription description;
	char		folder[64];
	char		name[128];
	Engine	   *engine;
	bool		good;

	snprintf(folder, sizeof(folder), MODELS "%s", model);
	options.folder = folder;
	engine = inf_engine_open(&options, &error);
	if (!CHECK(engine != NULL && read_golden(&golden, model)))
	{
		printf("# %s: %s\n", folder, error.message);
		return;
	}
	inf_engine_describe(engine, &description);
	snprintf(name, sizeof(name), "%s on %s with %d threads", model, description.kernels, nthreads);

	/* All in one call, and each in one. */
	good = inf_engine_embed(engine, golden.texts, golden.ntexts, embeddings, &error) &&
		check_answers(engine, &golden, embeddings, precision);
	for (int i = 0; i < golden.ntexts && good; i++)
	{
		EngineEmbedding again;

		good = inf_engine_embed(engine, &golden.texts[i], 1, &again, &error);
		if (good)
		{
			const Comparison comparison =
				compare_answer(engine, inf_json_tree_element(golden.tree, i), &again);

			good = cosine(&comparison) >= (precision == PRECISION_FP32 ? 0.999999 : 0.99);
		}
	}
	(void) check_that(good, name, __FILE__, __LINE__);
	inf_json_tree_free(golden.tree);
	inf_engine_close(engine);
}

/* --- Use ----------------------------------------------------------------- */

static Engine *
open_tiny(const char *model, Precision precision, int nthreads)
{
	EngineError error = {0};
	EngineOptions options = {
		.cache_folder = cache, .precision = precision, .nthreads = nthreads
	};
	char		folder[64];
	Engine	   *engine;

	snprintf(folder, sizeof(folder), MODELS "%s", model);
	options.folder = folder;
	engine = inf_engine_open(&options, &error);
	if (engine == NULL)
		printf("# %s\n", error.message);
	return engine;
}

/* More sequences than a pass takes, of all lengths: each as if it were alone. */
static void
test_passes(void)
{
	enum {NSEQUENCES = 100};
	Engine	   *engine = open_tiny("tiny-dense", PRECISION_FP32, 2);
	const int	width = engine ? inf_engine_width(engine) : 0;
	int32_t		ids[NSEQUENCES * 32];
	int32_t		offsets[NSEQUENCES + 1] = {0};
	float	   *together = malloc(NSEQUENCES * width * sizeof(float));
	float	   *alone = malloc(width * sizeof(float));
	EngineError error;
	double		worst = 0;

	CHECK(engine != NULL);
	for (int i = 0; i < NSEQUENCES; i++)
	{
		offsets[i + 1] = offsets[i] + 1 + i % 32;
		for (int j = offsets[i]; j < offsets[i + 1]; j++)
			ids[j] = (j * 37 + i) % 240;
	}
	CHECK(inf_engine_run_ids(engine, ids, offsets, NSEQUENCES, together, &error));
	for (int i = 0; i < NSEQUENCES; i++)
	{
		const int32_t one[] = {0, offsets[i + 1] - offsets[i]};

		(void) inf_engine_run_ids(engine, ids + offsets[i], one, 1, alone, &error);
		for (int j = 0; j < width; j++)
			worst = fmax(worst, fabs(alone[j] - together[i * width + j]));
	}
	CHECK(worst < 1e-6);
	free(together);
	free(alone);
	inf_engine_close(engine);
}

/* A folder of packed files that two models share: neither makes room. */
static void
test_shared_cache(void)
{
	for (int i = 0; i < 4; i++)
	{
		Engine	   *engine = open_tiny(models[i % 2], PRECISION_FP32, 1);
		EngineDescription description;

		CHECK(engine != NULL);
		inf_engine_describe(engine, &description);
		if (i >= 2)
			CHECK(!description.was_packed_now);
		inf_engine_close(engine);
	}
}

static void
test_bad_input(void)
{
	Engine	   *engine = open_tiny("tiny-dense", PRECISION_FP32, 1);
	const EngineText texts[] = {{"good", 4}, {"b\xff" "d", 3}};
	const int32_t ids[100] = {240, -1};
	const int32_t first[] = {0, 1};
	const int32_t second[] = {1, 2};
	const int32_t none[] = {0, 0};
	const int32_t many[] = {2, 67};
	EngineEmbedding embeddings[2];
	EngineError error = {0};
	float		out[64];

	CHECK(engine != NULL);
	CHECK(!inf_engine_embed(engine, texts, 2, embeddings, &error));
	CHECK(strstr(error.message, "text 1") != NULL);
	CHECK_INT(error.code, ENGINE_BAD_INPUT);
	CHECK(!inf_engine_run_ids(engine, ids, first, 1, out, &error));
	CHECK(strstr(error.message, "240") != NULL);
	CHECK(!inf_engine_run_ids(engine, ids, second, 1, out, &error));
	CHECK(!inf_engine_run_ids(engine, ids, none, 1, out, &error));
	CHECK(!inf_engine_run_ids(engine, ids, many, 1, out, &error));
	CHECK(inf_engine_embed(engine, texts, 1, embeddings, &error));
	CHECK(inf_engine_embed(engine, texts, 0, embeddings, &error));
	inf_engine_close(engine);
}

/* The folder of a copy of a model, to be changed. */
static void
copy_model(const char *model, char *folder, size_t size)
{
	static int	number;
	char		command[256];

	snprintf(folder, size, "%s/copy%d", cache, number++);
	snprintf(command, sizeof(command), "cp -r " MODELS "%s %s && chmod -R u+w %s",
			 model, folder, folder);
	CHECK_INT(system(command), 0);
}

static void
overwrite(const char *folder, const char *name, const char *bytes)
{
	char		path[256];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (file)
	{
		(void) fputs(bytes, file);
		(void) fclose(file);
	}
}

/* Opens folder, and is told why it cannot be. */
static void
check_refused(const char *folder, const char *expected)
{
	EngineError error = {0};
	const EngineOptions options = {.folder = folder, .nthreads = 1};
	Engine	   *engine = inf_engine_open(&options, &error);

	CHECK(engine == NULL);
	if (!CHECK(strstr(error.message, expected) != NULL))
		printf("# %s\n", error.message);
	inf_engine_close(engine);
}

static void
test_bad_models(void)
{
	static const char config[] = "{\"model_type\": \"bert\", \"architectures\": [\"BertModel\"], "
		"\"vocab_size\": 240, \"max_position_embeddings\": 64, \"num_hidden_layers\": %d, "
		"\"hidden_size\": %d, \"num_attention_heads\": 2, \"intermediate_size\": 100}";
	char		folder[128];
	char		text[512];

	check_refused("/nonexistent", "config.json");

	copy_model("tiny-dense", folder, sizeof(folder));
	snprintf(text, sizeof(text), config, 4, 52);
	overwrite(folder, "config.json", text);
	check_refused(folder, "encoder.layer.3.attention.self.query.weight");

	snprintf(text, sizeof(text), config, 3, 54);
	overwrite(folder, "config.json", text);
	check_refused(folder, "embeddings.word_embeddings.weight");

	copy_model("tiny-dense", folder, sizeof(folder));
	overwrite(folder, "model.safetensors", "");
	check_refused(folder, "model.safetensors");

	copy_model("tiny-dense", folder, sizeof(folder));
	overwrite(folder, "tokenizer.json", "{");
	check_refused(folder, "tokenizer.json");
}

/* The same weights, of which another logarithm is taken. */
static void
test_log_twice(void)
{
	const EngineText text = {"hello", 5};
	Engine	   *once = open_tiny("tiny-splade", PRECISION_FP32, 1);
	Engine	   *twice;
	EngineEmbedding expected;
	EngineEmbedding actual;
	EngineError error = {0};
	EngineOptions options = {.precision = PRECISION_FP32, .nthreads = 1};
	char		folder[128];
	double		worst = 0;

	copy_model("tiny-splade", folder, sizeof(folder));
	overwrite(folder, "modules.json",
			  "[{\"idx\": 0, \"path\": \"\", \"type\": \"sentence_transformers.sparse_encoder.models.MLMTransformer\"},"
			  "{\"idx\": 1, \"path\": \"pooling\", \"type\": \"sentence_transformers.sparse_encoder.models.SpladePooling\"}]");
	options.folder = folder;
	{
		char		pooling[160];

		snprintf(pooling, sizeof(pooling), "%s/pooling", folder);
		CHECK_INT(mkdir(pooling, 0700), 0);
		overwrite(pooling, "config.json", "{\"activation_function\": \"log1p_relu\"}");
	}
	twice = inf_engine_open(&options, &error);
	CHECK(once != NULL && twice != NULL);
	CHECK(inf_engine_embed(once, &text, 1, &expected, &error));
	CHECK(inf_engine_embed(twice, &text, 1, &actual, &error));
	CHECK_INT(actual.nweights, expected.nweights);
	for (int i = 0; i < expected.nweights && i < actual.nweights; i++)
		worst = fmax(worst, fabs(actual.weights[i].weight - log1p(expected.weights[i].weight)));
	CHECK(worst < 1e-6);
	inf_engine_close(once);
	inf_engine_close(twice);
}

/* A source that changes, and one that does not. */
static void
test_packing(void)
{
	char		folder[128];
	char		path[256];
	EngineError error = {0};
	EngineOptions options = {.precision = PRECISION_FP32, .nthreads = 1};
	EngineDescription description;
	const struct timespec times[2] = {{1, 0}, {1, 0}};

	copy_model("tiny-dense", folder, sizeof(folder));
	options.folder = folder;
	for (int i = 0; i < 4; i++)
	{
		Engine	   *engine = inf_engine_open(&options, &error);

		CHECK(engine != NULL);
		if (engine == NULL)
			return;
		inf_engine_describe(engine, &description);
		CHECK_STR(description.packed_problem, "");
		CHECK(strncmp(description.packed_path, folder, strlen(folder)) == 0);
		CHECK_INT(description.was_packed_now, i == 0 || i == 2);
		CHECK_INT(description.nparameters > 40000, true);
		inf_engine_close(engine);
		snprintf(path, sizeof(path), "%s/model.safetensors", folder);
		if (i == 1)
			CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
	}

	/* A folder that is not there: private memory, and why. */
	options.cache_folder = "/nonexistent";
	{
		Engine	   *engine = inf_engine_open(&options, &error);

		CHECK(engine != NULL);
		inf_engine_describe(engine, &description);
		CHECK_STR(description.packed_path, "");
		CHECK(strstr(description.packed_problem, "/nonexistent") != NULL);
		inf_engine_close(engine);
	}
}

int
main(void)
{
	static const char *const cpus[] = {"portable", "avx2", "avx512"};
	char		command[64];

	CHECK(mkdtemp(cache) != NULL);
	for (int m = 0; m < 4; m++)
		for (Precision p = PRECISION_FP32; p <= PRECISION_INT8; p++)
		{
			for (int c = 0; c < 3; c++)
				test_model(models[m], p, cpus[c], 1);
			test_model(models[m], p, NULL, 3);
		}
	test_model(models[0], PRECISION_AUTO, NULL, 1);
	test_passes();
	test_shared_cache();
	test_bad_input();
	test_bad_models();
	test_log_twice();
	test_packing();
	snprintf(command, sizeof(command), "rm -r %s", cache);
	CHECK_INT(system(command), 0);
	return check_done();
}
