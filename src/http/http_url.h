/*
 * http_url.h
 *		What may be said of a URL without connecting: whether it is one that
 *		we would use, and where it leads.  libcurl's own parser answers, so
 *		that what is checked is what is used.
 *
 * URLs are UTF-8, as they travel; see base/text_encoding.h for what comes from
 * the database.
 *
 * Nothing here throws.
 */
#ifndef INFERENCE_HTTP_HTTP_URL_H
#define INFERENCE_HTTP_HTTP_URL_H

#include "postgres.h"

/* 2 kB: what every proxy and server takes (RFC 9110 asks for 8000). */
#define INF_HTTP_MAX_URL_BYTES 2048

#define INF_HTTP_ORIGIN_BYTES 800

/*
 * NULL if the URL is valid UTF-8, absolute, http or https, has a host and no
 * user name or password in it, no fragment, no control characters or blanks; else a static
 * string saying what is wrong, fit to follow "Reason: ".
 */
extern const char *inf_http_check_url(const char *url);

/*
 * Writes "scheme://host:port" in lower case, port always given, other letters
 * than ASCII's as %XX, so that every encoding holds it.  False if the URL does
 * not pass inf_http_check_url.
 */
extern bool inf_http_url_origin(const char *url, char origin[INF_HTTP_ORIGIN_BYTES]);

/* Writes the host alone ("api.openai.com", "[::1]"), for messages. */
extern bool inf_http_url_host(const char *url, char host[INF_HTTP_ORIGIN_BYTES]);

/* Whether the URL's path, not its query, contains needle. */
extern bool inf_http_url_path_contains(const char *url, const char *needle);

/* Whether it ends in tail, or in tail and a slash. */
extern bool inf_http_url_path_ends(const char *url, const char *tail);

#endif							/* INFERENCE_HTTP_HTTP_URL_H */
