/*
 * reply_error.c
 *		The words of a service in an answer that is an error.
 */
#include "postgres.h"

#include "json/json_read.h"
#include "service/reply_error.h"

char *
inf_reply_find_text(const HttpResponse *response,
					const char *const (*paths)[3], int npaths)
{
	InfJson    *root;
	const char *reason;

	if (response->body_bytes == 0 ||
		!inf_json_parse(response->body, response->body_bytes,
						CurrentMemoryContext, &root, &reason))
		return NULL;
	for (int i = 0; i < npaths; i++)
	{
		InfJson    *value = root;
		const char *text;

		for (int j = 0; j < 3 && paths[i][j]; j++)
			value = inf_json_member(value, paths[i][j]);
		text = inf_json_string(value);
		if (text && text[0])
			return pstrdup(text);
	}
	return NULL;
}
