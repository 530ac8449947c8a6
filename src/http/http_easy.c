/*
 * http_easy.c
 *		libcurl's handles for single transfers, kept for the next ones.
 */
#include "postgres.h"

#include "http/http_easy.h"

/* Of 10 kB each; beyond what a statement has in flight they would idle. */
#define MAX_IDLE 32

static HttpEasy *idle[MAX_IDLE];
static int	nidle;

static bool
is_told(const HttpEasy *easy, const char *url, const HttpOptions *options)
{
	return easy->url != NULL && strcmp(easy->url, url) == 0 &&
		easy->connect_timeout_ms == options->connect_timeout_ms &&
		easy->total_timeout_ms == options->total_timeout_ms &&
		easy->max_response_bytes == options->max_response_bytes;
}

static void
forget(HttpEasy *easy)
{
	free(easy->url);
	easy->url = NULL;
	(void) curl_easy_setopt(easy->curl, CURLOPT_SHARE, NULL);
	curl_easy_reset(easy->curl);
}

static void
destroy(HttpEasy *easy)
{
	curl_easy_cleanup(easy->curl);
	free(easy->url);
	free(easy);
}

static HttpEasy *
create(void)
{
	HttpEasy   *easy = calloc(1, sizeof(HttpEasy));

	if (easy == NULL)
		return NULL;
	easy->curl = curl_easy_init();
	if (easy->curl != NULL)
		return easy;
	free(easy);
	return NULL;
}

/* An idle one, best one that was told the same, or a new one. */
static HttpEasy *
find(const char *url, const HttpOptions *options)
{
	HttpEasy   *easy;
	int			i = nidle - 1;

	if (nidle == 0)
		return create();
	while (i > 0 && !is_told(idle[i], url, options))
		i--;
	easy = idle[i];
	idle[i] = idle[--nidle];
	return easy;
}

HttpEasy *
inf_http_take_easy(HttpConfigure configure, const char *url,
				   const HttpOptions *options, bool is_apart, CURLcode *code)
{
	HttpEasy   *easy = find(url, options);

	*code = CURLE_OUT_OF_MEMORY;
	if (easy == NULL)
		return NULL;
	*code = CURLE_OK;
	if (!is_apart && is_told(easy, url, options))
		return easy;

	forget(easy);
	*code = configure(easy->curl, url, options, is_apart);
	if (*code != CURLE_OK)
	{
		destroy(easy);
		return NULL;
	}
	if (!is_apart)
		easy->url = strdup(url);	/* without memory it is just told again */
	easy->connect_timeout_ms = options->connect_timeout_ms;
	easy->total_timeout_ms = options->total_timeout_ms;
	easy->max_response_bytes = options->max_response_bytes;
	return easy;
}

void
inf_http_give_easy(HttpEasy *easy)
{
	if (nidle < MAX_IDLE)
		idle[nidle++] = easy;
	else
		destroy(easy);
}

void
inf_http_reset_easies(void)
{
	for (int i = 0; i < nidle; i++)
		forget(idle[i]);
}

void
inf_http_disown_easies(void)
{
	nidle = 0;
}
