/*
 * request_body.c
 *		What the requests of services have in common.
 */
#include "postgres.h"

#include "json/json_write.h"
#include "service/request_body.h"
#include "settings/setting_read.h"
#include "settings/settings_common.h"

/* A header of a name of its own is for the key alone, unless told otherwise. */
static void
add_key(HttpRequest *request, const char *scheme, const InferenceModel *model)
{
	const char *header = inf_setting_string(model->service_settings, "api_key_header");
	const char *own_scheme = inf_setting_string(model->service_settings, "api_key_scheme");
	const char *key = inf_secret_reveal(model->api_key);
	const char *reason = header ? inf_setting_check_header_name(header) : NULL;

	/* A restored row was not checked. */
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the setting api_key_header of inference model \"%s\" cannot be used: %s",
						model->model_id, reason)));
	if (own_scheme)
		scheme = own_scheme;
	else if (header && pg_strcasecmp(header, "Authorization") != 0)
		scheme = "";
	inf_http_add_header(request, header ? header : "Authorization",
						scheme[0] ? psprintf("%s %s", scheme, key) : key, true);
}

void
inf_request_start(HttpRequest *request, const char *url, const char *scheme,
				  const InferenceModel *model)
{
	request->url = url;
	inf_http_add_header(request, "Content-Type", "application/json", false);
	if (model->api_key)
		add_key(request, scheme, model);
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
