/*
 * mapped_file.c
 *		A file as read-only memory.
 */
#include "engine/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool
inf_mapped_file_open(MappedFile *file, const char *path, EngineError *error)
{
	/* Not to hang on a FIFO that somebody put there. */
	int			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	void	   *bytes = NULL;

	memset(file, 0, sizeof(*file));
	if (fd < 0)
		return inf_engine_fail(error, ENGINE_NO_FILE,
							   "could not open file \"%s\": %s",
							   path, strerror(errno));
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
	{
		(void) close(fd);
		return inf_engine_fail(error, ENGINE_NO_FILE,
							   "\"%s\" is not a regular file", path);
	}
	if (status.st_size > 0)
		bytes = mmap(NULL, status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	(void) close(fd);
	if (bytes == MAP_FAILED)
		return inf_engine_fail(error, ENGINE_NO_FILE,
							   "could not map file \"%s\": %s",
							   path, strerror(errno));
	file->bytes = bytes;
	file->size = status.st_size;
	file->modified_ns = status.st_mtim.tv_sec * INT64_C(1000000000) +
		status.st_mtim.tv_nsec;
	return true;
}

void
inf_mapped_file_close(MappedFile *file)
{
	if (file->bytes)
		(void) munmap((void *) file->bytes, file->size);
	memset(file, 0, sizeof(*file));
}
