/*
 * command.c
 *		What the commands of inference-engine share.
 */
#include "program/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than the CPUs of any machine we know; a typing error is larger. */
#define MAX_THREADS 1024

void
inf_complain(const char *format,...)
{
	va_list		args;

	(void) fputs("inference-engine: ", stderr);
	va_start(args, format);
	(void) vfprintf(stderr, format, args);
	va_end(args);
	(void) fputc('\n', stderr);
}

int
inf_complain_usage(const char *command, const char *format,...)
{
	va_list		args;

	(void) fputs("inference-engine: ", stderr);
	va_start(args, format);
	(void) vfprintf(stderr, format, args);
	va_end(args);
	(void) fputc('\n', stderr);
	return inf_refer_to_help(command);
}

int
inf_refer_to_help(const char *command)
{
	(void) fprintf(stderr, "Try \"inference-engine %s%s--help\".\n",
				   command, command[0] ? " " : "");
	return EXIT_USAGE;
}

int
inf_print_help(const char *help)
{
	(void) fputs(help, stdout);
	return inf_flush_answers() ? EXIT_GOOD : EXIT_FAILED;
}

bool
inf_flush_answers(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	inf_complain("could not write answers: %s", strerror(errno));
	return false;
}

bool
inf_read_number(const char *command, const char *name, const char *text,
				int low, int high, int *number)
{
	char	   *end;
	long		value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && value >= low && value <= high)
	{
		*number = value;
		return true;
	}
	(void) inf_complain_usage(command, "%s \"%s\" is not a whole number from %d to %d",
							  name, text, low, high);
	return false;
}

bool
inf_read_engine_option(const char *command, int option, const char *value,
					   EngineOptions *options)
{
	switch (option)
	{
		case 'c':
			options->cache_folder = value;
			return true;
		case 'p':
			if (inf_precision_parse(value, &options->precision))
				return true;
			(void) inf_complain_usage(command,
									  "precision \"%s\" is none of auto, fp32, bf16, fp16 and int8",
									  value);
			return false;
		case 't':
			return inf_read_number(command, "number of threads", value, 1,
								   MAX_THREADS, &options->nthreads);
		default:
			/* getopt_long() has complained of it. */
			(void) inf_refer_to_help(command);
			return false;
	}
}

Engine *
inf_open_engine(const char *command, int argc, char **argv,
				EngineOptions *options, int *status)
{
	EngineError error = {0};
	Engine	   *engine;

	if (argc - optind != 1)
	{
		*status = inf_complain_usage(command, argc == optind ?
									 "the folder of a model is missing" :
									 "there is more than one folder");
		return NULL;
	}
	options->folder = argv[optind];
	engine = inf_engine_open(options, &error);
	if (engine == NULL)
	{
		inf_complain("%s", error.message);
		*status = EXIT_FAILED;
	}
	return engine;
}
