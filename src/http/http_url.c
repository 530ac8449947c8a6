/*
 * http_url.c
 *		What may be said of a URL without connecting.
 *
 * Each call asks several times about one URL, and the next call about the same
 * one, so the last good one is remembered.  Memory of libcurl's is freed before
 * each function returns.
 */
#include "postgres.h"

#include <strings.h>

#include <curl/curl.h>

#include "base/utf8.h"
#include "http/http_url.h"

/* Longest name that DNS carries, as text. */
#define MAX_HOST_BYTES 253

/* The last URL that was found good; empty: none yet. */
static struct
{
	char		url[INF_HTTP_MAX_URL_BYTES + 1];
	char		scheme[8];
	char		host[MAX_HOST_BYTES + 1];
	char		port[8];
}			last;

static const char *look_at(const char *url);
static const char *check_characters(const char *url);
static const char *check_shape(const char *url);
static const char *check_parts(CURLU *parts);
static const char *parse_url(const char *url, CURLU **parts);
static void append_escaped(char *out, const char *host);
static bool get_part(CURLU *parts, CURLUPart which, unsigned int flags,
					 char *out, size_t out_bytes);

const char *
inf_http_check_url(const char *url)
{
	return look_at(url);
}

bool
inf_http_url_origin(const char *url, char origin[INF_HTTP_ORIGIN_BYTES])
{
	StaticAssertStmt(sizeof(last.scheme) + 3 + 3 * sizeof(last.host) +
					 sizeof(last.port) <= INF_HTTP_ORIGIN_BYTES,
					 "an origin has room");
	origin[0] = '\0';
	if (look_at(url) != NULL)
		return false;
	strcat(origin, last.scheme);
	strcat(origin, "://");
	append_escaped(origin + strlen(origin), last.host);
	strcat(origin, ":");
	strcat(origin, last.port);
	return true;
}

bool
inf_http_url_host(const char *url, char host[INF_HTTP_ORIGIN_BYTES])
{
	host[0] = '\0';
	if (look_at(url) != NULL)
		return false;
	strcpy(host, last.host);
	return true;
}

