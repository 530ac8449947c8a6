/*
 * tokenizer_rules.c
 *		What a Hugging Face model folder says of its tokenizer.
 *
 * tokenizer.json describes any tokenizer, as parts that are chained; of each
 * part we know BERT's, and refuse what we would get wrong.  Truncation and
 * padding are left to the engine.
 */
#include "engine/tokenizer_rules.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/mapped_file.h"
#include "json/json_tree.h"

/*
 * A million tokens take less.  A tree may take thirty times as much memory as
 * its file.
 */
#define MAX_JSON_BYTES (32 << 20)

/* tokenizer.json nests 6 levels; the parts that we refuse, a few more. */
#define MAX_JSON_DEPTH 32

/* What a function that reads a part of a file needs. */
typedef struct Source
{
	const char *path;
	EngineError *error;
} Source;

static bool
make_path(char path[PATH_MAX], const char *folder, const char *name,
		  EngineError *error)
{
	if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
		return inf_engine_fail(error, ENGINE_BAD_INPUT,
							   "the path of the model folder is too long");
	return true;
}

/* The caller frees *root. */
static bool
read_json(const Source *source, JsonTree **root)
{
	MappedFile	file;
	const char *reason = NULL;
	bool		is_json;

	if (!inf_mapped_file_open(&file, source->path, source->error))
		return false;
	if (file.size > MAX_JSON_BYTES)
	{
		inf_mapped_file_close(&file);
		return inf_engine_fail(source->error, ENGINE_BAD_FILE,
							   "\"%s\" is larger than %d MB", source->path,
							   MAX_JSON_BYTES >> 20);
	}
	is_json = inf_json_tree_parse(file.bytes ? file.bytes : "", file.size,
								  MAX_JSON_DEPTH, root, &reason);
	inf_mapped_file_close(&file);
	if (!is_json)
		return inf_engine_fail(source->error, ENGINE_BAD_FILE,
							   "\"%s\" is not valid JSON: %s", source->path, reason);
	if (!inf_json_tree_is_object(*root))
	{
		inf_json_tree_free(*root);
		return inf_engine_fail(source->error, ENGINE_BAD_FILE,
							   "\"%s\" is not a JSON object", source->path);
	}
	return true;
}

/* A member that is true or false; where it is missing or null, fallback. */
static bool
read_flag(const Source *source, const JsonTree *object, const char *name,
		  bool fallback, bool *flag)
{
	const JsonTree *value = inf_json_tree_member(object, name);

	*flag = fallback;
	if (value != NULL && !inf_json_tree_boolean(value, flag))
		return inf_engine_fail(source->error, ENGINE_BAD_FILE,
							   "\"%s\" of \"%s\" is neither true nor false",
							   name, source->path);
	return true;
}

static bool
is_text(const JsonTree *value, const char *text)
{
	const char *string = inf_json_tree_string(value);

	return string != NULL && strcmp(string, text) == 0;
}

/* Whether a part is of the one type that we know. */
static bool
check_type(const Source *source, const char *part, const JsonTree *value,
		   const char *known)
{
	const char *type = inf_json_tree_string(inf_json_tree_member(value, "type"));

	if (type != NULL && strcmp(type, known) == 0)
		return true;
	return inf_engine_fail(source->error, ENGINE_UNSUPPORTED,
						   "the %s of \"%s\" is of type \"%.100s\"; "
						   "supported is BERT's, of type \"%s\"",
						   part, source->path, type ? type : "null", known);
}

/* No normalizer leaves text as it is. */
static bool
read_normalizer(const Source *source, const JsonTree *normalizer,
				TokenizerRules *rules)
{
	if (normalizer == NULL)
		return true;
	return check_type(source, "normalizer", normalizer, "BertNormalizer") &&
		read_flag(source, normalizer, "clean_text", true, &rules->cleans_text) &&
		read_flag(source, normalizer, "handle_chinese_chars", true, &rules->splits_ideographs) &&
		read_flag(source, normalizer, "lowercase", true, &rules->lowercases) &&
		read_flag(source, normalizer, "strip_accents", rules->lowercases, &rules->strips_accents);
}

/* Files of the first versions give no type: only WordPiece has a prefix. */
static bool
check_model_type(const Source *source, const JsonTree *model)
{
	const char *type = inf_json_tree_string(inf_json_tree_member(model, "type"));

	if (type == NULL && inf_json_tree_member(model, "max_input_chars_per_word") != NULL)
		return true;
	if (type != NULL && strcmp(type, "WordPiece") == 0)
		return true;
	return inf_engine_fail(source->error, ENGINE_UNSUPPORTED,
						   "\"%s\" is a tokenizer of type \"%.100s\"; supported is \"WordPiece\"",
						   source->path, type ? type : "null");
}

