/*
 * hub_listing.h
 *		What the hub says of a repository, and which of its files an engine
 *		needs.  Nothing of it is trusted: names are looked at before they become
 *		paths, and there are limits.
 */
#ifndef INFERENCE_PROGRAM_HUB_LISTING_H
#define INFERENCE_PROGRAM_HUB_LISTING_H

#include <stddef.h>

#include "program/hub_digest.h"

/* Of a listing, and of files that name others: real ones have some kB. */
#define HUB_MAX_JSON_BYTES (16 * 1024 * 1024)

/* Of a file's name, folders included. */
#define HUB_MAX_NAME_BYTES 255

typedef enum HubFileState
{
	HUB_FILE_AT_HUB,
	HUB_FILE_FOUND,				/* the same one was there already */
	HUB_FILE_FETCHED
} HubFileState;

typedef struct HubFile
{
	char	   *name;			/* as "1_Pooling/config.json" */
	int64_t		size;			/* bytes; -1: the hub does not say */
	HubDigest	digest;
	bool		has_digest;
	bool		is_chosen;
	HubFileState state;
} HubFile;

typedef struct HubListing
{
	char		commit[41];
	char		licence[64];	/* "unknown" if the hub names none */
	bool		is_gated;
	HubFile    *files;			/* (nfiles) */
	int			nfiles;
} HubListing;

/*
 * Whether it is a name as the hub gives them to repositories: "owner/name", or
 * "name" of old ones.
 */
extern bool inf_hub_is_repository(const char *name);

/*
 * Whether name can be a path below a folder that it cannot leave: no part of
 * it is empty or begins with a dot, there is no backslash and no control
 * character.
 */
extern bool inf_hub_is_safe_name(const char *name);

/* Reads an answer; what it holds is freed by inf_hub_listing_free(). */
extern bool inf_hub_listing_read(HubListing *listing, const char *bytes,
								 size_t length, EngineError *error);
extern void inf_hub_listing_free(HubListing *listing);

/* NULL if there is no such file. */
extern HubFile *inf_hub_listing_find(const HubListing *listing, const char *name);

/* Files that name others. */
#define HUB_NAMING_FILES \
	{"modules.json", "router_config.json", "model.safetensors.index.json", NULL}

/*
 * Sets is_chosen of all files that are needed by their names, and of none else.
 * When the chosen HUB_NAMING_FILES are in folder, the files that they name are
 * chosen by the next function.  False if the engine could not run the model for
 * want of a file, and why.
 */
extern bool inf_hub_choose(HubListing *listing, EngineError *error);
extern bool inf_hub_choose_named(HubListing *listing, const char *folder,
								 EngineError *error);

#endif							/* INFERENCE_PROGRAM_HUB_LISTING_H */
