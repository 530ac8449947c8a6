/*
 * model_config.c
 *		What a Hugging Face model folder says of the network.
 *
 * What is absent has the value that the classes of Hugging Face's transformers
 * give it.  A folder without modules.json is read as sentence-transformers
 * reads it: a model with a masked-language head is sparse, another one is
 * pooled by mean and not normalised.
 */
#include "engine/model_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/mapped_file.h"
#include "json/json_tree.h"

/* Files of configuration have a few kB; these limits are for those that lie. */
#define MAX_FILE_BYTES (16 * 1024 * 1024)
#define MAX_FILE_DEPTH 32

/* idf.json holds a number for each token: here it only has to be there. */
#define IDF_FILE "idf.json"

/* What a model with routes, for documents and for queries, says of them. */
#define ROUTER_FILE "router_config.json"

typedef struct Reader
{
	const char *folder;
	ModelConfig *config;
	EngineError *error;

	/* The file that is read */
	const char *file;
	JsonTree   *tree;
} Reader;

/* --- Files and members --------------------------------------------------- */

static bool
fail(Reader *reader, EngineErrorCode code, const char *format,...)
__attribute__((format(printf, 3, 4)));

/* Says which file it is about. */
static bool
fail(Reader *reader, EngineErrorCode code, const char *format,...)
{
	char		what[400];
	va_list		args;

	va_start(args, format);
	(void) vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return inf_engine_fail(reader->error, code, "file \"%s\" of the model: %s",
						   reader->file, what);
}

/* The caller frees it; NULL if memory is out. */
static char *
path_of(const Reader *reader, const char *file)
{
	char	   *path;

	if (asprintf(&path, "%s/%s", reader->folder, file) >= 0)
		return path;
	(void) inf_engine_fail(reader->error, ENGINE_NO_MEMORY, "out of memory");
	return NULL;
}

static bool
has_file(const Reader *reader, const char *file)
{
	char	   *path = path_of(reader, file);
	const bool	has = path && access(path, F_OK) == 0;

	free(path);
	return has;
}

/* Reads a file into reader->tree, which close_file() frees. */
static bool
open_file(Reader *reader, const char *file)
{
	char	   *path = path_of(reader, file);
	MappedFile	mapped = {0};
	const char *reason;
	bool		good = path && inf_mapped_file_open(&mapped, path, reader->error);

	reader->file = file;
	reader->tree = NULL;
	free(path);
	if (!good)
		return false;
	if (mapped.size > MAX_FILE_BYTES)
		good = fail(reader, ENGINE_BAD_FILE, "it is larger than %d bytes", MAX_FILE_BYTES);
	else if (!inf_json_tree_parse(mapped.bytes, mapped.size, MAX_FILE_DEPTH,
								  &reader->tree, &reason))
		good = fail(reader, ENGINE_BAD_FILE, "it is not valid JSON: %s", reason);
	inf_mapped_file_close(&mapped);
	return good;
}

static void
close_file(Reader *reader)
{
	inf_json_tree_free(reader->tree);
	reader->tree = NULL;
}

static const JsonTree *
member(const Reader *reader, const char *key)
{
	return inf_json_tree_member(reader->tree, key);
}

/* An integer from low to high; fallback (unless negative) where it is absent. */
static bool
read_integer(Reader *reader, const char *key, int low, int high, int fallback,
			 int *value)
{
	const JsonTree *found = member(reader, key);
	int64_t		integer;

	*value = fallback;
	if (found == NULL && fallback >= 0)
		return true;
	if (found == NULL)
		return fail(reader, ENGINE_BAD_FILE, "\"%s\" is missing", key);
	if (!inf_json_tree_integer(found, &integer) || integer < low || integer > high)
		return fail(reader, ENGINE_BAD_FILE,
					"\"%s\" is not an integer from %d to %d", key, low, high);
	*value = integer;
	return true;
}

