/*
 * packed_file.c
 *		Bytes that are expensive to compute, kept in a file and mapped read-only
 *		by all processes that want the same.
 *
 * The body is filled in private memory and then written, not filled through a
 * mapping of the file: write() reports a full disk, a quota or a broken device
 * where a store through a mapping raises SIGBUS, and posix_fallocate() cannot
 * rule that out (file systems that compress or copy on write, NFS).  What is
 * written is given back at once, so that the peak is one body all the same.
 *
 * The checksum is against damage, not against attackers, who can compute it too:
 * see may_trust().
 */
#include "engine/packed_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "infpack\n"
#define VERSION 1
#define BYTE_ORDER_MARK UINT32_C(0x01020304)

/* Behind the header the body starts, on a page of its own. */
#define HEADER_BYTES 4096

/* Of the checksum: what it takes in at a time, and what it asks for ahead. */
#define BLOCK_BYTES 64
#define PREFETCH_BYTES 2048

/* What is written, and given back, at a time; a multiple of any page. */
#define CHUNK_BYTES ((size_t) 16 << 20)

/*
 * Files that are being written are PREFIX, process id, '-', number.  A killed
 * process leaves its own behind; nobody takes an hour.
 */
#define TEMPORARY_PREFIX ".inference-packing-"
#define TEMPORARY_TRIES 100
#define TEMPORARY_STALE_S 3600

typedef struct PackedHeader
{
	char		magic[8];
	uint32_t	byte_order;
	uint32_t	version;
	PackedKey	key;
	uint64_t	body_checksum;
	unsigned char zeros[HEADER_BYTES - 56];
	uint64_t	header_checksum;	/* of all before it */
} PackedHeader;

_Static_assert(sizeof(PackedHeader) == HEADER_BYTES, "a header is a page");

/* A file on its way to its name. */
typedef struct Temporary
{
	const char *folder_path;
	int			folder;			/* -1: none */
	int			fd;				/* -1: none */
	char		name[64];
	char		problem[512];	/* what went wrong; "": nothing */
} Temporary;

static uint64_t checksum(const void *bytes, size_t size);
static void header_make(PackedHeader *header, const PackedKey *key,
						uint64_t body_checksum);
static bool map_file(PackedFile *file, const char *folder, const char *path,
					 const PackedKey *key);
static bool may_trust(const struct stat *status, const char *folder);
static bool make_body(unsigned char **body, const PackedKey *key,
					  PackedFill fill, void *context, EngineError *error);
static bool keep_private(PackedFile *file, unsigned char *body, size_t size,
						 const char *problem, EngineError *error);
static bool temporary_open(Temporary *temporary, const char *folder,
						   uint64_t size);
static bool temporary_write(Temporary *temporary, const PackedKey *key,
							unsigned char *body, bool *released);
static bool temporary_rename(Temporary *temporary, const char *name);
static bool map_written(Temporary *temporary, PackedFile *file,
						const char *path, const PackedKey *key);
static void temporary_close(Temporary *temporary);
static bool temporary_problem(Temporary *temporary, const char *what, int errnum);
static void remove_stale(int folder);

bool
inf_packed_file_open(PackedFile *file, const char *folder, const char *name,
					 const PackedKey *key, PackedFill fill, void *context,
					 EngineError *error)
{
	Temporary	temporary;
	unsigned char *body;
	char	   *path;
	bool		released = false;
	bool		mapped;

	memset(file, 0, sizeof(*file));
	if (key->size == 0 || key->size > PTRDIFF_MAX - HEADER_BYTES)
		return inf_engine_fail(error, ENGINE_BAD_INPUT,
							   "a packed file cannot hold %llu bytes",
							   (unsigned long long) key->size);
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	if (map_file(file, folder, path, key))
	{
		file->path = path;
		return true;
	}

	/* The disk's room first: that it lacks is known before the work is done. */
	(void) temporary_open(&temporary, folder, HEADER_BYTES + key->size);
	if (!make_body(&body, key, fill, context, error))
	{
		temporary_close(&temporary);
		free(path);
		return false;
	}
	file->was_filled = true;
	mapped = temporary.fd >= 0 &&
		temporary_write(&temporary, key, body, &released) &&
		temporary_rename(&temporary, name) &&
		map_written(&temporary, file, path, key);
	temporary_close(&temporary);
	if (mapped)
	{
		(void) munmap(body, key->size);
		file->path = path;
		return true;
	}

	free(path);
	if (released)
	{
		(void) munmap(body, key->size);
		if (!make_body(&body, key, fill, context, error))
			return false;
	}
	return keep_private(file, body, key->size, temporary.problem, error);
}

void
inf_packed_file_close(PackedFile *file)
{
	if (file->mapping)
		(void) munmap(file->mapping, file->mapping_size);
	free(file->path);
	free(file->problem);
	memset(file, 0, sizeof(*file));
}

/*
 * One step of a lane: one to one in either argument if the other is fixed.
 * The word is spread before it meets the lane, so that no two flipped bits
 * cancel each other.
 */
