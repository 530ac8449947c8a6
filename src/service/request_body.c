/*
 * request_body.c
 *		What the requests of services have in common.
 */
#include "postgres.h"

#include "json/json_write.h"
#include "service/request_body.h"

void
inf_request_start(HttpRequest *request, const char *url, const char *scheme,
				  const InferenceSecret *key)
{
	request->url = url;
	inf_http_add_header(request, "Content-Type", "application/json", false);
	if (key)
		inf_http_add_header(request, "Authorization",
							psprintf("%s %s", scheme, inf_secret_reveal(key)),
							true);
}

void
inf_request_set_inputs(HttpRequest *request, const char *name,
					   const InferenceCall *call)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfo(&body, "{\"%s\":", name);
	inf_json_append_string_array(&body, call->inputs, call->ninputs);
	appendStringInfoChar(&body, '}');
	request->body = body.data;
	request->body_bytes = body.len;
}
