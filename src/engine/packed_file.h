/*
 * packed_file.h
 *		Bytes that are expensive to compute, kept in a file and mapped read-only
 *		by all processes that want the same.  Plain C.
 *
 * The file is a page of header (magic, version, what it was made of and for,
 * checksums) and the body.  It is written under a temporary name, synced and
 * renamed, so that whoever opens it sees all or nothing; a file that is
 * damaged, or made of something else, is made anew.  Where none can be written
 * (a read-only folder, a full disk) the body is private memory, and problem
 * says why.
 *
 * Whoever may write to the file can cut it short, which raises SIGBUS here, or
 * put wrong numbers there, so one counts only if it is owned by us, by root, or
 * by the owner of its folder.  The checksums are against damage.
 */
#ifndef INFERENCE_ENGINE_PACKED_FILE_H
#define INFERENCE_ENGINE_PACKED_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine_error.h"

typedef struct PackedKey
{
	uint64_t	source;			/* fingerprint of what the body is made of */
	uint32_t	layout;			/* how it is laid out, and which code did it */
	uint32_t	precision;
	uint64_t	size;			/* of the body, bytes; > 0 */
} PackedKey;

/*
 * Computes the body, zeroed before: writes at most size bytes there.  False,
 * with error filled, if it cannot.  Called a second time, for the same, if the
 * disk fails while the first body is being written.
 */
typedef bool (*PackedFill) (void *context, unsigned char *body, size_t size,
							EngineError *error);

typedef struct PackedFile
{
	const unsigned char *body;	/* (size), aligned to 64 bytes at least */
	size_t		size;
	char	   *path;			/* NULL: body is private memory */
	char	   *problem;		/* why it is; NULL if it is not */
	bool		was_filled;		/* by this opening */

	/* What is mapped; for inf_packed_file_close(). */
	void	   *mapping;
	size_t		mapping_size;
} PackedFile;

/*
 * Opens folder/name if it was made for key and is whole, which is checked by
 * reading it (that also brings it into memory); else calls fill and writes it.
 * False if fill fails, or memory is out.
 */
extern bool inf_packed_file_open(PackedFile *file, const char *folder,
								 const char *name, const PackedKey *key,
								 PackedFill fill, void *context,
								 EngineError *error);

/* A zeroed PackedFile is fine. */
extern void inf_packed_file_close(PackedFile *file);

#endif							/* INFERENCE_ENGINE_PACKED_FILE_H */
