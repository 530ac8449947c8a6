/*
 * text_encoding.h
 *		Between the database's encoding and UTF-8, which services speak.
 */
#ifndef INFERENCE_BASE_TEXT_ENCODING_H
#define INFERENCE_BASE_TEXT_ENCODING_H

#include "postgres.h"

/*
 * From the database encoding to UTF-8, NUL-terminated; *utf8_length (may be
 * NULL) in bytes.  In a SQL_ASCII database the bytes must be UTF-8 already.
 * Throws if they cannot be converted.  May return bytes itself if they are
 * NUL-terminated at length; treat the result as read-only.
 */
extern char *inf_text_to_utf8(const char *bytes, int length, int *utf8_length);

/*
 * From UTF-8 to the database encoding.  Throws if that cannot hold the string;
 * what ("token") says in the error what it is.
 */
extern char *inf_text_from_utf8(const char *utf8, const char *what);

/*
 * From UTF-8 to the database encoding, for a message: what that cannot hold is
 * escaped, what is no UTF-8 is masked.  Never throws because of its content.
 * Not to be called among the arguments of an ereport(), whose state it clears.
 */
extern char *inf_text_for_message(const char *utf8);

/*
 * What a message quotes of text, which is in the database encoding: all of it,
 * or its first bytes and an ellipsis.  May return text itself.
 */
extern const char *inf_text_clip(const char *text);

/*
 * A name of something that an argument gives.  Of one that is longer than any
 * name can be, only the start is read: enough to be quoted, and found nowhere.
 */
extern char *inf_text_name(Datum name);

/* Whether there is nothing but Unicode white space. */
extern bool inf_text_is_blank(const char *utf8, int length);

#endif							/* INFERENCE_BASE_TEXT_ENCODING_H */
