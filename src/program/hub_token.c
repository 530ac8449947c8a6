/*
 * hub_token.c
 *		The user's token for the hub.
 */
#include "program/hub_token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL if it is not set, or empty. */
static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/*
 * Takes length bytes without blanks around them.  Anything but printable ASCII
 * could write headers of its own.
 */
static bool
take(char token[HUB_MAX_TOKEN_BYTES], const char *bytes, size_t length,
	 const char *from, EngineError *error)
{
	static const char blanks[] = " \t\r\n";

	while (length > 0 && memchr(blanks, *bytes, 4))
	{
		bytes++;
		length--;
	}
	while (length > 0 && memchr(blanks, bytes[length - 1], 4))
		length--;
	for (size_t i = 0; i < length; i++)
		if (length >= HUB_MAX_TOKEN_BYTES || bytes[i] <= ' ' || bytes[i] >= 0x7f)
			return inf_engine_fail(error, ENGINE_BAD_INPUT,
								   "the content of %s is not a token of the hub", from);
	memcpy(token, bytes, length);
	token[length] = '\0';
	return true;
}

static bool
read_file(char token[HUB_MAX_TOKEN_BYTES], const char *path, bool may_be_absent,
		  EngineError *error)
{
	FILE	   *file = fopen(path, "re");
	char		bytes[HUB_MAX_TOKEN_BYTES + 8];
	size_t		length;
	bool		good;

	if (file == NULL && may_be_absent && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (file == NULL)
		return inf_engine_fail(error, ENGINE_NO_FILE,
							   "could not open file \"%s\", which holds the token of the hub: %s",
							   path, strerror(errno));
	length = fread(bytes, 1, sizeof(bytes), file);
	good = !ferror(file) ||
		inf_engine_fail(error, ENGINE_NO_FILE, "could not read file \"%s\"", path);
	(void) fclose(file);
	good = good && take(token, bytes, length, path, error);
	explicit_bzero(bytes, sizeof(bytes));
	return good;
}

bool
inf_hub_token_read(char token[HUB_MAX_TOKEN_BYTES], EngineError *error)
{
	const char *value = variable("HF_TOKEN");
	const char *folder = variable("HF_HOME");
	char	   *path;
	bool		good;

	token[0] = '\0';
	if (value)
		return take(token, value, strlen(value), "HF_TOKEN", error);
	if (variable("HF_TOKEN_PATH"))
		return read_file(token, variable("HF_TOKEN_PATH"), false, error);
	if (folder == NULL && variable("HOME") == NULL)
		return true;
	if (asprintf(&path, "%s%s/token", folder ? folder : variable("HOME"),
				 folder ? "" : "/.cache/huggingface") < 0)
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	good = read_file(token, path, true, error);
	free(path);
	return good;
}
