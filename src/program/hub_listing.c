/*
 * hub_listing.c
 *		What the hub says of a repository.
 */
#include "program/hub_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json_tree.h"

#define MAX_DEPTH 64
#define MAX_REPOSITORY_PART 96

bool
inf_hub_is_safe_name(const char *name)
{
	bool		at_begin = true;

	if (strlen(name) > HUB_MAX_NAME_BYTES)
		return false;
	for (const unsigned char *c = (const unsigned char *) name; *c; c++)
	{
		if (*c < ' ' || *c == 0x7f || *c == '\\' ||
			(at_begin && (*c == '/' || *c == '.')))
			return false;
		at_begin = *c == '/';
	}
	return !at_begin;
}

bool
inf_hub_is_repository(const char *name)
{
	const char *slash = strchr(name, '/');
	const char *last = slash ? slash + 1 : name;

	return inf_hub_is_safe_name(name) &&
		name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789-_./")] == '\0' &&
		strchr(last, '/') == NULL && name[0] != '-' && last[0] != '-' &&
		strlen(last) <= MAX_REPOSITORY_PART &&
		(slash == NULL || slash - name <= MAX_REPOSITORY_PART);
}

/* What is fit to be printed of a name that somebody made up. */
static void
copy_printable(char *to, size_t size, const char *from)
{
	size_t		length = 0;

	for (; *from && length + 1 < size; from++)
		to[length++] = *from >= ' ' && *from < 0x7f ? *from : '?';
	to[length] = '\0';
}

/* From the card of the model, else from its tags. */
static void
read_licence(HubListing *listing, const JsonTree *root)
{
	const JsonTree *card = inf_json_tree_member(root, "cardData");
	const JsonTree *tags = inf_json_tree_member(root, "tags");
	const JsonTree *member = inf_json_tree_member(card, "license");
	const char *licence = inf_json_tree_string(inf_json_tree_is_array(member) ?
											   inf_json_tree_element(member, 0) : member);

	for (size_t i = 0; licence == NULL && i < inf_json_tree_count(tags); i++)
	{
		const char *tag = inf_json_tree_string(inf_json_tree_element(tags, i));

		if (tag && strncmp(tag, "license:", 8) == 0)
			licence = tag + 8;
	}
	copy_printable(listing->licence, sizeof(listing->licence),
				   licence && licence[0] ? licence : "unknown");
}

/* What lies in the hub's large storage has a sha256, the rest is git's. */
static bool
read_file(HubFile *file, const JsonTree *sibling)
{
	const char *name = inf_json_tree_string(inf_json_tree_member(sibling, "rfilename"));
	const JsonTree *size = inf_json_tree_member(sibling, "size");
	const JsonTree *lfs = inf_json_tree_member(sibling, "lfs");
	const JsonTree *blob = inf_json_tree_member(sibling, "blobId");

	file->size = -1;
	if (lfs && inf_json_tree_member(lfs, "size"))
		size = inf_json_tree_member(lfs, "size");
	if (size && (!inf_json_tree_integer(size, &file->size) || file->size < 0))
		file->size = -1;
	file->has_digest = lfs ?
		inf_hub_digest_read(&file->digest, HUB_DIGEST_SHA256,
							inf_json_tree_string(inf_json_tree_member(lfs, "sha256"))) :
		inf_hub_digest_read(&file->digest, HUB_DIGEST_GIT, inf_json_tree_string(blob));
	file->name = strdup(name ? name : "");
	return file->name != NULL;
}

static bool
read_files(HubListing *listing, const JsonTree *root, EngineError *error)
{
	const JsonTree *siblings = inf_json_tree_member(root, "siblings");
	const size_t count = inf_json_tree_count(siblings);

	if (!inf_json_tree_is_array(siblings))
		return inf_engine_fail(error, ENGINE_BAD_FILE, "the hub's answer names no files");
	listing->files = calloc(count + 1, sizeof(*listing->files));
	if (listing->files == NULL)
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (read_file(&listing->files[i], inf_json_tree_element(siblings, i)))
			listing->nfiles++;
		else
			return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	return true;
}

static bool
read_commit(HubListing *listing, const JsonTree *root, EngineError *error)
{
	HubDigest	commit;

	if (!inf_hub_digest_read(&commit, HUB_DIGEST_GIT,
							 inf_json_tree_string(inf_json_tree_member(root, "sha"))))
		return inf_engine_fail(error, ENGINE_BAD_FILE, "the hub's answer names no commit");
	memcpy(listing->commit, commit.digits, sizeof(listing->commit));
	return true;
}

/* False, "auto" or "manual". */
static bool
is_gated(const JsonTree *root)
{
	const JsonTree *gated = inf_json_tree_member(root, "gated");
	bool		boolean = false;

	return inf_json_tree_string(gated) ||
		(inf_json_tree_boolean(gated, &boolean) && boolean);
}

bool
inf_hub_listing_read(HubListing *listing, const char *bytes, size_t length,
					 EngineError *error)
{
	JsonTree   *root;
	const char *reason;
	bool		good;

	memset(listing, 0, sizeof(*listing));
	if (!inf_json_tree_parse(bytes, length, MAX_DEPTH, &root, &reason))
		return inf_engine_fail(error, ENGINE_BAD_FILE,
							   "the hub's answer is not valid JSON: %s", reason);
	listing->is_gated = is_gated(root);
	read_licence(listing, root);
	good = read_commit(listing, root, error) && read_files(listing, root, error);
	inf_json_tree_free(root);
	if (!good)
		inf_hub_listing_free(listing);
	return good;
}

void
inf_hub_listing_free(HubListing *listing)
{
	for (int i = 0; i < listing->nfiles; i++)
		free(listing->files[i].name);
	free(listing->files);
	memset(listing, 0, sizeof(*listing));
}

HubFile *
inf_hub_listing_find(const HubListing *listing, const char *name)
{
	for (int i = 0; i < listing->nfiles; i++)
		if (strcmp(listing->files[i].name, name) == 0)
			return &listing->files[i];
	return NULL;
}