/* False where it is absent or null. */
static bool
read_flag(Reader *reader, const char *key, bool *flag)
{
	const JsonTree *found = member(reader, key);

	*flag = false;
	return found == NULL || inf_json_tree_boolean(found, flag) ||
		fail(reader, ENGINE_BAD_FILE, "\"%s\" is neither true nor false", key);
}

/* --- config.json --------------------------------------------------------- */

/* Absent, or the one string that is supported. */
static bool
check_choice(Reader *reader, const char *key, const char *supported)
{
	const JsonTree *found = member(reader, key);
	const char *string = inf_json_tree_string(found);

	if (found == NULL || (string && strcmp(string, supported) == 0))
		return true;
	if (string == NULL)
		return fail(reader, ENGINE_BAD_FILE, "\"%s\" is not a string", key);
	return fail(reader, ENGINE_UNSUPPORTED, "\"%s\" is \"%.40s\", and only \"%s\" is supported",
				key, string, supported);
}

/* DistilBERT's is not in its configuration. */
static bool
read_epsilon(Reader *reader)
{
	const bool	is_bert = reader->config->family == MODEL_BERT;
	const JsonTree *found = is_bert ? member(reader, "layer_norm_eps") : NULL;
	double		epsilon = 1e-12;

	if (found && (!inf_json_tree_number(found, &epsilon) ||
				  !(epsilon >= 0 && epsilon <= 1)))
		return fail(reader, ENGINE_BAD_FILE,
					"\"layer_norm_eps\" is not a number from 0 to 1");
	reader->config->layer_norm_epsilon = epsilon;
	return true;
}

/* Defaults are those of transformers' BertConfig and DistilBertConfig. */
static bool
read_sizes(Reader *reader)
{
	ModelConfig *config = reader->config;
	const bool	is_bert = config->family == MODEL_BERT;

	if (!read_integer(reader, is_bert ? "num_hidden_layers" : "n_layers",
					  1, MODEL_MAX_LAYERS, is_bert ? 12 : 6, &config->nlayers) ||
		!read_integer(reader, is_bert ? "hidden_size" : "dim",
					  1, MODEL_MAX_WIDTH, 768, &config->width) ||
		!read_integer(reader, is_bert ? "num_attention_heads" : "n_heads",
					  1, MODEL_MAX_WIDTH, 12, &config->nheads) ||
		!read_integer(reader, is_bert ? "intermediate_size" : "hidden_dim",
					  1, 4 * MODEL_MAX_WIDTH, 3072, &config->inner_width) ||
		!read_integer(reader, "vocab_size", 1, MODEL_MAX_VOCABULARY, -1,
					  &config->nvocabulary) ||
		!read_integer(reader, "max_position_embeddings", 2, MODEL_MAX_POSITIONS,
					  512, &config->npositions))
		return false;
	if (is_bert && !read_integer(reader, "type_vocab_size", 0, MODEL_MAX_POSITIONS,
								 2, &config->ntypes))
		return false;
	if (config->width % config->nheads != 0)
		return fail(reader, ENGINE_BAD_FILE,
					"a width of %d cannot be divided among %d heads",
					config->width, config->nheads);
	config->max_tokens = config->npositions;
	return true;
}

/* Whether a class of the model's ends so. */
static bool
has_architecture(const Reader *reader, const char *ending)
{
	const JsonTree *names = member(reader, "architectures");

	for (size_t i = 0; i < inf_json_tree_count(names); i++)
	{
		const char *name = inf_json_tree_string(inf_json_tree_element(names, i));
		const size_t length = name ? strlen(name) : 0;

		if (length >= strlen(ending) &&
			strcmp(name + length - strlen(ending), ending) == 0)
			return true;
	}
	return false;
}

