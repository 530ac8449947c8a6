/*
 * exchange_answer.c
 *		What an answer says: embeddings, or why there are none.
 */
#include "postgres.h"

#include "base/errors.h"
#include "pipeline/exchange_flight.h"
#include "service/reply_error.h"

static InferenceFaultKind
kind_of_outcome(HttpOutcome outcome)
{
	switch (outcome)
	{
		case HTTP_UNKNOWN_HOST:
			return INF_FAULT_UNKNOWN_HOST;
		case HTTP_ADDRESS_REFUSED:
			return INF_FAULT_ADDRESS_REFUSED;
		case HTTP_TLS_FAILED:
			return INF_FAULT_TLS;
		case HTTP_UNTRUSTED:
			return INF_FAULT_CERTIFICATE;
		case HTTP_TIMED_OUT:
			return INF_FAULT_TIMEOUT;
		case HTTP_TOO_LARGE:
			return INF_FAULT_TOO_LARGE;
		case HTTP_PENDING:
		case HTTP_ANSWERED:
		case HTTP_CANNOT_CONNECT:
		case HTTP_CONNECTION_LOST:
		case HTTP_FAILED:
			break;
	}
	return INF_FAULT_CONNECT;
}

bool
inf_flight_read_answer(const Flight *flight, InferenceFault *fault)
{
	const Exchange *exchange = flight->exchange;
	const HttpResponse *response = inf_http_response(flight->transfer);
	const char *words;

	if (response->outcome != HTTP_ANSWERED)
	{
		fault->kind = kind_of_outcome(response->outcome);
		if (response->detail[0])
			fault->message = pstrdup(response->detail);
		return false;
	}
	if (response->status < 200 || response->status > 299)
	{
		words = inf_reply_error_words(response, exchange->model->api_key);
		inf_fault_set(fault, inf_fault_of_status(response->status),
					  words ? "HTTP status %d: %s" : "HTTP status %d",
					  response->status, words);
		if (inf_reply_is_out_of_quota(response))
			fault->kind = INF_FAULT_QUOTA;
		fault->hint = inf_service_url_hint(exchange->service, exchange->url,
										   response->status);
		return false;
	}
	if (inf_reply_finish(flight->reader, fault) &&
		inf_encoding_check(exchange->encoding, &flight->call, flight->results,
						   fault))
		return true;
	if (fault->input == 0)
		fault->hint = inf_service_url_hint(exchange->service, exchange->url,
										   response->status);
	words = inf_reply_error_words(response, exchange->model->api_key);
	if (words)
		fault->message = psprintf("%s; the service says: %s",
								  fault->message, words);
	else if (response->content_type[0] &&
			 strncmp(response->content_type, "application/json", 16) != 0)
		fault->message = psprintf("%s (content type %s)",
								  fault->message, response->content_type);
	return false;
}

bool
inf_flight_is_refused(const Flight *flight, const InferenceFault *fault)
{
	int			status = inf_http_response(flight->transfer)->status;

	return (fault->kind == INF_FAULT_REJECTED && (status == 400 || status == 422)) ||
		inf_flight_is_too_long(flight, fault);
}

bool
inf_flight_is_too_long(const Flight *flight, const InferenceFault *fault)
{
	const HttpResponse *response = inf_http_response(flight->transfer);

	return response->outcome == HTTP_ANSWERED &&
		inf_service_says_too_long(flight->exchange->service, response->status,
								  fault->message);
}
