/*
 * command_fetch.c
 *		inference-engine fetch: a model from the Hugging Face hub.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/model_config.h"
#include "program/command.h"
#include "program/hub.h"
#include "program/hub_token.h"

#define DEFAULT_ENDPOINT "https://huggingface.co"

static const char help[] =
"inference-engine fetch REPOSITORY [--revision R] [--to FOLDER] [--proxy URL]\n"
"                       [--retries N] [--retry-delay-ms N]\n"
"\n"
"Downloads a model from the Hugging Face hub: the files of the repository that\n"
"the engine needs, the licence and the model card. Read the licence before you\n"
"use the model. Every file is verified; files that exist already are not fetched\n"
"again, and a transfer that broke off, or that you interrupted, is continued.\n"
"\n"
"  --revision R     a branch, a tag or a commit (default main)\n"
"  --to FOLDER      where to put it (default: what follows the slash)\n"
"  --proxy URL      a proxy, instead of the one in the environment\n"
"  --retries N      how often to retry without progress (default 4)\n"
"  --retry-delay-ms N\n"
"                   delay before the first retry; it doubles (default 1000)\n"
"\n"
"Environment variables: HF_ENDPOINT, another hub; HF_TOKEN, your token for\n"
"repositories that require one, or HF_TOKEN_PATH, a file that contains it\n"
"(default: the one that the hub's own tools have stored); https_proxy,\n"
"http_proxy, no_proxy; CURL_CA_BUNDLE, a file of authorities to use instead of\n"
"the system's. The token is sent to the hub, but not to the storage that the hub\n"
"redirects to for large files.\n"
"\n"
"For example:\n"
"\n"
"  inference-engine fetch sentence-transformers/all-MiniLM-L6-v2\n"
"  inference-engine inspect all-MiniLM-L6-v2\n";

typedef struct FetchOptions
{
	Hub			hub;
	HubTransferOptions transfer;
	char		endpoint[512];
	char		token[HUB_MAX_TOKEN_BYTES];
	const char *folder;
} FetchOptions;

/* --- What is printed ----------------------------------------------------- */

static void
write_size(int64_t size, char text[32])
{
	if (size < 1000)
		(void) snprintf(text, 32, "%" PRId64 " B", size);
	else if (size < 1000000)
		(void) snprintf(text, 32, "%.1f kB", size / 1e3);
	else
		(void) snprintf(text, 32, "%.1f MB", size / 1e6);
}

static void
print_heading(const FetchOptions *options, const HubListing *listing)
{
	int64_t		total = 0;
	int			nfiles = 0;
	char		text[32];

	for (int i = 0; i < listing->nfiles; i++)
		if (listing->files[i].is_chosen)
		{
			nfiles++;
			total += listing->files[i].size;
		}
	write_size(total, text);
	printf("repository      %s\n", options->hub.repository);
	printf("revision        %s\n", options->hub.revision);
	printf("commit          %s\n", listing->commit);
	printf("licence         %s%s\n", listing->licence,
		   listing->is_gated ? ", gated" : "");
	printf("folder          %s\n", options->folder);
	printf("files           %d of %d, %s\n\n", nfiles, listing->nfiles, text);
}

static void
print_file(const HubFile *file)
{
	char		text[32];

	write_size(file->size, text);
	printf("%-40s %10s  %s\n", file->name, text,
		   file->state == HUB_FILE_FOUND ? "was there" : "fetched");
}

/* --- Fetching ------------------------------------------------------------ */

static bool
is_weights(const HubFile *file)
{
	const size_t length = strlen(file->name);

	return length > 12 && strcmp(file->name + length - 12, ".safetensors") == 0;
}

/* Those files that say what others are needed. */
static bool
fetch_naming(const FetchOptions *options, HubListing *listing, EngineError *error)
{
	static const char *const names[] = HUB_NAMING_FILES;

	for (size_t i = 0; names[i]; i++)
	{
		HubFile    *file = inf_hub_listing_find(listing, names[i]);

		if (file && file->is_chosen &&
			!inf_hub_fetch(&options->hub, listing, file, options->folder, error))
			return false;
	}
	return inf_hub_choose_named(listing, options->folder, error);
}

/* Weights, or all but weights. */
static bool
fetch_chosen(const FetchOptions *options, HubListing *listing, bool weights,
			 EngineError *error)
{
	for (int i = 0; i < listing->nfiles; i++)
	{
		HubFile    *file = &listing->files[i];

		if (!file->is_chosen || is_weights(file) != weights)
			continue;
		if (file->state == HUB_FILE_AT_HUB &&
			!inf_hub_fetch(&options->hub, listing, file, options->folder, error))
			return false;
		print_file(file);
		if (fflush(stdout) != 0)
			return inf_engine_fail(error, ENGINE_NO_FILE, "could not write answers: %s",
								   strerror(errno));
	}
	return true;
}

/*
 * Small files come first: a network that the engine cannot run is found out
 * before its weights are here.
 */