static bool
read_config(Reader *reader)
{
	ModelConfig *config = reader->config;
	const char *type = inf_json_tree_string(member(reader, "model_type"));
	bool		is_decoder;

	if (type == NULL)
		return fail(reader, ENGINE_BAD_FILE, "it has no \"model_type\"");
	if (strcmp(type, "bert") == 0)
		config->family = MODEL_BERT;
	else if (strcmp(type, "distilbert") == 0)
		config->family = MODEL_DISTILBERT;
	else
		return fail(reader, ENGINE_UNSUPPORTED,
					"\"model_type\" is \"%.40s\", and only \"bert\" and \"distilbert\" are supported",
					type);
	if (!read_flag(reader, "is_decoder", &is_decoder))
		return false;
	if (is_decoder)
		return fail(reader, ENGINE_UNSUPPORTED,
					"\"is_decoder\" is true, and only encoders are supported");
	config->head = has_architecture(reader, "ForMaskedLM") ?
		MODEL_HEAD_SPARSE : MODEL_HEAD_MEAN;
	return check_choice(reader, config->family == MODEL_BERT ? "hidden_act" : "activation",
						"gelu") &&
		check_choice(reader, "position_embedding_type", "absolute") &&
		read_sizes(reader) &&
		read_epsilon(reader);
}

/* --- sentence-transformers ----------------------------------------------- */

/* The last part of a class's name. */
static const char *
class_of(const char *type)
{
	const char *dot = strrchr(type, '.');

	return dot ? dot + 1 : type;
}

static bool
read_dense_pooling(Reader *reader)
{
	static const char *const others[] = {
		"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
		"pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"
	};
	bool		is_cls;
	bool		is_mean;

	if (!read_flag(reader, "pooling_mode_cls_token", &is_cls) ||
		!read_flag(reader, "pooling_mode_mean_tokens", &is_mean))
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
	{
		bool		is_other;

		if (!read_flag(reader, others[i], &is_other))
			return false;
		if (is_other)
			return fail(reader, ENGINE_UNSUPPORTED,
						"\"%s\" is true, and only mean and cls pooling are supported",
						others[i]);
	}
	if (is_cls == is_mean)
		return fail(reader, ENGINE_UNSUPPORTED,
					"one of \"pooling_mode_mean_tokens\" and \"pooling_mode_cls_token\" has to be true");
	reader->config->head = is_cls ? MODEL_HEAD_CLS : MODEL_HEAD_MEAN;
	return true;
}

static bool
read_sparse_pooling(Reader *reader)
{
	const char *activation = inf_json_tree_string(member(reader, "activation_function"));

	reader->config->head = MODEL_HEAD_SPARSE;
	reader->config->takes_log_twice = activation && strcmp(activation, "log1p_relu") == 0;
	return check_choice(reader, "pooling_strategy", "max") &&
		(reader->config->takes_log_twice ||
		 check_choice(reader, "activation_function", "relu"));
}

/* A module's config.json, in the folder of that name. */
static bool
read_pooling(const Reader *parent, const char *path, bool is_sparse)
{
	Reader		reader = *parent;
	char		file[256];
	bool		good;

	if (strchr(path, '/') || path[0] == '.' || path[0] == '\0' || strlen(path) > 200)
		return fail(&reader, ENGINE_BAD_FILE,
					"\"%.100s\" is not a folder of the model", path);
	snprintf(file, sizeof(file), "%s/config.json", path);
	if (is_sparse && !has_file(&reader, file))
	{
		reader.config->head = MODEL_HEAD_SPARSE;
		return true;
	}
	good = open_file(&reader, file) &&
		(is_sparse ? read_sparse_pooling(&reader) : read_dense_pooling(&reader));
	close_file(&reader);
	return good;
}

/* The module at that place: an encoder, what pools, what normalises. */
static bool
read_module(Reader *reader, size_t place, const char *type, const char *path)
{
	const char *name = class_of(type);
	const bool	is_sparse = reader->config->head == MODEL_HEAD_SPARSE;

	if (place == 0 && (strcmp(name, "Transformer") == 0 || strcmp(name, "MLMTransformer") == 0))
	{
		reader->config->head = name[0] == 'M' ? MODEL_HEAD_SPARSE : MODEL_HEAD_MEAN;
		return path[0] == '\0' ||
			fail(reader, ENGINE_UNSUPPORTED,
				 "the encoder is in folder \"%.100s\", and only one in the model's own is supported",
				 path);
	}
	if (place == 1 && strcmp(name, "Pooling") == 0 && !is_sparse)
		return read_pooling(reader, path, false);
	if (place == 1 && strcmp(name, "SpladePooling") == 0)
		return read_pooling(reader, path, true);
	if (place == 2 && strcmp(name, "Normalize") == 0 && !is_sparse)
	{
		reader->config->normalize = true;
		return true;
	}
	return fail(reader, ENGINE_UNSUPPORTED,
				"module %zu of the model is \"%.60s\", and only Transformer and Pooling, with or without Normalize, or MLMTransformer and SpladePooling are supported",
				place + 1, name);
}

