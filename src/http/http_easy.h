/*
 * http_easy.h
 *		libcurl's handles for single transfers, kept for the next ones.
 *
 * Telling libcurl of a URL and of limits costs as much as a small request, so a
 * handle that comes back remembers what it was told.  Nothing here throws.
 */
#ifndef INFERENCE_HTTP_HTTP_EASY_H
#define INFERENCE_HTTP_HTTP_EASY_H

#include "postgres.h"

#include <curl/curl.h>

#include "http/http_transport.h"

typedef struct HttpEasy
{
	CURL	   *curl;

	/* What it was told; NULL url: nothing that can be used again */
	char	   *url;
	int			connect_timeout_ms;
	int			total_timeout_ms;
	size_t		max_response_bytes;
} HttpEasy;

/* Tells a handle what transfers to url under options have in common. */
typedef CURLcode (*HttpConfigure) (CURL *curl, const char *url,
								   const HttpOptions *options, bool is_apart);

/*
 * A handle that configure has been called for, now or at another time with
 * the same arguments; options' route is the same until inf_http_reset_easies().
 * NULL: *code says why.
 */
extern HttpEasy *inf_http_take_easy(HttpConfigure configure, const char *url,
									const HttpOptions *options, bool is_apart,
									CURLcode *code);

/* Gives a handle back that is in no multi and points to nothing of ours. */
extern void inf_http_give_easy(HttpEasy *easy);

/* Makes kept handles forget what they were told: the route has changed. */
extern void inf_http_reset_easies(void);

/* After a fork: leaves the parent's handles alone. */
extern void inf_http_disown_easies(void);

#endif							/* INFERENCE_HTTP_HTTP_EASY_H */