/* The path of a URL, for curl_free(); NULL: the URL is not good. */
static char *
path_of(const char *url)
{
	CURLU	   *parts;
	char	   *path = NULL;

	if (parse_url(url, &parts) == NULL &&
		curl_url_get(parts, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		path = NULL;
	curl_url_cleanup(parts);
	return path;
}

bool
inf_http_url_path_contains(const char *url, const char *needle)
{
	char	   *path = path_of(url);
	bool		contains = path != NULL && strstr(path, needle) != NULL;

	curl_free(path);
	return contains;
}

bool
inf_http_url_path_ends(const char *url, const char *tail)
{
	char	   *path = path_of(url);
	size_t		length = path != NULL ? strlen(path) : 0;
	size_t		tail_length = strlen(tail);
	bool		ends;

	if (length > 0 && path[length - 1] == '/')
		length--;
	ends = length >= tail_length &&
		strncmp(path + length - tail_length, tail, tail_length) == 0;
	curl_free(path);
	return ends;
}

/* What is wrong with a URL; if nothing, its parts are in last. */
static const char *
look_at(const char *url)
{
	CURLU	   *parts;
	const char *fault;

	if (last.url[0] != '\0' && strcmp(url, last.url) == 0)
		return NULL;
	last.url[0] = '\0';
	fault = parse_url(url, &parts);
	if (fault == NULL &&
		(!get_part(parts, CURLUPART_SCHEME, 0, last.scheme, sizeof(last.scheme)) ||
		 !get_part(parts, CURLUPART_HOST, 0, last.host, sizeof(last.host)) ||
		 !get_part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT, last.port, sizeof(last.port))))
		fault = "out of memory";
	curl_url_cleanup(parts);
	if (fault == NULL)
		strcpy(last.url, url);
	return fault;
}

/*
 * Takes a URL apart.  Returns what is wrong with it, or NULL; the caller frees
 * *parts either way.
 */
static const char *
parse_url(const char *url, CURLU **parts)
{
	const char *fault;

	*parts = NULL;
	fault = check_characters(url);
	if (fault == NULL)
		fault = check_shape(url);
	if (fault != NULL)
		return fault;

	*parts = curl_url();
	if (*parts == NULL)
		return "out of memory";
	switch (curl_url_set(*parts, CURLUPART_URL, url, CURLU_DISALLOW_USER))
	{
		case CURLUE_OK:
			return check_parts(*parts);
		case CURLUE_OUT_OF_MEMORY:
			return "out of memory";
		case CURLUE_BAD_PORT_NUMBER:
			return "the port is not a number between 1 and 65535";
		case CURLUE_USER_NOT_ALLOWED:
			return "a URL must not contain a user name or password";
		case CURLUE_NO_HOST:
			return "the URL has no host";
		default:
			return "it is not a valid URL";
	}
}

static const char *
check_characters(const char *url)
{
	const unsigned char *at;

	if (url[0] == '\0')
		return "the URL is empty";
	if (strlen(url) > INF_HTTP_MAX_URL_BYTES)
		return "the URL is longer than 2048 bytes";
	for (at = (const unsigned char *) url; *at != '\0'; at++)
	{
		if (*at <= ' ' || *at == 0x7f)
			return "a URL must not contain blanks or control characters";
	}
	if (!inf_utf8_is_valid(url, strlen(url)))
		return "a URL must be valid UTF-8";
	if (strchr(url, '#') != NULL)
		return "a URL must not contain a fragment (\"#\")";
	return NULL;
}

/*
 * Asks for what libcurl would forgive: a missing scheme, a wrong number of
 * slashes, an empty user name.
 */
static const char *
check_shape(const char *url)
{
	const char *authority = strstr(url, "://");
	size_t		scheme_bytes;

	if (authority == NULL)
		return "a URL must begin with http:// or https://";
	scheme_bytes = authority - url;
	if (!(scheme_bytes == 4 && strncasecmp(url, "http", 4) == 0) &&
		!(scheme_bytes == 5 && strncasecmp(url, "https", 5) == 0))
		return "a URL must begin with http:// or https://";

	authority += 3;
	if (authority[strcspn(authority, "/?@")] == '@')
		return "a URL must not contain a user name or password";
	if (authority[0] == '\0' || strchr("/?:", authority[0]) != NULL)
		return "the URL has no host";
	return NULL;
}

static const char *
check_parts(CURLU *parts)
{
	char		host[MAX_HOST_BYTES + 1];
	char		port[8];

	if (!get_part(parts, CURLUPART_HOST, 0, host, sizeof(host)))
		return "the host is longer than 253 bytes";
	if (host[0] == '\0')
		return "the URL has no host";

	/* It may have come escaped, as in "http://%FF/". */
	if (!inf_utf8_is_valid(host, strlen(host)))
		return "the host is not valid UTF-8";
	if (!get_part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) ||
		strspn(port, "0") == strlen(port))
		return "the port is not a number between 1 and 65535";
	return NULL;
}

/* Writes the host, with %XX for each byte that is not ASCII. */
static void
append_escaped(char *out, const char *host)
{
	static const char digits[] = "0123456789ABCDEF";

	for (const unsigned char *c = (const unsigned char *) host; *c; c++)
	{
		if (*c < 0x80)
		{
			*out++ = *c;
			continue;
		}
		*out++ = '%';
		*out++ = digits[*c >> 4];
		*out++ = digits[*c & 0x0f];
	}
	*out = '\0';
}

/* Writes a part in lower case; false if there is none or it is too long. */
static bool
get_part(CURLU *parts, CURLUPart which, unsigned int flags,
		 char *out, size_t out_bytes)
{
	char	   *part = NULL;
	size_t		length;
	size_t		i;

	if (curl_url_get(parts, which, &part, flags) != CURLUE_OK)
		return false;
	length = strlen(part);
	for (i = 0; i < length && length < out_bytes; i++)
	{
		unsigned char c = part[i];

		out[i] = c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
	}
	curl_free(part);
	if (length >= out_bytes)
		return false;
	out[length] = '\0';
	return true;
}
