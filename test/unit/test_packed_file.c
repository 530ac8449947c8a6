/*
 * test_packed_file.c
 *		Packed files: kept, made anew when they are damaged or of something
 *		else, private memory where no file can be written.
 */
#include "engine/packed_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define HEADER_BYTES 4096
#define NAME "weights.packed"

static char folder[] = "/tmp/inference-packed-XXXXXX";
static char path[sizeof(folder) + sizeof(NAME)];
static EngineError error;

/* Of no special size; larger than what is written at a time is LARGE. */
static const PackedKey key = {7, 1, 2, 5003};

#define LARGE_BYTES (((size_t) 18 << 20) + 13)

/* What a call of fill shall do, and has done. */
typedef struct Filling
{
	unsigned	seed;
	int			ncalls;
	bool		fails;
	bool		dies;			/* killed, half-way */
	rlim_t		file_limit;		/* that comes into force; 0: none */
	bool		was_zeroed;
} Filling;

static unsigned char
body_byte(unsigned seed, size_t i)
{
	return (seed + i) * 2654435761u >> 24;
}

static bool
fill(void *context, unsigned char *body, size_t size, EngineError *fill_error)
{
	Filling    *filling = context;

	filling->ncalls++;
	filling->was_zeroed = true;
	for (size_t i = 0; i < size; i++)
	{
		filling->was_zeroed = filling->was_zeroed && body[i] == 0;
		body[i] = body_byte(filling->seed, i);
		if (filling->dies && i == size / 2)
			(void) raise(SIGKILL);
	}
	if (filling->file_limit > 0)
	{
		struct rlimit limit;

		(void) getrlimit(RLIMIT_FSIZE, &limit);
		limit.rlim_cur = filling->file_limit;
		(void) setrlimit(RLIMIT_FSIZE, &limit);
	}
	if (filling->fails)
		return inf_engine_fail(fill_error, ENGINE_BAD_INPUT, "no fill today");
	return true;
}

static bool
body_is_right(const PackedFile *file, const PackedKey *wanted, unsigned seed)
{
	if (!file->body || file->size != wanted->size ||
		(uintptr_t) file->body % 64 != 0)
		return false;
	for (size_t i = 0; i < file->size; i++)
		if (file->body[i] != body_byte(seed, i))
			return false;
	return true;
}

/*
 * Opens and closes.  'k': it was kept; 'f': filled and written; 'p': private;
 * 'e': failed; '?': something is wrong with it.
 */
static char
open_as(const char *where, const PackedKey *wanted, Filling *filling)
{
	PackedFile	file;
	char		result = '?';

	filling->ncalls = 0;
	if (!inf_packed_file_open(&file, where, NAME, wanted, fill, filling, &error))
		return 'e';
	if (body_is_right(&file, wanted, filling->seed) &&
		(file.path == NULL) == (file.problem != NULL) &&
		file.was_filled == (filling->ncalls > 0) &&
		(filling->ncalls == 0 || filling->was_zeroed))
		result = !file.path ? 'p' : file.was_filled ? 'f' : 'k';
	inf_packed_file_close(&file);
	return result;
}

static char
open_it(void)
{
	Filling		filling = {.seed = 3};

	return open_as(folder, &key, &filling);
}

