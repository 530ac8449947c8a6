/*
 * command_inspect.c
 *		inference-engine inspect: what a model is, and how it will run.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "engine/cpu.h"
#include "program/command.h"
#include "program/output.h"

static const char help[] =
"inference-engine inspect FOLDER [--precision P] [--cache FOLDER] [--json]\n"
"\n"
"Opens the model, and shows what it is and how it will run here. The first time,\n"
"this packs the weights for the CPU into a file in the folder, which may take a\n"
"second. All later starts and other processes map that file.\n"
"\n"
"  --precision P    auto (default), fp32, bf16, fp16 or int8: the number format\n"
"                   in which weights are stored and multiplied. auto is fp16 or\n"
"                   bf16 if the CPU multiplies it faster than fp32, else fp32\n"
"  --cache FOLDER   where packed weights are stored (default: the model's folder)\n"
"  --json           the same as one object of JSON, for programs\n";

static const char *
head_name(const ModelConfig *config)
{
	switch (config->head)
	{
		case MODEL_HEAD_SPARSE:
			return config->drops_special_tokens ?
				"sparse: weights of tokens, without special ones" :
				"sparse: weights of tokens";
		case MODEL_HEAD_CLS:
			return config->normalize ? "dense: first token, of length 1" :
				"dense: first token";
		case MODEL_HEAD_MEAN:
			break;
	}
	return config->normalize ? "dense: mean of tokens, of length 1" :
		"dense: mean of tokens";
}

static void
print_description(const Engine *engine, const char *folder)
{
	EngineDescription description;
	const ModelConfig *config = &description.config;
	char		cpu[256];

	inf_engine_describe(engine, &description);
	inf_cpu_describe(cpu, sizeof(cpu));
	printf("folder          %s\n", folder);
	printf("architecture    %s\n", config->family == MODEL_BERT ? "BERT" : "DistilBERT");
	printf("answers         %s\n", head_name(config));
	printf("width           %d\n", inf_engine_width(engine));
	printf("layers          %d, hidden size %d, %d heads, inner size %d\n",
		   config->nlayers, config->width, config->nheads, config->inner_width);
	printf("parameters      %" PRId64 "\n", description.nparameters);
	printf("vocabulary      %d tokens\n", config->nvocabulary);
	printf("longest text    %d tokens\n", config->max_tokens);
	printf("CPU             %s\n", cpu);
	printf("precision       %s\n", description.precision);
	printf("kernels         %s\n", description.kernels);
	if (description.packed_path[0])
		printf("packed weights  %s, %.1f MB, %s\n", description.packed_path,
			   description.packed_bytes / 1e6,
			   description.was_packed_now ? "made now" : "found");
	else
		printf("packed weights  in private memory, %.1f MB: %s\n",
			   description.packed_bytes / 1e6, description.packed_problem);
}

static void
print_string(const char *key, const char *value)
{
	printf("\"%s\": ", key);
	inf_write_string(stdout, value);
	printf(", ");
}

static void
print_json(const Engine *engine, const char *folder)
{
	EngineDescription description;
	const ModelConfig *config = &description.config;
	char		cpu[256];

	inf_engine_describe(engine, &description);
	inf_cpu_describe(cpu, sizeof(cpu));
	printf("{");
	print_string("folder", folder);
	print_string("architecture", config->family == MODEL_BERT ? "bert" : "distilbert");
	print_string("answers", config->head == MODEL_HEAD_SPARSE ? "sparse" : "dense");
	print_string("pooling", config->head == MODEL_HEAD_SPARSE ? "max" :
				 config->head == MODEL_HEAD_CLS ? "cls" : "mean");
	printf("\"normalized\": %s, \"drops_special_tokens\": %s, ",
		   config->normalize ? "true" : "false",
		   config->drops_special_tokens ? "true" : "false");
	printf("\"width\": %d, \"layers\": %d, \"hidden_size\": %d, \"heads\": %d, \"inner_size\": %d, ",
		   inf_engine_width(engine), config->nlayers, config->width,
		   config->nheads, config->inner_width);
	printf("\"parameters\": %" PRId64 ", \"vocabulary\": %d, \"max_tokens\": %d, ",
		   description.nparameters, config->nvocabulary, config->max_tokens);
	print_string("cpu", cpu);
	print_string("precision", description.precision);
	print_string("kernels", description.kernels);
	print_string("packed_file", description.packed_path);
	print_string("packed_problem", description.packed_problem);
	printf("\"packed_bytes\": %zu, \"packed_now\": %s}\n", description.packed_bytes,
		   description.was_packed_now ? "true" : "false");
}

int
inf_command_inspect(int argc, char **argv)
{
	static const struct option long_options[] = {
		ENGINE_OPTIONS,
		{"json", no_argument, NULL, 'j'},
		{0}
	};
	EngineOptions options = {.nthreads = 1};
	Engine	   *engine;
	bool		is_json = false;
	int			option;
	int			status;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
	{
		if (option == 'h')
			return inf_print_help(help);
		if (option == 'j')
			is_json = true;
		else if (!inf_read_engine_option("inspect", option, optarg, &options))
			return EXIT_USAGE;
	}
	engine = inf_open_engine("inspect", argc, argv, &options, &status);
	if (engine == NULL)
		return status;
	(is_json ? print_json : print_description) (engine, options.folder);
	inf_engine_close(engine);
	return inf_flush_answers() ? EXIT_GOOD : EXIT_FAILED;
}
