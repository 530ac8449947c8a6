/*
 * types.c
 *		Names of tasks.
 */
#include "postgres.h"

#include "base/types.h"

static const struct
{
	InferenceTask task;
	const char *name;
}			tasks[] = {
	{INF_TASK_SPARSE_EMBEDDING, "sparse_embedding"},
	{INF_TASK_TEXT_EMBEDDING, "text_embedding"}
};

const char *
inf_task_name(InferenceTask task)
{
	for (int i = 0; i < (int) lengthof(tasks); i++)
		if (tasks[i].task == task)
			return tasks[i].name;
	return "unknown";
}

/* The C library's idea of white space and case depends on the locale. */
static bool
is_ascii_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
same_ignoring_case(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (pg_ascii_tolower(a[i]) != pg_ascii_tolower(b[i]))
			return false;
	return true;
}

/* As Elasticsearch: case and white space around the name do not matter. */
bool
inf_task_parse(const char *name, InferenceTask *task)
{
	const char *end = name + strlen(name);

	while (is_ascii_space(*name))
		name++;
	while (end > name && is_ascii_space(end[-1]))
		end--;
	for (int i = 0; i < (int) lengthof(tasks); i++)
	{
		if (strlen(tasks[i].name) != (size_t) (end - name) ||
			!same_ignoring_case(tasks[i].name, name, end - name))
			continue;
		*task = tasks[i].task;
		return true;
	}
	return false;
}