/* Entries of the folder. */
static int
count_files(void)
{
	DIR		   *directory = opendir(folder);
	struct dirent *entry;
	int			n = 0;

	while ((entry = readdir(directory)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	(void) closedir(directory);
	return n;
}

static void
check_kept(void)
{
	PackedFile	file;
	Filling		filling = {.seed = 3};
	struct stat status;

	CHECK(inf_packed_file_open(&file, folder, NAME, &key, fill, &filling, &error));
	CHECK(body_is_right(&file, &key, 3) && file.was_filled);
	CHECK_STR(file.path, path);
	CHECK_STR(file.problem, NULL);
	inf_packed_file_close(&file);
	CHECK(file.body == NULL && file.path == NULL);
	inf_packed_file_close(&file);

	CHECK_INT(open_it(), 'k');
	CHECK_INT(count_files(), 1);
	CHECK(stat(path, &status) == 0);
	CHECK_INT(status.st_size, HEADER_BYTES + key.size);
	CHECK_INT(status.st_mode & 07777, 0640);
}

/* One step off in any member: made anew, and then kept. */
static void
check_keys(void)
{
	const PackedKey others[] = {
		{8, 1, 2, 5003}, {7 + (UINT64_C(1) << 63), 1, 2, 5003}, {7, 2, 2, 5003},
		{7, 1, 3, 5003}, {7, 1, 2, 5004}, {7, 1, 2, 5002}, {7, 1, 2, 1},
		{7, 1, 2, 64}, {7, 1, 2, 4096}, {7, 1, 2, LARGE_BYTES}
	};

	for (int i = 0; i < (int) (sizeof(others) / sizeof(*others)); i++)
	{
		Filling		filling = {.seed = i};

		CHECK_INT(open_as(folder, &others[i], &filling), 'f');
		CHECK_INT(open_as(folder, &others[i], &filling), 'k');
	}
	CHECK_INT(open_it(), 'f');
}

static void
flip_byte(off_t at)
{
	int			fd = open(path, O_RDWR);
	unsigned char byte;

	(void) !pread(fd, &byte, 1, at);
	byte ^= 1 << at % 8;
	(void) !pwrite(fd, &byte, 1, at);
	(void) close(fd);
}

/* The fields of the header and the end byte by byte, the rest in steps. */
static void
check_damage(void)
{
	off_t		size = HEADER_BYTES + key.size;
	bool		all_found = true;

	for (off_t at = 0; at < size; at++)
	{
		if (at >= 72 && at < size - 12 && at % 149 != 0)
			continue;
		flip_byte(at);
		if (open_it() != 'f' || open_it() != 'k')
		{
			printf("# byte %lld\n", (long long) at);
			all_found = false;
		}
	}
	CHECK(all_found);
	flip_byte(HEADER_BYTES - 1);
	CHECK_INT(open_it(), 'f');

	CHECK(truncate(path, size - 1) == 0);
	CHECK_INT(open_it(), 'f');
	CHECK(truncate(path, size + 1) == 0);
	CHECK_INT(open_it(), 'f');
	CHECK(truncate(path, HEADER_BYTES) == 0);
	CHECK_INT(open_it(), 'f');
	CHECK(truncate(path, 10) == 0);
	CHECK_INT(open_it(), 'f');
	CHECK(truncate(path, 0) == 0);
	CHECK_INT(open_it(), 'f');
	CHECK_INT(open_it(), 'k');
}

/* Other kinds of files under the name. */
static void
check_kinds(void)
{
	char		target[sizeof(path) + 8];
	struct stat status;

	CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
	CHECK_INT(open_it(), 'f');
	CHECK_INT(open_it(), 'k');

	/* A link to a good one is not followed; where it points to is left alone. */
	(void) snprintf(target, sizeof(target), "%s.target", path);
	CHECK(rename(path, target) == 0 && symlink(target, path) == 0);
	CHECK_INT(open_it(), 'f');
	CHECK(lstat(path, &status) == 0 && S_ISREG(status.st_mode));
	CHECK(unlink(target) == 0);

	CHECK(unlink(path) == 0 && mkdir(path, 0700) == 0);
	CHECK_INT(open_it(), 'p');
	CHECK_INT(count_files(), 1);
	CHECK(rmdir(path) == 0);
	CHECK_INT(open_it(), 'f');

	/* A file of somebody else's, who owns the folder or not; if we are root. */
	if (chown(path, 12345, -1) == 0)
	{
		CHECK_INT(open_it(), 'f');
		CHECK(chown(path, 12345, -1) == 0 && chown(folder, 12345, -1) == 0);
		CHECK_INT(open_it(), 'k');
		CHECK(chown(folder, 0, -1) == 0);
		CHECK_INT(open_it(), 'f');
	}
	CHECK_INT(open_it(), 'k');
}

static void
check_no_folder(void)
{
	PackedFile	file;
	Filling		filling = {.seed = 4};
	PackedKey	huge = key;

	CHECK(inf_packed_file_open(&file, "/nonexistent/folder", NAME, &key, fill,
							   &filling, &error));
	CHECK(body_is_right(&file, &key, 4) && file.was_filled && !file.path);
	CHECK_STR(file.problem, "could not open folder \"/nonexistent/folder\":"
			  " No such file or directory");
	CHECK_INT(filling.ncalls, 1);
	inf_packed_file_close(&file);
	CHECK_INT(open_as("/proc/self/fd", &key, &filling), 'p');

	CHECK(unlink(path) == 0);
	filling.fails = true;
	CHECK_INT(open_as(folder, &key, &filling), 'e');
	CHECK_STR(error.message, "no fill today");
	CHECK_INT(filling.ncalls, 1);
	CHECK_INT(count_files(), 0);

	huge.size = (uint64_t) 1 << 60;
	CHECK_INT(open_as(folder, &huge, &filling), 'e');
	CHECK_INT(error.code, ENGINE_NO_MEMORY);
	CHECK_INT(filling.ncalls, 0);
	huge.size = UINT64_MAX;
	CHECK_INT(open_as(folder, &huge, &filling), 'e');
	huge.size = 0;
	CHECK_INT(open_as(folder, &huge, &filling), 'e');
	CHECK_INT(error.code, ENGINE_BAD_INPUT);
	CHECK_INT(count_files(), 0);
}

/*
 * No room for the file: known before, or only while writing it, when a part of
 * the body is given back already.
 */
static void
check_no_room(void)
{
	Filling		filling = {.seed = 5};
	PackedKey	large = key;
	struct rlimit before;
	struct rlimit limit;

	(void) getrlimit(RLIMIT_FSIZE, &before);
	limit = before;

	/* the signal has its default action here: it would end the test */
	limit.rlim_cur = 4096;
	(void) setrlimit(RLIMIT_FSIZE, &limit);
	CHECK_INT(open_as(folder, &key, &filling), 'p');
	CHECK_INT(filling.ncalls, 1);
	(void) setrlimit(RLIMIT_FSIZE, &before);
	CHECK_INT(count_files(), 0);

	(void) signal(SIGXFSZ, SIG_IGN);
	large.size = LARGE_BYTES;
	filling.file_limit = (rlim_t) 17 << 20;
	CHECK_INT(open_as(folder, &large, &filling), 'p');
	CHECK_INT(filling.ncalls, 2);
	(void) setrlimit(RLIMIT_FSIZE, &before);
	filling.file_limit = 4096;
	CHECK_INT(open_as(folder, &key, &filling), 'p');
	CHECK_INT(filling.ncalls, 1);
	(void) setrlimit(RLIMIT_FSIZE, &before);
	(void) signal(SIGXFSZ, SIG_DFL);
	CHECK_INT(count_files(), 0);
	CHECK_INT(open_it(), 'f');
}

/* Runs in a child; the parent waits with exit_status(). */
static pid_t
open_in_child(bool dies)
{
	pid_t		child;

	(void) fflush(stdout);
	child = fork();
	if (child == 0)
	{
		Filling		filling = {.seed = 3, .dies = dies};
		char		result = open_as(folder, &key, &filling);

		_exit(result == 'f' || result == 'k' ? 0 : 1);
	}
	return child;
}

static int
wait_status(pid_t child)
{
	int			status = -1;

	(void) waitpid(child, &status, 0);
	return status;
}

static void
check_two_at_once(void)
{
	bool		good = true;

	for (int i = 0; i < 20; i++)
	{
		pid_t		first;
		pid_t		second;

		(void) unlink(path);
		first = open_in_child(false);
		second = open_in_child(false);
		good = good && wait_status(first) == 0 && wait_status(second) == 0 &&
			open_it() == 'k' && count_files() == 1;
	}
	CHECK(good);
}

/* Sets back the time of what a killed process left; whether there is such. */
static bool
age_leftovers(time_t seconds)
{
	DIR		   *directory = opendir(folder);
	struct dirent *entry;
	struct timespec times[2] = {{time(NULL) - seconds, 0}, {time(NULL) - seconds, 0}};
	bool		found = false;

	while ((entry = readdir(directory)) != NULL)
		if (strncmp(entry->d_name, ".inference-packing-", 19) == 0)
			found = utimensat(dirfd(directory), entry->d_name, times,
							  AT_SYMLINK_NOFOLLOW) == 0;
	(void) closedir(directory);
	return found;
}

static void
check_killed(void)
{
	char		bystander[sizeof(folder) + 40];
	int			status;

	(void) unlink(path);
	status = wait_status(open_in_child(true));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_INT(count_files(), 1);

	/* It might still be at work: left alone for an hour. */
	CHECK(age_leftovers(3000));
	CHECK_INT(open_it(), 'f');
	CHECK_INT(count_files(), 2);

	/* Nor is it written to by a process that got the same number. */
	(void) snprintf(bystander, sizeof(bystander), "%s/.inference-packing-%ld-0",
					folder, (long) getpid());
	CHECK(symlink("nowhere", bystander) == 0);
	CHECK(unlink(path) == 0);
	CHECK_INT(open_it(), 'f');
	CHECK_INT(count_files(), 3);
	CHECK(unlink(bystander) == 0);

	/* Another name, as old, is not ours to remove. */
	(void) snprintf(bystander, sizeof(bystander), "%s/.inference-packing-1-x", folder);
	(void) close(open(bystander, O_WRONLY | O_CREAT, 0600));
	CHECK(age_leftovers(4000));
	CHECK_INT(open_it(), 'k');
	CHECK_INT(count_files(), 3);
	CHECK(unlink(path) == 0);
	CHECK_INT(open_it(), 'f');
	CHECK_INT(count_files(), 2);
	CHECK(unlink(bystander) == 0);
}

/* Who has mapped the file keeps what he has. */
static void
check_old_stays(void)
{
	PackedFile	old;
	Filling		filling = {.seed = 3};
	Filling		other = {.seed = 9};
	PackedKey	other_key = key;

	CHECK(inf_packed_file_open(&old, folder, NAME, &key, fill, &filling, &error));
	other_key.source++;
	CHECK_INT(open_as(folder, &other_key, &other), 'f');
	CHECK(body_is_right(&old, &key, 3));
	inf_packed_file_close(&old);
	CHECK_INT(open_it(), 'f');
}

int
main(void)
{
	(void) umask(027);
	if (!mkdtemp(folder))
		return 1;
	(void) snprintf(path, sizeof(path), "%s/%s", folder, NAME);
	check_kept();
	check_keys();
	check_damage();
	check_kinds();
	check_no_folder();
	check_no_room();
	check_two_at_once();
	check_killed();
	check_old_stays();
	CHECK(unlink(path) == 0);
	CHECK(rmdir(folder) == 0);
	return check_done();
}
