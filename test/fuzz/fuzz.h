/*
 * fuzz.h
 *		What the fuzz targets share: a folder, inputs in parts, and what must
 *		hold of every error.
 */
#ifndef INFERENCE_TEST_FUZZ_FUZZ_H
#define INFERENCE_TEST_FUZZ_FUZZ_H

#include <stdint.h>

#include "engine/engine_error.h"

#include "../unit/temp_folder.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What does not hold is a finding: the sanitizer shows where. */
#define MUST(condition) \
	do { if (!(condition)) __builtin_trap(); } while (0)

/*
 * The folder, made in the first run, and removed when the program ends; after
 * a finding it stays, with the files that did it.
 */
static inline void
fuzz_need_folder(void)
{
	if (temp_folder[0])
		return;
	temp_folder_make();
	atexit(temp_folder_remove);
}

typedef struct FuzzInput
{
	const char *next;
	size_t		left;
} FuzzInput;

/* A stretch of the input: up to a NUL, or to its end. */
typedef struct FuzzPart
{
	const char *bytes;
	size_t		size;
} FuzzPart;

static inline FuzzPart
fuzz_next_part(FuzzInput *input)
{
	const char *nul = input->left > 0 ? memchr(input->next, '\0', input->left) : NULL;
	const FuzzPart part = {input->next, nul ? (size_t) (nul - input->next) : input->left};
	const size_t taken = part.size + (nul != NULL);

	input->next += taken;
	input->left -= taken;
	return part;
}

/* Writes the next part to a file; an empty one means that there is no file. */
static inline void
fuzz_next_file(FuzzInput *input, const char *name)
{
	const FuzzPart part = fuzz_next_part(input);

	if (part.size > 0)
		temp_folder_write(name, part.bytes, part.size);
	else
		(void) unlink(temp_folder_path(name));
}

/* An error has a code and words fit to show. */
static inline void
fuzz_check_error(const EngineError *error)
{
	MUST(error->code != ENGINE_OK && error->code <= ENGINE_OUT_OF_RANGE);
	MUST(error->message[0] != '\0');
	MUST(memchr(error->message, '\0', sizeof(error->message)) != NULL);
	for (const char *c = error->message; *c; c++)
		MUST((unsigned char) *c >= 0x20 && *c != 0x7f);
}

#endif							/* INFERENCE_TEST_FUZZ_FUZZ_H */
