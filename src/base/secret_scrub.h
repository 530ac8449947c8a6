/*
 * secret_scrub.h
 *		Takes a key out of a text, in all forms that services echo keys in.
 */
#ifndef INFERENCE_BASE_SECRET_SCRUB_H
#define INFERENCE_BASE_SECRET_SCRUB_H

/*
 * A copy of the first max_bytes of text, in which "[redacted]" stands for the
 * key: as it is, escaped as in URLs, JSON or HTML, in hexadecimal or base64 (also
 * within longer base64), or masked in the middle; and for half of it or more,
 * if that has 8 bytes.  What is behind max_bytes is looked at, so that a key is
 * found that the limit would cut; "..." stands for it.
 *
 * Takes time in proportion to max_bytes and the key's length.
 */
extern char *inf_scrub_text(const char *key, const char *text, int max_bytes);

#endif							/* INFERENCE_BASE_SECRET_SCRUB_H */
