/*
 * hub_choose.c
 *		Which files of a repository an engine needs.
 *
 * Repositories hold the same weights in many formats: taking all of it would
 * be ten times as much.
 */
#include "program/hub_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mapped_file.h"
#include "json/json_tree.h"

#define WEIGHTS "model.safetensors"
#define WEIGHTS_INDEX "model.safetensors.index.json"
#define MODULES "modules.json"
#define ROUTES "router_config.json"
#define MAX_DEPTH 32

/* Taken where they are there; those for people only if they are small. */
static const char *const engine_names[] = {
	"config.json", MODULES, ROUTES, "sentence_bert_config.json", "tokenizer.json",
	"tokenizer_config.json", "vocab.txt", "special_tokens_map.json", "idf.json",
};
static const char *const people_names[] = {
	"README.md", "LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE",
};
#define MAX_PEOPLE_BYTES (1024 * 1024)

/* Whether the file is read here. */
static bool
is_naming(const char *name)
{
	static const char *const names[] = HUB_NAMING_FILES;

	for (size_t i = 0; names[i]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* False if there is none of that name, or it could not be verified. */
static bool
choose(HubListing *listing, const char *name, EngineError *error)
{
	HubFile    *file = inf_hub_listing_find(listing, name);

	if (file == NULL)
		return inf_engine_fail(error, ENGINE_UNSUPPORTED,
							   "the repository has no \"%.100s\"", name);
	if (file->size < 0 || !file->has_digest)
		return inf_engine_fail(error, ENGINE_BAD_FILE,
							   "the hub does not say what \"%.100s\" is: its size or its digest is missing",
							   name);
	if (is_naming(name) && file->size > HUB_MAX_JSON_BYTES)
		return inf_engine_fail(error, ENGINE_BAD_FILE,
							   "file \"%s\" of the repository is larger than %d bytes",
							   name, HUB_MAX_JSON_BYTES);
	file->is_chosen = true;
	return true;
}

/* As choose(), but none of that name is no fault. */
static bool
choose_if_there(HubListing *listing, const char *name, EngineError *error)
{
	return inf_hub_listing_find(listing, name) == NULL || choose(listing, name, error);
}

static bool
choose_weights(HubListing *listing, EngineError *error)
{
	static const char *const others[] = {
		"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5",
		"flax_model.msgpack", "model.onnx", "onnx/model.onnx",
	};

	if (inf_hub_listing_find(listing, WEIGHTS))
		return choose(listing, WEIGHTS, error);
	if (inf_hub_listing_find(listing, WEIGHTS_INDEX))
		return choose(listing, WEIGHTS_INDEX, error);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (inf_hub_listing_find(listing, others[i]))
			return inf_engine_fail(error, ENGINE_UNSUPPORTED,
								   "the repository has no \"" WEIGHTS "\", only \"%s\", which the engine does not read: look for a revision that has it (the model's page lists them under \"Community\", as refs/pr/1), or for another copy of the model, or save it in safetensors format yourself",
								   others[i]);
	return choose(listing, WEIGHTS, error);
}

bool
inf_hub_choose(HubListing *listing, EngineError *error)
{
	for (int i = 0; i < listing->nfiles; i++)
		listing->files[i].is_chosen = false;
	if (!choose(listing, "config.json", error) || !choose_weights(listing, error))
		return false;
	if (!inf_hub_listing_find(listing, "tokenizer.json") &&
		!inf_hub_listing_find(listing, "vocab.txt"))
		return inf_engine_fail(error, ENGINE_UNSUPPORTED,
							   "the repository has neither \"tokenizer.json\" nor \"vocab.txt\": the engine cannot read this model");
	for (size_t i = 0; i < sizeof(engine_names) / sizeof(*engine_names); i++)
		if (!choose_if_there(listing, engine_names[i], error))
			return false;
	for (size_t i = 0; i < sizeof(people_names) / sizeof(*people_names); i++)
	{
		HubFile    *file = inf_hub_listing_find(listing, people_names[i]);

		if (file && file->size >= 0 && file->size <= MAX_PEOPLE_BYTES && file->has_digest)
			file->is_chosen = true;
	}
	return true;
}

/* --- Files that name others ---------------------------------------------- */

typedef struct Naming
{
	HubListing *listing;
	const char *file;			/* that names others */
	EngineError *error;
} Naming;

static bool
choose_shard(void *context, const char *tensor, const JsonTree *value)
{
	const Naming *naming = context;
	const char *name = inf_json_tree_string(value);

	if (name == NULL || !inf_hub_is_safe_name(name) || strchr(name, '/'))
		return inf_engine_fail(naming->error, ENGINE_BAD_FILE,
							   "file \"%s\" of the repository names a file \"%.100s\", which is not the name of a file in its folder",
							   naming->file, name ? name : "");
	return choose(naming->listing, name, naming->error);
}

static bool
choose_shards(Naming *naming, const JsonTree *root)
{
	const JsonTree *map = inf_json_tree_member(root, "weight_map");

	if (inf_json_tree_count(map) == 0)
		return inf_engine_fail(naming->error, ENGINE_BAD_FILE,
							   "file \"%s\" of the repository names no files", naming->file);
	return inf_json_tree_each(map, choose_shard, naming);
}

/* The configuration of a module, if it has a folder. */
static bool
choose_module(void *context, const char *path, const JsonTree *value)
{
	const Naming *naming = context;
	char		name[HUB_MAX_NAME_BYTES + sizeof("/config.json")];

	if (path[0] == '\0')
		return true;
	if (!inf_hub_is_safe_name(path))
		return inf_engine_fail(naming->error, ENGINE_BAD_FILE,
							   "file \"%s\" of the repository names a folder \"%.100s\", which is not the name of a folder in it",
							   naming->file, path);
	(void) snprintf(name, sizeof(name), "%.*s/config.json", HUB_MAX_NAME_BYTES, path);
	return choose_if_there(naming->listing, name, naming->error);
}

static bool
choose_modules(Naming *naming, const JsonTree *root)
{
	for (size_t i = 0; i < inf_json_tree_count(root); i++)
	{
		const JsonTree *module = inf_json_tree_element(root, i);
		const char *path = inf_json_tree_string(inf_json_tree_member(module, "path"));

		if (!choose_module(naming, path ? path : "", module))
			return false;
	}
	return true;
}

static bool
choose_routed_modules(Naming *naming, const JsonTree *root)
{
	return inf_json_tree_each(inf_json_tree_member(root, "types"), choose_module, naming);
}

/* Reads the file from folder if it is chosen, and hands it to read. */
static bool
read_naming(HubListing *listing, const char *folder, const char *name,
			bool (*read) (Naming *naming, const JsonTree *root), EngineError *error)
{
	const HubFile *file = inf_hub_listing_find(listing, name);
	Naming		naming = {listing, name, error};
	MappedFile	mapped = {0};
	JsonTree   *root = NULL;
	const char *reason;
	char	   *path;
	bool		good;

	if (file == NULL || !file->is_chosen)
		return true;
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
	good = inf_mapped_file_open(&mapped, path, error);
	free(path);
	if (!good)
		return false;
	if (!inf_json_tree_parse(mapped.bytes, mapped.size, MAX_DEPTH, &root, &reason))
		good = inf_engine_fail(error, ENGINE_BAD_FILE,
							   "file \"%s\" of the repository is not valid JSON: %s",
							   name, reason);
	else
		good = read(&naming, root);
	inf_json_tree_free(root);
	inf_mapped_file_close(&mapped);
	return good;
}

bool
inf_hub_choose_named(HubListing *listing, const char *folder, EngineError *error)
{
	return read_naming(listing, folder, MODULES, choose_modules, error) &&
		read_naming(listing, folder, ROUTES, choose_routed_modules, error) &&
		read_naming(listing, folder, WEIGHTS_INDEX, choose_shards, error);
}
