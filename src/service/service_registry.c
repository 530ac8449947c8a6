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

const InferenceServiceOps *const *
inf_service_all(void)
{
	return services;
}
