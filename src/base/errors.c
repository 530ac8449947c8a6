/*
 * errors.c
 *		How faults of a call become errors.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/text_encoding.h"

/* Longest message of a fault; words of services, which they hold, are shorter. */
#define MAX_MESSAGE_BYTES 8000

typedef struct FaultRow
{
	InferenceFaultKind kind;
	int			sqlstate;
	const char *message;		/* when the fault brings none */
	const char *hint;			/* may be NULL */
} FaultRow;

/* docs/errors.md lists the same for users. */
static const FaultRow fault_rows[] = {
	{INF_FAULT_UNKNOWN_HOST, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
		"the host is unknown",
	"Check the url of the model."},
	{INF_FAULT_ADDRESS_REFUSED, ERRCODE_INSUFFICIENT_PRIVILEGE,
		"requests to this host are not allowed",
	"A superuser decides where requests may go: see inference.allowed_hosts and inference.allow_private_addresses."},
	{INF_FAULT_CONNECT, ERRCODE_CONNECTION_FAILURE,
		"the connection failed",
	NULL},
	{INF_FAULT_TLS, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
		"no secure connection could be made",
	"Check that the server uses TLS on this port; if it does not, the url must begin with http://."},
	{INF_FAULT_CERTIFICATE, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
		"the certificate of the server is not trusted",
	"The certificate must be valid for the host in the url, must not have expired, and must be signed by an authority that the operating system trusts; a superuser can name others with inference.ca_bundle."},
	{INF_FAULT_TIMEOUT, ERRCODE_CONNECTION_FAILURE,
		"the request took too long",
	"The setting inference.request_timeout says how long a request may take."},
	{INF_FAULT_TOO_LARGE, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
		"the answer is too large",
	"The setting inference.max_response_size says how large an answer may be; inference.max_batch_inputs makes batches smaller."},
	{INF_FAULT_REDIRECT, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
		"the service answered with a redirect, which is not followed",
	"Use the address that the service redirects to as the url of the model."},
	{INF_FAULT_AUTHENTICATION, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
		"the service refused the key",
	"Set a new key with inference_update()."},
	{INF_FAULT_RATE_LIMIT, ERRCODE_INSUFFICIENT_RESOURCES,
		"the service's rate limit is exceeded",
	"Try again later, or keep below the limit with the setting rate_limit of the model."},
	{INF_FAULT_QUOTA, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
		"the account has no quota left",
	"Check the plan and billing of the account with the service; trying again does not help."},
	{INF_FAULT_INPUT_TOO_LARGE, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
		"the service found the input too large",
	"Shorten the texts, send fewer in a request (inference.max_batch_inputs), or set max_input_tokens of the model."},
	{INF_FAULT_REJECTED, ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
		"the service rejected the request",
	NULL},
	{INF_FAULT_SERVER, ERRCODE_SYSTEM_ERROR,
		"the service failed",
	NULL},
	{INF_FAULT_BAD_ANSWER, ERRCODE_PROTOCOL_VIOLATION,
		"the answer could not be read",
	"Check that the url of the model leads to an endpoint of the kind that its service expects."},
};

static const FaultRow *
find_row(InferenceFaultKind kind)
{
	for (int i = 0; i < lengthof(fault_rows); i++)
		if (fault_rows[i].kind == kind)
			return &fault_rows[i];
	elog(ERROR, "unexpected inference fault %d", (int) kind);
	return NULL;				/* keep compilers quiet */
}

static const char *
hint_of(const FaultRow *row, const InferenceModel *model)
{
	/* A model that is being put has nothing to be changed yet. */
	if (row->kind == INF_FAULT_AUTHENTICATION && !OidIsValid(model->server))
		return "Put the model with another key.";
	return row->hint;
}

InferenceFaultKind
inf_fault_of_status(int status)
{
	if (status >= 300 && status < 400)
		return INF_FAULT_REDIRECT;
	if (status == 402)
		return INF_FAULT_QUOTA;
	if (status == 401 || status == 403)
		return INF_FAULT_AUTHENTICATION;
	if (status == 408)
		return INF_FAULT_TIMEOUT;
	if (status == 413)
		return INF_FAULT_INPUT_TOO_LARGE;
	if (status == 429)
		return INF_FAULT_RATE_LIMIT;
	if (status >= 400 && status < 500)
		return INF_FAULT_REJECTED;
	return INF_FAULT_SERVER;
}

/* " refuses text 2 of row 17": what a service does not do with a text. */
static void
append_input(StringInfo detail, InferenceFaultKind kind,
			 const InferenceInput *input)
{
	const char *verb = kind == INF_FAULT_BAD_ANSWER ? "returned no usable embedding for" :
		kind == INF_FAULT_SERVER ? "fails on" : "refuses";

	if (input->row > 0 && input->position > 0)
		appendStringInfo(detail, " %s text %d of row " INT64_FORMAT,
						 verb, input->position, input->row);
	else if (input->row > 0)
		appendStringInfo(detail, " %s the text of row " INT64_FORMAT,
						 verb, input->row);
	else if (input->position > 0)
		appendStringInfo(detail, " %s text %d", verb, input->position);
}

char *
inf_error_describe_fault(const InferenceModel *model,
						 const InferenceFault *fault, const char *host,
						 int attempts, const InferenceInput *input)
{
	const FaultRow *row = find_row(fault->kind);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Service \"%s\"", model->service);
	if (host)
		appendStringInfo(&text, " at %s", host);
	if (input)
		append_input(&text, fault->kind, input);
	appendStringInfo(&text, ": %s",
					 inf_secret_scrub(model->api_key,
									  fault->message ? fault->message : row->message,
									  MAX_MESSAGE_BYTES));
	if (attempts > 1)
		appendStringInfo(&text, " (%d attempts)", attempts);
	appendStringInfoChar(&text, '.');

	/* Services speak UTF-8. */
	return inf_text_for_message(text.data);
}

void
inf_error_throw_fault(const InferenceModel *model, const InferenceFault *fault,
					  const char *host, int attempts,
					  const InferenceInput *input)
{
	const FaultRow *row = find_row(fault->kind);
	const char *hint = fault->hint ? fault->hint : hint_of(row, model);

	/* Before ereport(), whose state this may clear. */
	char	   *detail = inf_error_describe_fault(model, fault, host, attempts,
												  input);

	/* An answer that is good but for one text came from the right place. */
	if (input && fault->kind == INF_FAULT_BAD_ANSWER)
		hint = NULL;
	ereport(ERROR,
			(errcode(row->sqlstate),
			 errmsg("could not get embeddings from inference model \"%s\"",
					model->model_id),
			 errdetail_internal("%s", detail),
			 hint ? errhint("%s", hint) : 0));
}
