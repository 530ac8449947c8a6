/*
 * json_write.c
 *		Writes request bodies.
 *
 * Texts are UTF-8 whatever the database encoding is, and mostly plain: runs of
 * plain bytes are copied in one piece.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "json/json_write.h"

/* A byte that must not stand in a JSON string as it is. */
static inline bool
is_special(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* Six bytes at most: the caller has made room. */
static void
append_special(StringInfo json, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	static const char hex[] = "0123456789abcdef";
	const char *found = strchr(from, c);
	char	   *out = json->data + json->len;

	if (found)
	{
		out[0] = '\\';
		out[1] = to[found - from];
		json->len += 2;
		return;
	}
	memcpy(out, "\\u00", 4);
	out[4] = hex[c >> 4];
	out[5] = hex[c & 15];
	json->len += 6;
}

/* Bytes that are written between two looks at interrupts. */
#define PIECE_BYTES (1024 * 1024)

static void
append_piece(StringInfo json, const char *utf8, int length)
{
	int			start = 0;
	int			nspecial = 0;

	for (int i = 0; i < length; i++)
		nspecial += is_special(utf8[i]);
	enlargeStringInfo(json, length + 5 * nspecial);
	for (int i = 0; i < length && nspecial > 0; i++)
	{
		if (!is_special(utf8[i]))
			continue;
		appendBinaryStringInfo(json, utf8 + start, i - start);
		append_special(json, utf8[i]);
		start = i + 1;
	}
	appendBinaryStringInfo(json, utf8 + start, length - start);
}

static void
append_text(StringInfo json, const char *utf8, int length)
{
	appendStringInfoChar(json, '"');
	for (int i = 0; i < length; i += PIECE_BYTES)
	{
		CHECK_FOR_INTERRUPTS();
		append_piece(json, utf8 + i, Min(PIECE_BYTES, length - i));
	}
	appendStringInfoChar(json, '"');
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
