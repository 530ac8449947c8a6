/*
 * temp_folder.h
 *		A folder of a test's own, in memory where the machine has such a place,
 *		and files in it.  Whatever fails here ends the test.
 */
#ifndef INFERENCE_TEST_UNIT_TEMP_FOLDER_H
#define INFERENCE_TEST_UNIT_TEMP_FOLDER_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char temp_folder[64];

static inline void
temp_folder_check(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static inline void
temp_folder_make(void)
{
	snprintf(temp_folder, sizeof(temp_folder), "%s/inference_test.XXXXXX",
			 access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
	temp_folder_check(mkdtemp(temp_folder) != NULL, temp_folder);
}

/* Until the next call. */
static inline const char *
temp_folder_path(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", temp_folder, name);
	return path;
}

/*
 * Replaces a file, as models are replaced: a new one takes its name, so that
 * one which is still mapped stays whole.
 */
static inline void
temp_folder_write(const char *name, const void *bytes, size_t size)
{
	char		draft[96];
	FILE	   *file;

	snprintf(draft, sizeof(draft), "%s/draft", temp_folder);
	file = fopen(draft, "wb");
	temp_folder_check(file != NULL, draft);
	temp_folder_check(size == 0 || fwrite(bytes, size, 1, file) == 1, draft);
	temp_folder_check(fclose(file) == 0, draft);
	temp_folder_check(rename(draft, temp_folder_path(name)) == 0, name);
}

static inline void
temp_folder_write_text(const char *name, const char *text)
{
	temp_folder_write(name, text, strlen(text));
}

static inline void
temp_folder_make_folder(const char *name)
{
	temp_folder_check(mkdir(temp_folder_path(name), 0700) == 0, name);
}

static inline int
temp_folder_remove_entry(const char *path, const struct stat *status, int type,
						 struct FTW *place)
{
	temp_folder_check(place->level == 0 || remove(path) == 0, path);
	return 0;
}

/* Removes what is in the folder, files of folders in it included. */
static inline void
temp_folder_clear(void)
{
	temp_folder_check(nftw(temp_folder, temp_folder_remove_entry, 8,
						   FTW_DEPTH | FTW_PHYS) == 0, temp_folder);
}

static inline void
temp_folder_remove(void)
{
	temp_folder_clear();
	temp_folder_check(rmdir(temp_folder) == 0, temp_folder);
}

#endif							/* INFERENCE_TEST_UNIT_TEMP_FOLDER_H */