static bool
read_model(const Source *source, const JsonTree *model, int nvocabulary,
		   TokenizerRules *rules)
{
	const JsonTree *unknown = inf_json_tree_member(model, "unk_token");
	const JsonTree *prefix = inf_json_tree_member(model, "continuing_subword_prefix");
	const JsonTree *max_chars = inf_json_tree_member(model, "max_input_chars_per_word");
	int64_t		max_word_chars = 100;

	if (!check_model_type(source, model))
		return false;
	if (unknown != NULL && !is_text(unknown, "[UNK]"))
		return inf_engine_fail(source->error, ENGINE_UNSUPPORTED,
							   "the unknown token of \"%s\" is not \"[UNK]\"", source->path);
	if (prefix != NULL && inf_json_tree_string(prefix) == NULL)
		return inf_engine_fail(source->error, ENGINE_BAD_FILE,
							   "\"continuing_subword_prefix\" of \"%s\" is not a string",
							   source->path);
	if (max_chars != NULL && (!inf_json_tree_integer(max_chars, &max_word_chars) ||
							  max_word_chars < 1 || max_word_chars > TOKENIZER_MAX_WORD_CHARS))
		return inf_engine_fail(source->error, ENGINE_UNSUPPORTED,
							   "\"max_input_chars_per_word\" of \"%s\" "
							   "is not an integer from 1 to %d",
							   source->path, TOKENIZER_MAX_WORD_CHARS);
	rules->max_word_chars = (int) max_word_chars;
	rules->vocabulary =
		inf_vocabulary_read_json(inf_json_tree_member(model, "vocab"),
								 prefix ? inf_json_tree_string(prefix) : "##",
								 source->path, nvocabulary, source->error);
	return rules->vocabulary != NULL;
}

/*
 * Special tokens that text of users never becomes.  Others would have to be
 * looked for in it.
 */
static bool
read_added_tokens(const Source *source, const JsonTree *tokens,
				  TokenizerRules *rules)
{
	for (size_t i = 0; i < inf_json_tree_count(tokens); i++)
	{
		const JsonTree *token = inf_json_tree_element(tokens, i);
		const char *content = inf_json_tree_string(inf_json_tree_member(token, "content"));
		int64_t		id;
		bool		is_special;

		if (content == NULL || content[0] == '\0' ||
			!inf_json_tree_integer(inf_json_tree_member(token, "id"), &id))
			return inf_engine_fail(source->error, ENGINE_BAD_FILE,
								   "added token %zu of \"%s\", counted from 0, "
								   "lacks its content or id",
								   i, source->path);
		if (!read_flag(source, token, "special", false, &is_special))
			return false;
		if (!is_special)
			return inf_engine_fail(source->error, ENGINE_UNSUPPORTED,
								   "\"%s\" adds the token \"%.100s\", "
								   "which is not a special one; that is not supported",
								   source->path, content);
		if (!inf_vocabulary_add(rules->vocabulary, content, id, source->error))
			return false;
	}
	return true;
}

static bool
find_special_tokens(const Source *source, TokenizerRules *rules)
{
	const struct
	{
		const char *token;
		int		   *id;
	}			special[] = {
		{"[UNK]", &rules->unknown},
		{"[CLS]", &rules->start},
		{"[SEP]", &rules->end},
		{"[PAD]", &rules->padding},
	};

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
	{
		*special[i].id = inf_vocabulary_id(rules->vocabulary, special[i].token);
		if (*special[i].id < 0)
			return inf_engine_fail(source->error, ENGINE_BAD_FILE,
								   "the vocabulary of \"%s\" lacks the token \"%s\"",
								   source->path, special[i].token);
	}
	rules->mask = inf_vocabulary_id(rules->vocabulary, "[MASK]");
	return true;
}

/* Whether an element of a template puts a special token, of type 0. */
static bool
puts_token(const JsonTree *element, const char *token)
{
	const JsonTree *special = inf_json_tree_member(element, "SpecialToken");
	int64_t		type = 0;

	(void) inf_json_tree_integer(inf_json_tree_member(special, "type_id"), &type);
	return is_text(inf_json_tree_member(special, "id"), token) && type == 0;
}

static bool
puts_text(const JsonTree *element)
{
	const JsonTree *sequence = inf_json_tree_member(element, "Sequence");
	int64_t		type = 0;

	(void) inf_json_tree_integer(inf_json_tree_member(sequence, "type_id"), &type);
	return is_text(inf_json_tree_member(sequence, "id"), "A") && type == 0;
}

/* Whether value is the id that the vocabulary has for that token. */
static bool
check_id(const Source *source, const JsonTree *value, int expected,
		 const char *token)
{
	int64_t		id;

	if (inf_json_tree_integer(value, &id) && id == expected)
		return true;
	return inf_engine_fail(source->error, ENGINE_BAD_FILE,
						   "the post-processor of \"%s\" gives \"%s\" another id "
						   "than %d, which it has in the vocabulary",
						   source->path, token, expected);
}