static bool
fetch_all(const FetchOptions *options, HubListing *listing, EngineError *error)
{
	ModelConfig config;

	if (!inf_hub_choose(listing, error) || !fetch_naming(options, listing, error))
		return false;
	print_heading(options, listing);
	return fetch_chosen(options, listing, false, error) &&
		inf_model_config_read(&config, options->folder, error) &&
		fetch_chosen(options, listing, true, error);
}

static int
fetch(FetchOptions *options)
{
	EngineError error = {0};
	HubListing	listing = {0};
	int			status = EXIT_FAILED;

	options->hub.transfer = inf_hub_transfer_open(&options->transfer, &error);
	if (options->hub.transfer &&
		inf_hub_list(&options->hub, &listing, &error) &&
		fetch_all(options, &listing, &error))
	{
		printf("\nTry: inference-engine inspect %s\n", options->folder);
		status = inf_flush_answers() ? EXIT_GOOD : EXIT_FAILED;
	}
	else
		inf_complain("%s", error.message);
	inf_hub_listing_free(&listing);
	inf_hub_transfer_close(options->hub.transfer);
	return status;
}

/* --- Options ------------------------------------------------------------- */

/* The hub's address, and who we are there; EXIT_GOOD, or after a complaint. */
static int
read_environment(FetchOptions *options)
{
	const char *endpoint = getenv("HF_ENDPOINT");
	const char *ca_bundle = getenv("CURL_CA_BUNDLE");
	EngineError error;
	bool		is_private = false;
	size_t		length;

	if (endpoint == NULL || endpoint[0] == '\0')
		endpoint = DEFAULT_ENDPOINT;
	length = strlen(endpoint);
	while (length > 0 && endpoint[length - 1] == '/')
		length--;
	(void) snprintf(options->endpoint, sizeof(options->endpoint), "%.*s",
					(int) (length < 500 ? length : 500), endpoint);
	if (length > 500 || !inf_hub_check_endpoint(options->endpoint, &is_private))
		return inf_complain_usage("fetch", "HF_ENDPOINT is not the address of a hub, as " DEFAULT_ENDPOINT " is");
	if (!inf_hub_token_read(options->token, &error))
	{
		inf_complain("%s", error.message);
		return EXIT_FAILED;
	}
	if (options->token[0] && !is_private)
	{
		inf_complain("the token is not sent: HF_ENDPOINT is not https, and anyone on the way could read it");
		options->token[0] = '\0';
	}
	options->hub.endpoint = options->transfer.endpoint = options->endpoint;
	options->hub.has_token = options->token[0] != '\0';
	options->transfer.token = options->hub.has_token ? options->token : NULL;
	options->transfer.ca_bundle = ca_bundle && ca_bundle[0] ? ca_bundle : NULL;
	return EXIT_GOOD;
}

/* EXIT_GOOD, or after a complaint. */
static int
read_arguments(int argc, char **argv, FetchOptions *options)
{
	const char *slash;

	if (argc - optind != 1)
		return inf_complain_usage("fetch", argc == optind ?
								  "the name of a repository is missing" :
								  "there is more than one repository");
	if (!inf_hub_is_repository(argv[optind]))
		return inf_complain_usage("fetch", "\"%s\" is not the name of a repository, such as owner/name",
								  argv[optind]);
	if (options->hub.revision[0] == '\0' || !inf_hub_is_safe_name(options->hub.revision))
		return inf_complain_usage("fetch", "\"%s\" is not the name of a revision",
								  options->hub.revision);
	options->hub.repository = argv[optind];
	slash = strchr(argv[optind], '/');
	if (options->folder == NULL)
		options->folder = slash ? slash + 1 : argv[optind];
	return options->folder[0] ? EXIT_GOOD :
		inf_complain_usage("fetch", "the name of the folder is empty");
}

int
inf_command_fetch(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"help", no_argument, NULL, 'h'},
		{"proxy", required_argument, NULL, 'x'},
		{"retries", required_argument, NULL, 'n'},
		{"retry-delay-ms", required_argument, NULL, 'd'},
		{"revision", required_argument, NULL, 'r'},
		{"to", required_argument, NULL, 'o'},
		{0}
	};
	FetchOptions options = {
		.hub = {
			.revision = "main", .max_retries = 4, .retry_delay_ms = 1000,
			.shows_progress = isatty(STDERR_FILENO)
		}
	};
	int			option;
	int			status;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
	{
		switch (option)
		{
			case 'h':
				return inf_print_help(help);
			case 'x':
				options.transfer.proxy = optarg;
				break;
			case 'n':
				if (!inf_read_number("fetch", "number of retries", optarg, 0, 1000, &options.hub.max_retries))
					return EXIT_USAGE;
				break;
			case 'd':
				if (!inf_read_number("fetch", "number of milliseconds", optarg, 0, 60000, &options.hub.retry_delay_ms))
					return EXIT_USAGE;
				break;
			case 'r':
				options.hub.revision = optarg;
				break;
			case 'o':
				options.folder = optarg;
				break;
			default:
				return inf_refer_to_help("fetch");
		}
	}
	status = read_arguments(argc, argv, &options);
	if (status == EXIT_GOOD)
		status = read_environment(&options);
	if (status == EXIT_GOOD)
		status = fetch(&options);
	explicit_bzero(options.token, sizeof(options.token));
	return status;
}