static inline uint64_t
mix(uint64_t lane, uint64_t word)
{
	lane += word * UINT64_C(0xd6e8feb86659fd93);
	return (lane << 29 | lane >> 35) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t
word_at(const unsigned char *bytes)
{
	uint64_t	word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static inline void
mix_block(uint64_t lanes[4], const unsigned char *block)
{
	lanes[0] = mix(lanes[0], word_at(block));
	lanes[1] = mix(lanes[1], word_at(block + 8));
	lanes[2] = mix(lanes[2], word_at(block + 16));
	lanes[3] = mix(lanes[3], word_at(block + 24));
	lanes[0] = mix(lanes[0], word_at(block + 32));
	lanes[1] = mix(lanes[1], word_at(block + 40));
	lanes[2] = mix(lanes[2], word_at(block + 48));
	lanes[3] = mix(lanes[3], word_at(block + 56));
}

/*
 * Four lanes, since a step waits for the one before; with memory asked for
 * well ahead they take in all that it gives.  As all steps are one to one,
 * damage to one aligned word of eight bytes is found for certain, any other but
 * for a chance of about one in 2^64.
 */
static uint64_t
checksum(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint64_t	lanes[4] = {size, 1, 2, 3};
	unsigned char last[BLOCK_BYTES] = {0};

	for (; size >= BLOCK_BYTES; size -= BLOCK_BYTES, bytes += BLOCK_BYTES)
	{
		__builtin_prefetch(bytes + PREFETCH_BYTES);
		mix_block(lanes, bytes);
	}
	memcpy(last, bytes, size);
	mix_block(lanes, last);
	return mix(mix(mix(mix(0, lanes[0]), lanes[1]), lanes[2]), lanes[3]);
}

static void
header_make(PackedHeader *header, const PackedKey *key, uint64_t body_checksum)
{
	memset(header, 0, sizeof(*header));
	memcpy(header->magic, MAGIC, sizeof(header->magic));
	header->byte_order = BYTE_ORDER_MARK;
	header->version = VERSION;
	header->key = *key;
	header->body_checksum = body_checksum;
	header->header_checksum = checksum(header, offsetof(PackedHeader, header_checksum));
}

/*
 * Maps the file at path if it is what key asks for, and whole.  Only what is
 * mapped is set in file.
 */
static bool
map_file(PackedFile *file, const char *folder, const char *path,
		 const PackedKey *key)
{
	size_t		size = HEADER_BYTES + key->size;

	/* We never make links, and do not hang on a FIFO that somebody put there. */
	int			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat status;
	PackedHeader expected;
	const PackedHeader *header = MAP_FAILED;

	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		status.st_size == size && may_trust(&status, folder))
		header = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	(void) close(fd);
	if (header == MAP_FAILED)
		return false;

	header_make(&expected, key, header->body_checksum);
	if (memcmp(header, &expected, sizeof(expected)) == 0)
	{
		/* Reading ahead in large steps: a cold disk is several times faster. */
		(void) madvise((void *) header, size, MADV_WILLNEED);
		if (checksum(header + 1, key->size) == header->body_checksum)
		{
			file->body = (const unsigned char *) (header + 1);
			file->size = key->size;
			file->mapping = (void *) header;
			file->mapping_size = size;
			return true;
		}
	}
	(void) munmap((void *) header, size);
	return false;
}

/*
 * Whether to use what a file's owner put there.  The owner of the folder may, as
 * the models in it are his as well; in one that all can write to, no stranger.
 */
static bool
may_trust(const struct stat *status, const char *folder)
{
	struct stat folder_status;

	return status->st_uid == geteuid() || status->st_uid == 0 ||
		(stat(folder, &folder_status) == 0 &&
		 status->st_uid == folder_status.st_uid);
}

/* The body in private memory; munmap() it. */
static bool
make_body(unsigned char **body, const PackedKey *key, PackedFill fill,
		  void *context, EngineError *error)
{
	*body = mmap(NULL, key->size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*body == MAP_FAILED)
		return inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "could not allocate %llu bytes for weights",
							   (unsigned long long) key->size);
#ifdef MADV_HUGEPAGE
	(void) madvise(*body, key->size, MADV_HUGEPAGE);
#endif
	if (fill(context, *body, key->size, error))
		return true;
	(void) munmap(*body, key->size);
	return false;
}

/* Takes body over, or gives it back and fails. */
static bool
keep_private(PackedFile *file, unsigned char *body, size_t size,
			 const char *problem, EngineError *error)
{
	file->problem = strdup(problem);
	if (!file->problem)
	{
		(void) munmap(body, size);
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	}
	(void) mprotect(body, size, PROT_READ);
	file->body = body;
	file->size = size;
	file->mapping = body;
	file->mapping_size = size;
	return true;
}

/* Returns 0, or what is wrong; a file system that cannot reserve is fine. */
static int
reserve(int fd, uint64_t size)
{
	int			result = 0;

#ifndef __APPLE__
	do
		result = posix_fallocate(fd, 0, size);
	while (result == EINTR);
#endif
	return result == EOPNOTSUPP || result == EINVAL ? 0 : result;
}

