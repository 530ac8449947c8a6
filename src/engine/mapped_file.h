/*
 * mapped_file.h
 *		A file as read-only memory.  Plain C.
 *
 * Pages are shared with every process that maps the same file.  Whoever cuts
 * the file short meanwhile raises SIGBUS here: model files are replaced by
 * renaming, never written in place.
 */
#ifndef INFERENCE_ENGINE_MAPPED_FILE_H
#define INFERENCE_ENGINE_MAPPED_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine_error.h"

typedef struct MappedFile
{
	const char *bytes;			/* NULL: nothing is mapped, or the file is empty */
	size_t		size;			/* bytes */

	/* What tells this version of the file from another. */
	int64_t		modified_ns;	/* since 1970 */
} MappedFile;

/*
 * Maps the regular file at path.  False, with ENGINE_NO_FILE, if it is not
 * there or cannot be read.
 */
extern bool inf_mapped_file_open(MappedFile *file, const char *path,
								 EngineError *error);

/* Unmaps; a zeroed MappedFile is fine. */
extern void inf_mapped_file_close(MappedFile *file);

#endif							/* INFERENCE_ENGINE_MAPPED_FILE_H */