/* What is put around the ids of a text: [CLS] and [SEP]. */
static bool
check_post_processor(const Source *source, const JsonTree *processor,
					 const TokenizerRules *rules)
{
	const JsonTree *single = inf_json_tree_member(processor, "single");
	const JsonTree *special = inf_json_tree_member(processor, "special_tokens");
	const JsonTree *start = inf_json_tree_member(special, "[CLS]");
	const JsonTree *end = inf_json_tree_member(special, "[SEP]");

	/* The older kind: pairs of token and id. */
	if (is_text(inf_json_tree_member(processor, "type"), "BertProcessing"))
	{
		start = inf_json_tree_member(processor, "cls");
		end = inf_json_tree_member(processor, "sep");
		return check_id(source, inf_json_tree_element(start, 1), rules->start, "[CLS]") &&
			check_id(source, inf_json_tree_element(end, 1), rules->end, "[SEP]");
	}

	if (!check_type(source, "post-processor", processor, "TemplateProcessing"))
		return false;
	if (inf_json_tree_count(single) != 3 ||
		!puts_token(inf_json_tree_element(single, 0), "[CLS]") ||
		!puts_text(inf_json_tree_element(single, 1)) ||
		!puts_token(inf_json_tree_element(single, 2), "[SEP]"))
		return inf_engine_fail(source->error, ENGINE_UNSUPPORTED,
							   "the template of \"%s\" is not \"[CLS] $A [SEP]\"; "
							   "only that is supported",
							   source->path);
	start = inf_json_tree_member(start, "ids");
	end = inf_json_tree_member(end, "ids");
	return check_id(source, inf_json_tree_element(start, 0), rules->start, "[CLS]") &&
		check_id(source, inf_json_tree_element(end, 0), rules->end, "[SEP]");
}

static bool
read_tokenizer_json(const Source *source, int nvocabulary, TokenizerRules *rules)
{
	JsonTree   *root;
	bool		is_read;

	if (!read_json(source, &root))
		return false;

	/* First the part that says best what it is. */
	is_read =
		read_model(source, inf_json_tree_member(root, "model"), nvocabulary, rules) &&
		read_normalizer(source, inf_json_tree_member(root, "normalizer"), rules) &&
		check_type(source, "pre-tokenizer", inf_json_tree_member(root, "pre_tokenizer"),
				   "BertPreTokenizer") &&
		read_added_tokens(source, inf_json_tree_member(root, "added_tokens"), rules) &&
		find_special_tokens(source, rules) &&
		check_post_processor(source, inf_json_tree_member(root, "post_processor"), rules);
	inf_json_tree_free(root);
	return is_read;
}

/* tokenizer_config.json, without which BERT's tokenizer lowercases. */
static bool
read_tokenizer_config(const Source *source, TokenizerRules *rules)
{
	static const char *const known[] = {
		"BertTokenizer", "BertTokenizerFast",
		"DistilBertTokenizer", "DistilBertTokenizerFast"
	};
	JsonTree   *root = NULL;
	const JsonTree *class;
	const char *class_name;
	bool		is_known = false;
	bool		is_read;

	if (access(source->path, F_OK) == 0 && !read_json(source, &root))
		return false;
	class = inf_json_tree_member(root, "tokenizer_class");
	class_name = inf_json_tree_string(class);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		is_known = is_known || is_text(class, known[i]);
	is_read = class == NULL || is_known ||
		inf_engine_fail(source->error, ENGINE_UNSUPPORTED,
						"\"%s\" asks for the tokenizer \"%.100s\"; "
						"supported is \"BertTokenizer\"",
						source->path, class_name ? class_name : "null");
	rules->cleans_text = true;
	is_read = is_read &&
		read_flag(source, root, "do_lower_case", true, &rules->lowercases) &&
		read_flag(source, root, "strip_accents", rules->lowercases, &rules->strips_accents) &&
		read_flag(source, root, "tokenize_chinese_chars", true, &rules->splits_ideographs);
	inf_json_tree_free(root);
	return is_read;
}

static bool
read_vocab_txt(const Source *source, int nvocabulary, TokenizerRules *rules)
{
	MappedFile	file;

	if (!inf_mapped_file_open(&file, source->path, source->error))
		return false;
	rules->vocabulary =
		inf_vocabulary_read_lines(file.bytes ? file.bytes : "", file.size,
								  source->path, nvocabulary, source->error);
	rules->max_word_chars = 100;
	inf_mapped_file_close(&file);
	return rules->vocabulary != NULL && find_special_tokens(source, rules);
}

bool
inf_tokenizer_rules_read(TokenizerRules *rules, const char *folder,
						 int nvocabulary, EngineError *error)
{
	char		path[PATH_MAX];
	const Source source = {.path = path, .error = error};
	bool		is_read;

	memset(rules, 0, sizeof(*rules));
	if (!make_path(path, folder, "tokenizer.json", error))
		return false;
	if (access(path, F_OK) == 0)
		is_read = read_tokenizer_json(&source, nvocabulary, rules);
	else if (!make_path(path, folder, "vocab.txt", error))
		return false;
	else if (access(path, F_OK) != 0)
		return inf_engine_fail(error, ENGINE_NO_FILE,
							   "model folder \"%s\" has neither \"tokenizer.json\" nor \"vocab.txt\"",
							   folder);
	else
		is_read = read_vocab_txt(&source, nvocabulary, rules) &&
			make_path(path, folder, "tokenizer_config.json", error) &&
			read_tokenizer_config(&source, rules);
	if (!is_read)
	{
		inf_vocabulary_free(rules->vocabulary);
		rules->vocabulary = NULL;
	}
	return is_read;
}
