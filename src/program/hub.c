/*
 * hub.c
 *		Asks the hub, patiently, and says in words what it answers.
 */
#include "program/hub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "program/command.h"

/* Nobody waits longer at a prompt; the part that is there is kept. */
#define MAX_DELAY_MS 60000

/* A transfer that brought so much has got on: it may break off again. */
#define ENOUGH_BYTES (1024 * 1024)

/* --- Errors in words ----------------------------------------------------- */

static bool
fail_locked(const Hub *hub, const HubAnswer *answer, EngineError *error)
{
	if (strcmp(answer->code, "GatedRepo") == 0 || answer->status == 403)
		return inf_engine_fail(error, ENGINE_NO_FILE,
							   "repository \"%s\" is gated (HTTP status %d): accept its conditions at %s/%s, and set HF_TOKEN to a token of that account%s",
							   hub->repository, answer->status, hub->endpoint, hub->repository,
							   hub->has_token ? "; the token that was sent has no access" : "");
	if (hub->has_token)
		return inf_engine_fail(error, ENGINE_NO_FILE,
							   "the hub does not show repository \"%s\" to the token that was sent (HTTP status 401): check the name, and HF_TOKEN",
							   hub->repository);
	return inf_engine_fail(error, ENGINE_NO_FILE,
						   "the hub has no repository \"%s\" that it shows to everybody (HTTP status 401): check the name, and set HF_TOKEN if it is private",
						   hub->repository);
}

static bool
fail_status(const Hub *hub, const char *what, const HubAnswer *answer,
			EngineError *error)
{
	if (answer->status == 401 || answer->status == 403)
		return fail_locked(hub, answer, error);
	if (answer->status == 404 && strcmp(answer->code, "RevisionNotFound") == 0)
		return inf_engine_fail(error, ENGINE_NO_FILE,
							   "repository \"%s\" has no revision \"%s\"",
							   hub->repository, hub->revision);
	if (answer->status == 404)
		return inf_engine_fail(error, ENGINE_NO_FILE,
							   "could not find %s at %s: check the names of the repository, \"%s\", and the revision, \"%s\"",
							   what, answer->host, hub->repository, hub->revision);
	return inf_engine_fail(error, ENGINE_NO_FILE, "could not fetch %s: %s answered with HTTP status %d%s",
						   what, answer->host, answer->status,
						   answer->status == 429 ? ", too many requests: try again later" : "");
}

static bool
fail_get(const Hub *hub, const char *what, const HubAnswer *answer, EngineError *error)
{
	if (answer->problem[0])
		return inf_engine_fail(error, ENGINE_NO_FILE, "could not fetch %s from %s: %s",
							   what, answer->host, answer->problem);
	return fail_status(hub, what, answer, error);
}

/* --- Patience ------------------------------------------------------------ */

/* Milliseconds before try n, counted from 1; -1 if that would be too long. */
static int64_t
delay_before(const Hub *hub, const HubAnswer *answer, int n)
{
	const int64_t wanted = answer->retry_after_s * 1000;
	int64_t		delay = (int64_t) hub->retry_delay_ms << (n < 10 ? n - 1 : 9);

	if (answer->retry_after_s > MAX_DELAY_MS / 1000)
		return -1;
	if (delay > MAX_DELAY_MS)
		delay = MAX_DELAY_MS;
	return delay > wanted ? delay : wanted;
}

/* Says why, and waits. */
static void
wait_to_retry(const char *what, const HubAnswer *answer, int64_t delay)
{
	struct timespec time = {.tv_sec = delay / 1000, .tv_nsec = delay % 1000 * 1000000};

	if (answer->problem[0])
		inf_complain("%s: %s; trying again in %.1f s", what, answer->problem, delay / 1e3);
	else
		inf_complain("%s: HTTP status %d; trying again in %.1f s", what, answer->status, delay / 1e3);
	while (nanosleep(&time, &time) != 0)
		continue;
}

bool
inf_hub_get(const Hub *hub, const char *url, const char *what, const HubSink *sink,
			const int64_t *at, EngineError *error)
{
	int			nretries = 0;
	bool		wants_all = false;

	for (;;)
	{
		const int64_t offset = wants_all ? 0 : *at;
		HubAnswer	answer;
		int64_t		delay;

		if (inf_hub_transfer_get(hub->transfer, url, offset, sink, &answer))
			return true;
		if (answer.is_stopped)
			return false;
		wants_all = answer.is_range_refused && offset > 0;
		if (wants_all)
			continue;
		if (*at - offset >= ENOUGH_BYTES)
			nretries = 0;
		nretries++;
		delay = delay_before(hub, &answer, nretries);
		if (!answer.may_pass || nretries > hub->max_retries || delay < 0)
			return fail_get(hub, what, &answer, error);
		wait_to_retry(what, &answer, delay);
	}
}

/* --- The listing --------------------------------------------------------- */

typedef struct Memory
{
	char	   *bytes;
	int64_t		length;
	int64_t		capacity;
	int64_t		at;				/* nothing is kept from one try to the next */
	EngineError *error;
} Memory;

static bool
begin_memory(void *context, int64_t offset)
{
	((Memory *) context)->length = 0;
	return true;
}

static bool
take_memory(void *context, const char *bytes, size_t n)
{
	Memory	   *memory = context;

	if (n > HUB_MAX_JSON_BYTES - memory->length)
		return inf_engine_fail(memory->error, ENGINE_BAD_FILE,
							   "the hub's answer is larger than %d bytes", HUB_MAX_JSON_BYTES);
	if (memory->length + n > memory->capacity)
	{
		const int64_t capacity = 2 * (memory->length + n);
		char	   *larger = realloc(memory->bytes, capacity);

		if (larger == NULL)
			return inf_engine_fail(memory->error, ENGINE_NO_MEMORY, "out of memory");
		memory->bytes = larger;
		memory->capacity = capacity;
	}
	memcpy(memory->bytes + memory->length, bytes, n);
	memory->length += n;
	return true;
}

bool
inf_hub_list(const Hub *hub, HubListing *listing, EngineError *error)
{
	Memory		memory = {.error = error};
	const HubSink sink = {begin_memory, take_memory, &memory};
	char	   *revision = inf_hub_escape(hub->revision);
	char	   *url;
	char		what[128];
	bool		good;

	if (revision == NULL ||
		asprintf(&url, "%s/api/models/%s/revision/%s?blobs=true",
				 hub->endpoint, hub->repository, revision) < 0)
	{
		free(revision);
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	}
	free(revision);
	(void) snprintf(what, sizeof(what), "repository \"%.100s\"", hub->repository);
	good = inf_hub_get(hub, url, what, &sink, &memory.at, error) &&
		inf_hub_listing_read(listing, memory.bytes ? memory.bytes : "", memory.length, error);
	free(url);
	free(memory.bytes);
	return good;
}
