/*
 * endpoint.h
 *		What this session has learned of the servers that it asks.
 */
#ifndef INFERENCE_PIPELINE_ENDPOINT_H
#define INFERENCE_PIPELINE_ENDPOINT_H

#include "postgres.h"

#include "pipeline/pace.h"

typedef struct Endpoint
{
	uint64		url_hash;		/* key */
	int			max_inputs;		/* most texts that it took after refusing more;
								 * 0: has never refused */
	Pace		pace;			/* how much it is asked at a time */
} Endpoint;

/* The endpoint behind a URL; lives as long as the session. */
extern Endpoint *inf_endpoint_of(const char *url);

#endif							/* INFERENCE_PIPELINE_ENDPOINT_H */