/* False, with problem filled, if there will be no file of size bytes. */
static bool
temporary_open(Temporary *temporary, const char *folder, uint64_t size)
{
	struct rlimit limit;
	int			result;

	memset(temporary, 0, sizeof(*temporary));
	temporary->folder_path = folder;
	temporary->fd = -1;
	temporary->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (temporary->folder < 0)
		return temporary_problem(temporary, "open", errno);

	/* To pass the limit raises SIGXFSZ, which kills most programs. */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
		limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)
		return temporary_problem(temporary, "write a file in", EFBIG);

	remove_stale(temporary->folder);
	for (int i = 0; i < TEMPORARY_TRIES && temporary->fd < 0; i++)
	{
		(void) snprintf(temporary->name, sizeof(temporary->name),
						TEMPORARY_PREFIX "%ld-%d", (long) getpid(), i);
		temporary->fd = openat(temporary->folder, temporary->name,
							   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
							   0644);
		if (temporary->fd < 0 && errno != EEXIST)
			break;
	}
	if (temporary->fd < 0)
		return temporary_problem(temporary, "create a file in", errno);

	result = reserve(temporary->fd, size);
	if (result != 0)
	{
		(void) temporary_problem(temporary, "reserve space in", result);
		temporary_close(temporary);
		return false;
	}
	return true;
}

static bool
write_all(int fd, const void *data, size_t size)
{
	const char *bytes = data;

	while (size > 0)
	{
		ssize_t		written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		size -= written;
	}
	return true;
}

/*
 * Writes and syncs header and body, whose memory it gives back on the way:
 * once *released is set, the body is not whole.
 */
static bool
temporary_write(Temporary *temporary, const PackedKey *key,
				unsigned char *body, bool *released)
{
	PackedHeader header;

	header_make(&header, key, checksum(body, key->size));
	if (!write_all(temporary->fd, &header, sizeof(header)))
		return temporary_problem(temporary, "write a file in", errno);
	for (size_t done = 0; done < key->size;)
	{
		size_t		n = key->size - done < CHUNK_BYTES ?
			key->size - done : CHUNK_BYTES;

		if (!write_all(temporary->fd, body + done, n))
			return temporary_problem(temporary, "write a file in", errno);
		*released = true;
		(void) madvise(body + done, n, MADV_DONTNEED);
		done += n;
	}
	if (fsync(temporary->fd) != 0)
		return temporary_problem(temporary, "write a file in", errno);
	return true;
}

static bool
temporary_rename(Temporary *temporary, const char *name)
{
	if (renameat(temporary->folder, temporary->name, temporary->folder, name) != 0)
		return temporary_problem(temporary, "rename a file in", errno);
	temporary->name[0] = '\0';

	/* If a crash forgets the name in spite of this, the file is made anew. */
	(void) fsync(temporary->folder);
	return true;
}

/* What is under the name by now; some file systems cannot map it. */
static bool
map_written(Temporary *temporary, PackedFile *file, const char *path,
			const PackedKey *key)
{
	if (map_file(file, temporary->folder_path, path, key))
		return true;
	(void) snprintf(temporary->problem, sizeof(temporary->problem),
					"could not map what was written to folder \"%s\"",
					temporary->folder_path);
	return false;
}

/* Removes what has not got its final name; may be called twice. */
static void
temporary_close(Temporary *temporary)
{
	if (temporary->fd >= 0)
	{
		if (temporary->name[0] != '\0')
			(void) unlinkat(temporary->folder, temporary->name, 0);
		(void) close(temporary->fd);
	}
	if (temporary->folder >= 0)
		(void) close(temporary->folder);
	temporary->fd = temporary->folder = -1;
}

/* Returns false. */
static bool
temporary_problem(Temporary *temporary, const char *what, int errnum)
{
	(void) snprintf(temporary->problem, sizeof(temporary->problem),
					"could not %s folder \"%s\": %s",
					what, temporary->folder_path, strerror(errnum));
	return false;
}

/* Whether a name is one that temporary_open() gives. */
static bool
is_temporary(const char *name)
{
	size_t		prefix = strlen(TEMPORARY_PREFIX);

	return strncmp(name, TEMPORARY_PREFIX, prefix) == 0 &&
		isdigit((unsigned char) name[prefix]) &&
		name[prefix + strspn(name + prefix, "0123456789-")] == '\0';
}

/* Removes what killed processes left.  To fail here is no matter. */
static void
remove_stale(int folder)
{
	int			fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR		   *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat status;

	if (!directory)
	{
		if (fd >= 0)
			(void) close(fd);
		return;
	}
	while ((entry = readdir(directory)) != NULL)
		if (is_temporary(entry->d_name) &&
			fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
			status.st_mtime < time(NULL) - TEMPORARY_STALE_S)
			(void) unlinkat(folder, entry->d_name, 0);
	(void) closedir(directory);
}
