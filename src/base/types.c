/*
 * types.c
 *		Names of tasks.
 */
#include "postgres.h"

#include <ctype.h>

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
	for (int i = 0; i < lengthof(tasks); i++)
		if (tasks[i].task == task)
			return tasks[i].name;
	return "unknown";
}

/* As Elasticsearch: case and white space around the name do not matter. */
bool
inf_task_parse(const char *name, InferenceTask *task)
{
	const char *end = name + strlen(name);

	while (isspace((unsigned char) *name))
		name++;
	while (end > name && isspace((unsigned char) end[-1]))
		end--;
	for (int i = 0; i < lengthof(tasks); i++)
	{
		if (strlen(tasks[i].name) != end - name ||
			pg_strncasecmp(tasks[i].name, name, end - name) != 0)
			continue;
		*task = tasks[i].task;
		return true;
	}
	return false;
}
