/*
 * service_registry.c
 *		Finds services by name.
 */
#include "postgres.h"

#include "service/service.h"

static const InferenceServiceOps *const services[] = {
#define INFERENCE_SERVICE(symbol) &inf_service_##symbol,
#include "service/service_list.h"
#undef INFERENCE_SERVICE
	NULL
};

const InferenceServiceOps *
inf_service_find(const char *name)
{
	for (int i = 0; services[i]; i++)
		if (strcmp(services[i]->name, name) == 0)
			return services[i];
	return NULL;
}

/* ASCII letters in any case: servers and their versions differ in that. */
static bool
contains(const char *text, const char *words)
{
	size_t		length = strlen(words);

	for (; *text; text++)
		if (pg_strncasecmp(text, words, length) == 0)
			return true;
	return false;
}

bool
inf_service_says_too_long(const InferenceServiceOps *service, int status,
						  const char *words)
{
	if (status == 413)
		return true;
	for (const TooLongWords *row = service->too_long; row && row->words && words; row++)
		for (int i = 0; i < lengthof(row->statuses); i++)
			if (row->statuses[i] == status && contains(words, row->words))
				return true;
	return false;
}

const char *
inf_service_url_hint(const InferenceServiceOps *service, const char *url,
					 int status)
{
	bool		is_elsewhere = status == 404 || status == 405 ||
		(status >= 200 && status <= 299);

	return is_elsewhere && service->url_hint ? service->url_hint(url) : NULL;
}

const InferenceServiceOps *const *
inf_service_all(void)
{
	return services;
}
