/*
 * http_tls.h
 *		What libcurl's library for TLS knows, and is to keep to itself.
 *
 * libcurl links that library, not we.  Nothing here throws.
 */
#ifndef INFERENCE_HTTP_HTTP_TLS_H
#define INFERENCE_HTTP_HTTP_TLS_H

#include "postgres.h"

#include <curl/curl.h>

/*
 * Whether there are bytes on the connection of easy that were decrypted and not
 * taken; also when that cannot be told.
 */
extern bool inf_http_has_tls_input(CURL *easy);

/*
 * Keeps the keys of sessions out of the file that SSLKEYLOGFILE names in the
 * environment of the server: for this process, before libcurl is first used;
 * and for easy, in case something else has used it earlier.
 */
extern void inf_http_refuse_keylog(void);
extern CURLcode inf_http_refuse_keylog_of(CURL *easy);

#endif							/* INFERENCE_HTTP_HTTP_TLS_H */
