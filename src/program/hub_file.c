/*
 * hub_file.c
 *		Brings a file from the hub into a folder.
 */
#include "program/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct Download
{
	const Hub  *hub;
	HubFile    *file;
	char	   *path;			/* the file's, when it is complete */
	char	   *part;			/* until then */
	int			fd;				/* of part; -1: closed */
	int64_t		at;				/* bytes of it that are there */
	char		wrong[128];		/* how it differs from what the hub promised */
	EngineError *error;

	/* For people who wait */
	int64_t		first;			/* at of the begin */
	double		begun;			/* seconds; 0: not yet */
	double		shown;
} Download;

/* --- Progress ------------------------------------------------------------ */

static double
now(void)
{
	struct timespec time;

	(void) clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

/* Ten times a second at most. */
static void
show_progress(Download *download)
{
	const double time = download->hub->shows_progress ? now() : 0;
	const double seconds = time - download->begun;

	if (!download->hub->shows_progress || seconds < 0.1 || time - download->shown < 0.1)
		return;
	download->shown = time;
	(void) fprintf(stderr, "\r%.60s: %.1f of %.1f MB, %.1f MB/s\033[K",
				   download->file->name, download->at / 1e6, download->file->size / 1e6,
				   seconds > 0 ? (download->at - download->first) / 1e6 / seconds : 0);
}

static void
hide_progress(const Download *download)
{
	if (download->shown > 0)
		(void) fputs("\r\033[K", stderr);
}

/* --- The part ------------------------------------------------------------ */

static bool
fail_errno(Download *download, const char *verb, const char *path)
{
	return inf_engine_fail(download->error, ENGINE_NO_FILE, "could not %s \"%s\": %s",
						   verb, path, strerror(errno));
}

/* What is there is thrown away. */
static bool
empty_part(Download *download)
{
	download->at = 0;
	return (ftruncate(download->fd, 0) == 0 && lseek(download->fd, 0, SEEK_SET) == 0) ||
		fail_errno(download, "empty file", download->part);
}

static bool
begin_part(void *context, int64_t offset)
{
	Download   *download = context;

	if (offset < download->at && !empty_part(download))
		return false;
	download->first = offset;
	download->begun = now();
	return true;
}

static bool
take_part(void *context, const char *bytes, size_t n)
{
	Download   *download = context;

	if (n > download->file->size - download->at)
	{
		(void) snprintf(download->wrong, sizeof(download->wrong),
						"it has more than %" PRId64 " bytes", download->file->size);
		return false;
	}
	while (n > 0)
	{
		const ssize_t written = write(download->fd, bytes, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail_errno(download, "write file", download->part);
		bytes += written;
		n -= written;
		download->at += written;
	}
	show_progress(download);
	return true;
}

/*
 * Opens the part, for this process alone, behind what another run has left of
 * it.
 */
static bool
open_part(Download *download)
{
	struct stat opened;
	struct stat named;

	download->fd = open(download->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
	if (download->fd < 0)
		return fail_errno(download, "create file", download->part);
	if (flock(download->fd, LOCK_EX | LOCK_NB) != 0 ||
		fstat(download->fd, &opened) != 0 || stat(download->part, &named) != 0 ||
		opened.st_ino != named.st_ino || opened.st_dev != named.st_dev)
		return inf_engine_fail(download->error, ENGINE_NO_FILE,
							   "file \"%s\" is being written by another process", download->part);
	if (!S_ISREG(opened.st_mode))
		return inf_engine_fail(download->error, ENGINE_NO_FILE,
							   "\"%s\" is not a regular file", download->part);
	download->at = opened.st_size;
	if (download->at > download->file->size)
		return empty_part(download);
	return lseek(download->fd, 0, SEEK_END) >= 0 ||
		fail_errno(download, "read file", download->part);
}

/* --- Transfer and check -------------------------------------------------- */

/* The caller frees it; NULL without memory. */
static char *
url_of(const Hub *hub, const HubListing *listing, const char *name)
{
	char	   *escaped = inf_hub_escape(name);
	char	   *from = escaped;
	char	   *to = escaped;
	char	   *url;

	/* The slashes between folders stay slashes. */
	while (from && *from)
	{
		const bool	is_slash = strncmp(from, "%2F", 3) == 0;

		*to++ = is_slash ? '/' : *from;
		from += is_slash ? 3 : 1;
	}
	if (escaped)
		*to = '\0';
	if (escaped == NULL ||
		asprintf(&url, "%s/%s/resolve/%s/%s", hub->endpoint, hub->repository,
				 listing->commit, escaped) < 0)
		url = NULL;
	free(escaped);
	return url;
}

/* Gets what is missing; false, and wrong is set, if it is not the file. */
static bool
complete_part(Download *download, const char *url)
{
	const HubSink sink = {begin_part, take_part, download};
	const HubFile *file = download->file;
	char		what[300];
	bool		is_equal;

	download->wrong[0] = '\0';
	(void) snprintf(what, sizeof(what), "file \"%.255s\"", file->name);
	if (download->at < file->size &&
		!inf_hub_get(download->hub, url, what, &sink, &download->at, download->error))
		return false;
	if (download->at != file->size)
	{
		(void) snprintf(download->wrong, sizeof(download->wrong),
						"it has %" PRId64 " bytes, not %" PRId64, download->at, file->size);
		return false;
	}
	if (!inf_hub_digest_check(&file->digest, download->fd, file->size, &is_equal, download->error))
		return false;
	if (!is_equal)
		(void) snprintf(download->wrong, sizeof(download->wrong), "its %s is different",
						file->digest.kind == HUB_DIGEST_SHA256 ? "sha256" : "git hash");
	return is_equal;
}

/* Syncs a folder, so that a new name in it stays. */
static void
sync_folder_of(const char *path)
{
	char	   *folder = strdup(path);
	char	   *slash = folder ? strrchr(folder, '/') : NULL;
	int			fd;

	if (slash)
		*slash = '\0';
	fd = slash ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0)
	{
		(void) fsync(fd);
		(void) close(fd);
	}
	free(folder);
}

static bool
finish_part(Download *download)
{
	if (fsync(download->fd) != 0)
		return fail_errno(download, "write file", download->part);
	if (rename(download->part, download->path) != 0)
		return fail_errno(download, "rename file", download->part);
	sync_folder_of(download->path);
	download->file->state = HUB_FILE_FETCHED;
	return true;
}

/*
 * A part of another run may be of another version of the file: if it turns out
 * wrong, it is fetched anew, once.
 */
static bool
download_file(Download *download, const char *url)
{
	bool		is_old = download->at > 0;

	for (;;)
	{
		if (complete_part(download, url))
			return finish_part(download);
		if (download->wrong[0] == '\0')
			return false;
		if (!is_old)
			break;
		is_old = false;
		if (!empty_part(download))
			return false;
	}
	(void) unlink(download->part);
	return inf_engine_fail(download->error, ENGINE_BAD_FILE,
						   "the data received for file \"%s\" is not what the hub has: %s; it was thrown away, try again",
						   download->file->name, download->wrong);
}

/* --- The folder ---------------------------------------------------------- */

/* Whether the file at path is the one that the hub has. */
static bool
is_there(const Download *download)
{
	const int	fd = open(download->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	EngineError ignored;
	struct stat status;
	bool		is_equal = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		status.st_size == download->file->size)
		(void) inf_hub_digest_check(&download->file->digest, fd, status.st_size,
									&is_equal, &ignored);
	(void) close(fd);
	return is_equal;
}

/* Makes all folders that path lies in. */
static bool
make_folders(Download *download)
{
	for (char *slash = strchr(download->path + 1, '/'); slash; slash = strchr(slash + 1, '/'))
	{
		bool		good;

		*slash = '\0';
		good = mkdir(download->path, 0777) == 0 || errno == EEXIST ||
			fail_errno(download, "create folder", download->path);
		*slash = '/';
		if (!good)
			return false;
	}
	return true;
}

bool
inf_hub_fetch(const Hub *hub, const HubListing *listing, HubFile *file,
			  const char *folder, EngineError *error)
{
	Download	download = {.hub = hub, .file = file, .fd = -1, .error = error};
	char	   *url = url_of(hub, listing, file->name);
	bool		good = false;

	if (asprintf(&download.path, "%s/%s", folder, file->name) < 0)
		download.path = NULL;
	if (asprintf(&download.part, "%s/%s.part", folder, file->name) < 0)
		download.part = NULL;
	if (url == NULL || download.path == NULL || download.part == NULL)
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	else if (is_there(&download))
	{
		file->state = HUB_FILE_FOUND;
		good = true;
	}
	else
		good = make_folders(&download) && open_part(&download) &&
			download_file(&download, url);
	hide_progress(&download);
	if (download.fd >= 0)
		(void) close(download.fd);
	free(download.path);
	free(download.part);
	free(url);
	return good;
}
