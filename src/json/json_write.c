/*
 * json_write.c
 *		Writes request bodies.
 *
 * Texts are UTF-8 whatever the database encoding is, and mostly plain: runs of
 * plain bytes are copied in one piece.
 */
#include "postgres.h"

#include "json/json_write.h"

/* A byte that must not stand in a JSON string as it is. */
static inline bool
is_special(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

static void
append_special(StringInfo json, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *found = strchr(from, c);

	if (found)
	{
		appendStringInfoCharMacro(json, '\\');
		appendStringInfoCharMacro(json, to[found - from]);
	}
	else
		appendStringInfo(json, "\\u%04x", (unsigned char) c);
}

static void
append_text(StringInfo json, const char *utf8, int length)
{
	int			start = 0;

	enlargeStringInfo(json, length + 2);
	appendStringInfoCharMacro(json, '"');
	for (int i = 0; i < length; i++)
	{
		if (!is_special(utf8[i]))
			continue;
		appendBinaryStringInfo(json, utf8 + start, i - start);
		append_special(json, utf8[i]);
		start = i + 1;
	}
	appendBinaryStringInfo(json, utf8 + start, length - start);
	appendStringInfoCharMacro(json, '"');
}

void
inf_json_append_string(StringInfo json, const char *utf8)
{
	append_text(json, utf8, strlen(utf8));
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
		append_text(json, inputs[i].text, inputs[i].length);
	}
	appendStringInfoChar(json, ']');
}
