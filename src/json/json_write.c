/*
 * json_write.c
 *		Writes request bodies.
 *
 * The server's escape_json() looks at single bytes below 0x80 only, so it is
 * right for UTF-8 whatever the database encoding is.
 */
#include "postgres.h"

#include "utils/json.h"

#include "json/json_write.h"

void
inf_json_append_string(StringInfo json, const char *utf8)
{
	escape_json(json, utf8);
}

void
inf_json_append_string_array(StringInfo json, const InferenceInput *inputs,
							 int ninputs)
{
	appendStringInfoChar(json, '[');
	for (int i = 0; i < ninputs; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		inf_json_append_string(json, inputs[i].text);
	}
	appendStringInfoChar(json, ']');
}
