/*
 * endpoint.c
 *		What this session has learned of the servers that it asks.
 *
 * Known by a hash of the URL: should two ever meet, one is asked in a way that
 * the other likes, and says so.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/hsearch.h"

#include "pipeline/endpoint.h"

static HTAB *endpoints = NULL;

Endpoint *
inf_endpoint_of(const char *url)
{
	uint64		url_hash = hash_bytes_extended((const unsigned char *) url,
											   strlen(url), 0);
	Endpoint   *endpoint;
	bool		found;

	if (endpoints == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(uint64),
			.entrysize = sizeof(Endpoint)
		};

		endpoints = hash_create("inference endpoints", 16, &control,
								HASH_ELEM | HASH_BLOBS);
	}
	endpoint = hash_search(endpoints, &url_hash, HASH_ENTER, &found);
	if (!found)
	{
		endpoint->max_inputs = 0;
		inf_pace_init(&endpoint->pace);
	}
	return endpoint;
}
