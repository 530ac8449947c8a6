/*
 * hub.h
 *		Fetches files of a repository from the hub.
 */
#ifndef INFERENCE_PROGRAM_HUB_H
#define INFERENCE_PROGRAM_HUB_H

#include "program/hub_listing.h"
#include "program/hub_transfer.h"

typedef struct Hub
{
	HubTransfer *transfer;
	const char *endpoint;		/* without a slash at its end */
	const char *repository;
	const char *revision;		/* a branch, a tag, a commit */
	bool		has_token;
	int			max_retries;	/* of one file, without getting on */
	int			retry_delay_ms; /* before the first; then twice as long */
	bool		shows_progress;
} Hub;

/* The caller frees the listing. */
extern bool inf_hub_list(const Hub *hub, HubListing *listing, EngineError *error);

/*
 * Brings a file of the listing into folder, unless the same is there, and sets
 * its state.  What a transfer that broke off, or was ended, has left in
 * "<name>.part" is gone on with.  The file has its name when it is complete,
 * verified and on disk, not before.
 */
extern bool inf_hub_fetch(const Hub *hub, const HubListing *listing, HubFile *file,
						  const char *folder, EngineError *error);

/*
 * For those two: gets url, and again where that may help, each time from *at
 * on, where the sink counts.  what is for messages.  If the sink stops it, the
 * sink says why.
 */
extern bool inf_hub_get(const Hub *hub, const char *url, const char *what,
						const HubSink *sink, const int64_t *at,
						EngineError *error);

#endif							/* INFERENCE_PROGRAM_HUB_H */
