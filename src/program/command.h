/*
 * command.h
 *		What the commands of inference-engine share.
 *
 * A command takes the arguments from its name on, writes answers to standard
 * output and what it has to say to standard error, and returns the exit status
 * of the program.
 */
#ifndef INFERENCE_PROGRAM_COMMAND_H
#define INFERENCE_PROGRAM_COMMAND_H

#include <stdbool.h>

#include "engine/engine.h"

#define EXIT_GOOD 0
#define EXIT_FAILED 1			/* something could not be done */
#define EXIT_USAGE 2			/* the arguments are wrong */

extern int	inf_command_bench(int argc, char **argv);
extern int	inf_command_embed(int argc, char **argv);
extern int	inf_command_fetch(int argc, char **argv);
extern int	inf_command_inspect(int argc, char **argv);

/* Writes "inference-engine: ...", a plain sentence, to standard error. */
extern void inf_complain(const char *format,...)
			__attribute__((format(printf, 1, 2)));

/* The same for wrong arguments, and where help is; returns EXIT_USAGE. */
extern int	inf_complain_usage(const char *command, const char *format,...)
			__attribute__((format(printf, 2, 3)));

/* Says where help is, after another's complaint; returns EXIT_USAGE. */
extern int	inf_refer_to_help(const char *command);

/* Writes out standard output; false, after a complaint, if that fails. */
extern bool inf_flush_answers(void);

/* To standard output; EXIT_GOOD if it could be written. */
extern int	inf_print_help(const char *help);

/* A whole number from low to high; false, after a complaint, if text is none. */
extern bool inf_read_number(const char *command, const char *name,
							const char *text, int low, int high, int *number);

/*
 * Options that all commands with an engine have, for getopt_long(); those
 * returned are handed to inf_read_engine_option().
 */
#define ENGINE_OPTIONS \
	{"cache", required_argument, NULL, 'c'}, \
	{"help", no_argument, NULL, 'h'}, \
	{"precision", required_argument, NULL, 'p'}, \
	{"threads", required_argument, NULL, 't'}

/* False, after a complaint, if the option or its value is wrong. */
extern bool inf_read_engine_option(const char *command, int option,
								   const char *value, EngineOptions *options);

/*
 * Opens the engine for the one argument behind the options, a folder.  NULL
 * after a complaint: *status is what to return.
 */
extern Engine *inf_open_engine(const char *command, int argc, char **argv,
							   EngineOptions *options, int *status);

#endif							/* INFERENCE_PROGRAM_COMMAND_H */
