/*
 * text_encoding.c
 *		Between the database's encoding and UTF-8, which services speak.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/text_encoding.h"

char *
inf_text_to_utf8(const char *bytes, int length, int *utf8_length)
{
	char	   *utf8;

	/* Nobody has validated what a SQL_ASCII database holds. */
	if (GetDatabaseEncoding() == PG_SQL_ASCII &&
		pg_encoding_verifymbstr(PG_UTF8, bytes, length) != length)
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("input is not valid UTF-8"),
				 errdetail("The database encoding is SQL_ASCII, so texts are sent to services as they are."),
				 errhint("Convert the text with convert_from() and convert_to(), or use a database with another encoding.")));
	utf8 = pg_server_to_any(bytes, length, PG_UTF8);
	if (utf8 == bytes)
		utf8 = pnstrdup(bytes, length);
	if (utf8_length)
		*utf8_length = strlen(utf8);
	return utf8;
}

/* Longest text that is quoted in a message; more helps nobody. */
#define MAX_QUOTED_BYTES 200

const char *
inf_text_clip(const char *text)
{
	int			length = strlen(text);

	if (length <= MAX_QUOTED_BYTES)
		return text;
	length = pg_mbcliplen(text, length, MAX_QUOTED_BYTES);
	return psprintf("%.*s...", length, text);
}

char *
inf_text_name(Datum name)
{
	return text_to_cstring(DatumGetTextPSlice(name, 0, 2 * MAX_QUOTED_BYTES));
}

/*
 * A string as ASCII with escapes, for a message that any encoding can hold.
 * Bytes that are no UTF-8 become question marks.
 */
static char *
escape_for_message(const char *utf8)
{
	StringInfoData out;
	const unsigned char *s = (const unsigned char *) utf8;
	const unsigned char *end = s + strlen(utf8);

	initStringInfo(&out);
	while (s < end)
	{
		int			length = pg_utf_mblen(s);

		if (*s < 0x80)
			appendStringInfoChar(&out, *s);
		else if (length <= end - s && pg_utf8_islegal(s, length))
		{
			pg_wchar	c = utf8_to_unicode(s);

			appendStringInfo(&out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
		}
		else
		{
			appendStringInfoChar(&out, '?');
			length = 1;
		}
		s += length;
	}
	return out.data;
}

/* From UTF-8 to the database encoding; NULL if that cannot hold the string. */
static char *
convert_from_utf8(const char *utf8)
{
	MemoryContext caller = CurrentMemoryContext;
	char	   *volatile converted = NULL;

	if (GetDatabaseEncoding() == PG_SQL_ASCII ||
		GetDatabaseEncoding() == PG_UTF8)
		return pstrdup(utf8);
	PG_TRY();
	{
		converted = pg_any_to_server(utf8, strlen(utf8), PG_UTF8);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		if (geterrcode() != ERRCODE_UNTRANSLATABLE_CHARACTER)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return converted == utf8 ? pstrdup(utf8) : converted;
}

char *
inf_text_from_utf8(const char *utf8, const char *what)
{
	char	   *converted = convert_from_utf8(utf8);

	if (converted == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("the database encoding %s cannot represent %s \"%s\"",
						GetDatabaseEncodingName(), what,
						inf_text_clip(escape_for_message(utf8))),
				 errhint("Use a database with encoding UTF8.")));
	return converted;
}

char *
inf_text_for_message(const char *utf8)
{
	int			length = strlen(utf8);
	char	   *converted = NULL;

	if (pg_encoding_verifymbstr(PG_UTF8, utf8, length) == length)
		converted = convert_from_utf8(utf8);
	return converted ? converted : escape_for_message(utf8);
}

/* Unicode's property White_Space. */
static bool
is_white_space(pg_wchar c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 ||
		c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
		c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool
inf_text_is_blank(const char *utf8, int length)
{
	const unsigned char *s = (const unsigned char *) utf8;
	const unsigned char *end = s + length;

	while (s < end)
	{
		if (!is_white_space(utf8_to_unicode(s)))
			return false;
		s += pg_utf_mblen(s);
	}
	return true;
}
