/*
 * main.c
 *		inference-engine: embeddings on this machine's CPU.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "program/command.h"

static const char help[] =
"inference-engine turns text into vectors, or into maps of tokens to weights, on\n"
"this machine's CPU.\n"
"\n"
"  inference-engine fetch REPOSITORY    downloads a model from the Hugging Face hub\n"
"  inference-engine inspect FOLDER      shows what a model is and how it will run\n"
"  inference-engine embed FOLDER        lines of text in, lines of JSON out\n"
"  inference-engine bench FOLDER        measures its speed\n"
"\n"
"A model is a folder as Hugging Face ships it: config.json, model.safetensors,\n"
"and tokenizer.json or vocab.txt. BERT and DistilBERT run: dense ones with mean\n"
"or CLS pooling (MiniLM, bge, e5, gte), and sparse ones with a masked-language\n"
"head (SPLADE, OpenSearch's neural sparse models).\n"
"\n"
"For example:\n"
"\n"
"  inference-engine fetch sentence-transformers/all-MiniLM-L6-v2\n"
"  inference-engine inspect all-MiniLM-L6-v2\n"
"  echo 'a red car' | inference-engine embed all-MiniLM-L6-v2\n"
"\n"
"inference-engine COMMAND --help says more. Exit status: 0 if all went well, 1 if\n"
"something could not be done, 2 if the arguments are wrong.\n";

static const struct
{
	const char *name;
	int			(*run) (int argc, char **argv);
}			commands[] = {
	{"bench", inf_command_bench},
	{"embed", inf_command_embed},
	{"fetch", inf_command_fetch},
	{"inspect", inf_command_inspect},
};

int
main(int argc, char **argv)
{
	/* Who goes away, a reader or a server, is an error of writing like others. */
	(void) signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
	{
		(void) fputs(help, stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0)
		return inf_print_help(help);
	if (strcmp(argv[1], "--version") == 0)
		return inf_print_help("inference-engine " INFERENCE_VERSION "\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return inf_complain_usage("", "there is no command \"%s\"", argv[1]);
}