/* Modules in order: descriptions, or paths whose types an object gives. */
static bool
read_module_list(Reader *reader, const JsonTree *modules, const JsonTree *types)
{
	const size_t n = inf_json_tree_count(modules);

	if (!inf_json_tree_is_array(modules) || n == 0)
		return fail(reader, ENGINE_BAD_FILE, "it has no list of modules");
	for (size_t i = 0; i < n; i++)
	{
		const JsonTree *module = inf_json_tree_element(modules, i);
		const char *path = inf_json_tree_string(types ? module : inf_json_tree_member(module, "path"));
		const char *type = inf_json_tree_string(types ? inf_json_tree_member(types, path ? path : "") :
												inf_json_tree_member(module, "type"));

		if (!read_module(reader, i, type ? type : "", path ? path : ""))
			return false;
	}
	return n > 1 ||
		fail(reader, ENGINE_UNSUPPORTED,
			 "the model has no module that pools, so it gives no embeddings of texts");
}

/* Where documents and queries pass other modules, we take the documents'. */
static bool
read_routes(const Reader *parent)
{
	Reader		reader = *parent;
	const bool	good = open_file(&reader, ROUTER_FILE) &&
		read_module_list(&reader,
						 inf_json_tree_member(member(&reader, "structure"), "document"),
						 member(&reader, "types"));

	close_file(&reader);
	return good;
}

static bool
read_modules(Reader *reader)
{
	const JsonTree *first = inf_json_tree_element(reader->tree, 0);
	const char *type = inf_json_tree_string(inf_json_tree_member(first, "type"));

	if (inf_json_tree_count(reader->tree) == 1 &&
		strcmp(class_of(type ? type : ""), "Router") == 0)
		return read_routes(reader);
	return read_module_list(reader, reader->tree, NULL);
}

/*
 * A limit of tokens below the one so far.  Absurd ones say that there is none:
 * transformers writes 1e30 where it knows none.
 */
static void
limit_tokens(const Reader *reader, const char *key)
{
	double		limit;

	if (inf_json_tree_number(member(reader, key), &limit) &&
		limit >= 2 && limit < reader->config->max_tokens)
		reader->config->max_tokens = limit;
}

static bool
read_sentence_config(Reader *reader)
{
	limit_tokens(reader, "max_seq_length");
	return true;
}

static bool
read_tokenizer_config(Reader *reader)
{
	limit_tokens(reader, "model_max_length");
	return true;
}

/* --- The folder ---------------------------------------------------------- */

/* Reads file with read; one that may be absent is skipped then. */
static bool
read_file(Reader *reader, const char *file, bool may_be_absent,
		  bool (*read) (Reader *reader))
{
	bool		good;

	if (may_be_absent && !has_file(reader, file))
		return true;
	good = open_file(reader, file) && read(reader);
	close_file(reader);
	return good;
}

bool
inf_model_config_read(ModelConfig *config, const char *folder, EngineError *error)
{
	Reader		reader = {.folder = folder, .config = config, .error = error};

	memset(config, 0, sizeof(*config));
	if (!read_file(&reader, "config.json", false, read_config) ||
		!read_file(&reader, "modules.json", true, read_modules) ||
		!read_file(&reader, "sentence_bert_config.json", true, read_sentence_config) ||
		!read_file(&reader, "tokenizer_config.json", true, read_tokenizer_config))
		return false;
	config->drops_special_tokens = has_file(&reader, IDF_FILE);
	return true;
}
