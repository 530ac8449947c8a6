/*
 * http_request.c
 *		Requests as values: adding headers, and printing without secrets.
 */
#include "postgres.h"

#include "http/http_request.h"

/*
 * Adds a header.  Neither string is copied.  The number of headers is fixed
 * by the code of the services, so that a full request is a bug of ours: an
 * assertion in development, a header less in production.
 */
void
inf_http_add_header(HttpRequest *request, const char *name,
					const char *value, bool secret)
{
	HttpHeader *header;

	Assert(request->nheaders < INF_HTTP_MAX_HEADERS);
	if (request->nheaders >= INF_HTTP_MAX_HEADERS)
		return;

	header = &request->headers[request->nheaders++];
	header->name = name;
	header->value = value;
	header->secret = secret;
}

/*
 * Prints the request much as it would travel: method and URL, a header a
 * line, an empty line, the body.  May throw out of memory.
 */
void
inf_http_describe_request(StringInfo out, const HttpRequest *request)
{
	int			i;

	appendStringInfo(out, "POST %s\n", request->url);
	for (i = 0; i < request->nheaders; i++)
	{
		const HttpHeader *header = &request->headers[i];

		appendStringInfo(out, "%s: %s\n", header->name,
						 header->secret ? "[redacted]" : header->value);
	}
	appendStringInfoChar(out, '\n');
	if (request->body_bytes > 0)
		appendBinaryStringInfo(out, request->body, (int) request->body_bytes);
}
