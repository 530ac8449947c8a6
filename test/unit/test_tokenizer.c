/*
 * test_tokenizer.c
 *		Known ids of texts, the files that tokenizers are read from, and such
 *		files broken at random.
 */
#include "engine/tokenizer.h"

#include <stdlib.h>
#include <unistd.h>

#include "check.h"

#define MAX_TOKENS 512
#define NVOCABULARY 100

/* Ids are places. */
static const char *const vocabulary[] = {
	"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
	"hello", "world", "un", "##aff", "##able", "!", ",", "[", "]", "cls", "a",
	"##a", "b", "##b", "cafe", "caf\xc3\xa9", "Hello", "\xe4\xb8\xad",
	"\xe6\x96\x87", "\xe1\x84\x80", "##\xe1\x85\xa1", "\xea\xb0\x80",
	"\xcf\x83", "##\xcf\x83", "\xcf\x82", "##\xcf\x82", "i", "##i", "\xe2\x80\x94",
	"$", "##c", "\xf0\x9f\x98\x80", "\xe2\x82\xac", "=", "\xe8\xb1\x88",
	"##\xcc\x87", "##\xe1\xad\x84", "##\xe3\x80\xae", "##mask", "mask", "'", "don",
	"t", "##\xe4\xb8\xad", "##\xf0\xab\xa0\xa0", "##\xe3\x80\xaf"
};

enum
{
	NTOKENS = sizeof(vocabulary) / sizeof(vocabulary[0])
};

static char folder[] = "/tmp/test_tokenizer.XXXXXX";
static EngineError error;

static void
write_file(const char *name, const char *bytes, size_t length)
{
	char		path[200];
	FILE	   *file;

	(void) snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
		exit(2);
}

static void
remove_file(const char *name)
{
	char		path[200];

	(void) snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void) unlink(path);
}

/* A tokenizer of vocab.txt and this tokenizer_config.json. */
static Tokenizer *
open_vocab(const char *config)
{
	char		lines[2000];
	size_t		length = 0;

	for (int i = 0; i < NTOKENS; i++)
		length += snprintf(lines + length, sizeof(lines) - length, "%s\n", vocabulary[i]);
	write_file("vocab.txt", lines, length);
	if (config)
		write_file("tokenizer_config.json", config, strlen(config));
	else
		remove_file("tokenizer_config.json");
	remove_file("tokenizer.json");
	error.message[0] = '\0';
	return inf_tokenizer_open(folder, NVOCABULARY, &error);
}

/* The tokens of a text between [CLS] and [SEP], "|" between them. */
static const char *
tokens_of(const Tokenizer *tokenizer, const char *text, size_t length,
		  int max_tokens, bool *truncated)
{
	static char answer[20000];
	int32_t		ids[MAX_TOKENS];
	int			nids = 0;

	if (!inf_tokenizer_encode(tokenizer, text, length, max_tokens, ids, &nids,
							  truncated, &error))
		return error.message;
	if (nids < 2 || nids > max_tokens || ids[0] != 2 || ids[nids - 1] != 3)
		return "not [CLS] ... [SEP]";
	answer[0] = '\0';
	for (int i = 1; i < nids - 1; i++)
	{
		if (i > 1)
			strcat(answer, "|");
		strcat(answer, inf_tokenizer_token(tokenizer, ids[i]));
	}
	return answer;
}

static const char *
tokens(const Tokenizer *tokenizer, const char *text)
{
	bool		truncated = false;
	const char *answer = tokens_of(tokenizer, text, strlen(text), MAX_TOKENS, &truncated);

	return truncated ? "truncated" : answer;
}

static void
test_lowercase(void)
{
	Tokenizer  *t = open_vocab(NULL);
	bool		truncated;

	if (!CHECK(t != NULL))
		return;
	CHECK_INT(inf_tokenizer_size(t), NTOKENS);
	CHECK_STR(inf_tokenizer_token(t, 5), "hello");
	CHECK_STR(inf_tokenizer_token(t, NTOKENS), NULL);
	for (int id = 0; id < 5; id++)
		CHECK(inf_tokenizer_is_special(t, id));
	CHECK(!inf_tokenizer_is_special(t, 5));
	CHECK(!inf_tokenizer_is_special(t, -1));

	CHECK_STR(tokens(t, ""), "");
	CHECK_STR(tokens(t, " \t\r\n "), "");
	CHECK_STR(tokens(t, "Hello, WORLD!"), "hello|,|world|!");
	CHECK_STR(tokens(t, "unaffable"), "un|##aff|##able");
	CHECK_STR(tokens(t, "unaffablex"), "[UNK]");
	CHECK_STR(tokens(t, "xunaffable hello"), "[UNK]|hello");
	CHECK_STR(tokens(t, "don't"), "don|'|t");

	/* Accents, composed and not; what decomposes to ASCII */
	CHECK_STR(tokens(t, "Caf\xc3\xa9 cafe\xcc\x81 CAF\xc3\x89"), "cafe|cafe|cafe");
	CHECK_STR(tokens(t, "\xcc\x81"), "");
	CHECK_STR(tokens(t, "a\xcc\x81 \xcc\x81 b"), "a|b");
	CHECK_STR(tokens(t, "\xe2\x89\xa0"), "=");
	CHECK_STR(tokens(t, "a\xe2\x89\xa0" "b"), "a|=|b");
	CHECK_STR(tokens(t, "\xc4\xb0I\xcc\x87"), "i|##i");

	/* By character: a final sigma is as any other */
	CHECK_STR(tokens(t, "\xce\xa3\xce\xa3"), "\xcf\x83|##\xcf\x83");
	CHECK_STR(tokens(t, "\xcf\x83\xcf\x82"), "\xcf\x83|##\xcf\x82");

	/* Ideographs are words; U+2b820 is not one, U+2b920 is */
	CHECK_STR(tokens(t, "a\xe4\xb8\xad\xe6\x96\x87" "b"), "a|\xe4\xb8\xad|\xe6\x96\x87|b");
	CHECK_STR(tokens(t, "a\xef\xa4\x80" "b"), "a|\xe8\xb1\x88|b");
	CHECK_STR(tokens(t, "a\xf0\xab\xa0\xa0" "b"), "a|##\xf0\xab\xa0\xa0|##b");
	CHECK_STR(tokens(t, "a\xf0\xab\xa4\xa0" "b"), "a|[UNK]|b");
	CHECK_STR(tokens(t, "a\xf0\xa0\x80\x80" "b"), "a|[UNK]|b");

	/* Hangul becomes jamo */
	CHECK_STR(tokens(t, "\xea\xb0\x80"), "\xe1\x84\x80|##\xe1\x85\xa1");

	/* Marks are put in order, up to one that divides them */
	CHECK_STR(tokens(t, "a\xe3\x80\xae\xe1\xad\x84"), "a|##\xe1\xad\x84|##\xe3\x80\xae");
	CHECK_STR(tokens(t, "a\xe1\xad\x84\xe3\x80\xae"), "a|##\xe1\xad\x84|##\xe3\x80\xae");
	CHECK_STR(tokens(t, "a\xe3\x80\xaf\xe3\x80\xae"), "a|##\xe3\x80\xaf|##\xe3\x80\xae");
	CHECK_STR(tokens(t, "a\xe3\x80\xae\xcc\x81\xe1\xad\x84"), "a|##\xe1\xad\x84|##\xe3\x80\xae");
	CHECK_STR(tokens(t, "a\xe3\x80\xae\xcd\x8f\xe1\xad\x84"), "a|##\xe3\x80\xae|##\xe1\xad\x84");

	/* Dropped: controls, formats, private use, NUL, U+FFFD */
	CHECK_STR(tokens(t, "a\x01\x0b\x0c\x1b\x7f\xc2\x85\xc2\xad\xe2\x80\x8b\xe2\x80\x8d\xef\xbb\xbf"
					 "\xee\x80\x80\xef\xbf\xbd\xf3\xb0\x80\x80" "b"), "a|##b");
	CHECK_STR(tokens_of(t, "a\0b\0", 4, MAX_TOKENS, &truncated), "a|##b");

	/* Kept: code points without a character */
	CHECK_STR(tokens(t, "a\xcd\xb8 \xef\xbf\xbf b"), "[UNK]|[UNK]|b");

	/* Spaces: no-break, em, ideographic, line and paragraph separators */
	CHECK_STR(tokens(t, "a\xc2\xa0" "a\xe2\x80\x83" "a\xe3\x80\x80" "a\xe2\x80\xa8" "a\xe2\x80\xa9" "a\tb\nb\rb"),
			  "a|a|a|a|a|a|b|b|b");

	/* Punctuation: all symbols of ASCII, of others category P only */
	CHECK_STR(tokens(t, "a\xe2\x80\x94" "b$a=a"), "a|\xe2\x80\x94|b|$|a|=|a");
	CHECK_STR(tokens(t, "a\xe2\x82\xac \xe2\x82\xac"), "[UNK]|\xe2\x82\xac");
	CHECK_STR(tokens(t, "!\"#%&"), "!|[UNK]|[UNK]|[UNK]|[UNK]");
	CHECK_STR(tokens(t, "\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");

	/* Text that looks like a special token */
	CHECK_STR(tokens(t, "[CLS] [MASK]"), "[|cls|]|[|mask|]");
	CHECK_STR(tokens(t, "[UNK][PAD]"), "[|[UNK]|]|[|[UNK]|]");
	CHECK_STR(tokens(t, "##a"), "[UNK]|[UNK]|a");
	inf_tokenizer_close(t);
}

static void
test_long_words(void)
{
	Tokenizer  *t = open_vocab(NULL);
	char		text[1000];
	char		expected[1000] = "a";
	bool		truncated;

	if (!CHECK(t != NULL))
		return;
	for (int i = 1; i < 100; i++)
		strcat(expected, "|##a");
	memset(text, 'a', sizeof(text));
	CHECK_STR(tokens_of(t, text, 100, MAX_TOKENS, &truncated), expected);
	CHECK_STR(tokens_of(t, text, 101, MAX_TOKENS, &truncated), "[UNK]");
	CHECK_STR(tokens_of(t, text, 1000, MAX_TOKENS, &truncated), "[UNK]");

	/* Characters count as they are in the end: accents do not. */
	for (int i = 0; i < 100; i++)
		memcpy(text + 3 * i, "a\xcc\x81", 3);
	CHECK_STR(tokens_of(t, text, 300, MAX_TOKENS, &truncated), expected);
	text[300] = 'a';
	CHECK_STR(tokens_of(t, text, 301, MAX_TOKENS, &truncated), "[UNK]");
	text[300] = '!';
	text[301] = 'b';
	CHECK_STR(tokens_of(t, text + 3, 299, MAX_TOKENS, &truncated) + 1 + 98 * 4, "|!|b");

	/* Marks that would be put in order, more of them than fit. */
	memcpy(text, "a", 1);
	for (int i = 0; i < 300; i++)
		memcpy(text + 1 + 3 * i, i < 150 ? "\xe3\x80\xae" : "\xe1\xad\x84", 3);
	CHECK_STR(tokens_of(t, text, 901, MAX_TOKENS, &truncated), "[UNK]");
	inf_tokenizer_close(t);
}

static void
test_truncation(void)
{
	Tokenizer  *t = open_vocab(NULL);
	const char *text = "hello unaffable world";
	const size_t length = strlen(text);
	bool		truncated = false;

	if (!CHECK(t != NULL))
		return;
	CHECK_STR(tokens_of(t, text, length, 2, &truncated), "");
	CHECK(truncated);
	CHECK_STR(tokens_of(t, text, length, 3, &truncated), "hello");
	CHECK(truncated);
	CHECK_STR(tokens_of(t, text, length, 5, &truncated), "hello|un|##aff");
	CHECK(truncated);
	CHECK_STR(tokens_of(t, text, length, 6, &truncated), "hello|un|##aff|##able");
	CHECK(truncated);
	CHECK_STR(tokens_of(t, text, length, 7, &truncated), "hello|un|##aff|##able|world");
	CHECK(!truncated);
	CHECK_STR(tokens_of(t, "", 0, 2, &truncated), "");
	CHECK(!truncated);

	/* What follows and is no token does not count. */
	CHECK_STR(tokens_of(t, "a \t\xcc\x81\xe2\x80\x8b ", 9, 3, &truncated), "a");
	CHECK(!truncated);
	CHECK_STR(tokens_of(t, "a !", 3, 3, &truncated), "a");
	CHECK(truncated);

	/* A word that is unknown is so, though only its beginning would fit. */
	CHECK_STR(tokens_of(t, "unaffx", 6, 3, &truncated), "[UNK]");
	CHECK(!truncated);
	inf_tokenizer_close(t);
}

static void
test_bad_utf8(void)
{
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc3", "\xc3(", "\xc0\x80", "\xc1\xbf", "\xe2\x82", "\xe2(\xa1",
		"\xe0\x80\xaf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x9f\x98", "\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff"
	};
	Tokenizer  *t = open_vocab(NULL);
	bool		truncated;
	char		text[100];

	if (!CHECK(t != NULL))
		return;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		/* At the beginning, behind words of ASCII, behind what is needed. */
		CHECK_STR(tokens(t, bad[i]), "the text is not valid UTF-8 at byte offset 0");
		(void) snprintf(text, sizeof(text), "hello hello \xc3\xa9 %s a", bad[i]);
		CHECK_STR(tokens_of(t, text, strlen(text), 3, &truncated),
				  "the text is not valid UTF-8 at byte offset 15");
		CHECK_INT(error.code, ENGINE_BAD_INPUT);
	}
	inf_tokenizer_close(t);
}

static void
test_cased(void)
{
	Tokenizer  *t = open_vocab("{\"do_lower_case\": false, \"tokenizer_class\": \"BertTokenizer\"}");

	if (!CHECK(t != NULL))
		return;
	CHECK_STR(tokens(t, "Hello hello HELLO"), "Hello|hello|[UNK]");
	CHECK_STR(tokens(t, "caf\xc3\xa9 cafe\xcc\x81"), "caf\xc3\xa9|[UNK]");
	CHECK_STR(tokens(t, "\xea\xb0\x80 a\xe4\xb8\xad"), "\xea\xb0\x80|a|\xe4\xb8\xad");
	CHECK_STR(tokens(t, "\xe2\x89\xa0 \xef\xa4\x80"), "[UNK]|[UNK]");
	inf_tokenizer_close(t);

	t = open_vocab("{\"do_lower_case\": false, \"strip_accents\": true, \"tokenize_chinese_chars\": false}");
	CHECK_STR(tokens(t, "caf\xc3\xa9 Hello HELLO a\xe4\xb8\xad"), "cafe|Hello|[UNK]|a|##\xe4\xb8\xad");
	inf_tokenizer_close(t);

	t = open_vocab("{\"strip_accents\": false}");
	CHECK_STR(tokens(t, "CAF\xc3\x89 \xc4\xb0 \xe3\x80\xae"), "caf\xc3\xa9|i|##\xcc\x87|[UNK]");
	inf_tokenizer_close(t);
}

/* What is said of a folder that cannot be opened, without the folder's path. */
static const char *
fault(Tokenizer *tokenizer, EngineErrorCode code)
{
	static char answer[sizeof(error.message)];
	const char *at = strstr(error.message, folder);

	CHECK(tokenizer == NULL);
	inf_tokenizer_close(tokenizer);
	CHECK_INT(error.code, code);
	if (at == NULL)
		return error.message;
	(void) snprintf(answer, sizeof(answer), "%.*s%s", (int) (at - error.message),
					error.message, at + strlen(folder));
	return answer;
}

/* Of the folder as it is. */
static const char *
folder_fault(EngineErrorCode code)
{
	return fault(inf_tokenizer_open(folder, NVOCABULARY, &error), code);
}

static void
test_vocab_files(void)
{
	static const char *const required[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
	char		expected[200];

	CHECK_STR(fault(open_vocab("{\"tokenizer_class\": \"BertJapaneseTokenizer\"}"), ENGINE_UNSUPPORTED),
			  "\"/tokenizer_config.json\" asks for the tokenizer \"BertJapaneseTokenizer\"; supported is \"BertTokenizer\"");
	CHECK_STR(fault(open_vocab("{\"do_lower_case\": 1}"), ENGINE_BAD_FILE),
			  "\"do_lower_case\" of \"/tokenizer_config.json\" is neither true nor false");
	CHECK_STR(fault(open_vocab("[]"), ENGINE_BAD_FILE), "\"/tokenizer_config.json\" is not a JSON object");
	CHECK(strncmp(fault(open_vocab("{"), ENGINE_BAD_FILE),
				  "\"/tokenizer_config.json\" is not valid JSON: ", 43) == 0);
	remove_file("tokenizer_config.json");

	for (int i = 0; i < 4; i++)
	{
		char		lines[100] = "";

		for (int j = 0; j < 4; j++)
			if (j != i)
				strcat(strcat(lines, required[j]), "\n");
		write_file("vocab.txt", lines, strlen(lines));
		(void) snprintf(expected, sizeof(expected),
						"the vocabulary of \"/vocab.txt\" lacks the token \"%s\"", required[i]);
		CHECK_STR(folder_fault(ENGINE_BAD_FILE), expected);
	}
	write_file("vocab.txt", "", 0);
	CHECK_STR(folder_fault(ENGINE_BAD_FILE), "the vocabulary of \"/vocab.txt\" lacks the token \"[UNK]\"");
	remove_file("vocab.txt");
	CHECK_STR(folder_fault(ENGINE_NO_FILE),
			  "model folder \"\" has neither \"tokenizer.json\" nor \"vocab.txt\"");
	CHECK_STR(fault(inf_tokenizer_open("/nonexistent", NVOCABULARY, &error), ENGINE_NO_FILE),
			  "model folder \"/nonexistent\" has neither \"tokenizer.json\" nor \"vocab.txt\"");
}

/* A tokenizer.json whose parts can be replaced; NULL: BERT's. */
typedef struct Parts
{
	const char *normalizer;
	const char *pre_tokenizer;
	const char *model;
	const char *processor;
	const char *added;
} Parts;

#define BERT_NORMALIZER "{\"type\": \"BertNormalizer\", \"clean_text\": true, " \
	"\"handle_chinese_chars\": true, \"strip_accents\": null, \"lowercase\": true}"
#define BERT_VOCAB "\"vocab\": {\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3, " \
	"\"hello\": 5, \"a\": 6, \"##b\": 7, \"_b\": 8}"
#define BERT_MODEL "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", " \
	"\"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": 100, " BERT_VOCAB "}"
#define TEMPLATE(before, behind, start, end) "{\"type\": \"TemplateProcessing\", \"single\": [" \
	before "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}" behind "], \"pair\": [], \"special_tokens\": " \
	"{\"[CLS]\": {\"id\": \"[CLS]\", \"ids\": [" start "], \"tokens\": [\"[CLS]\"]}, " \
	"\"[SEP]\": {\"id\": \"[SEP]\", \"ids\": [" end "], \"tokens\": [\"[SEP]\"]}}}"
#define PUT_CLS "{\"SpecialToken\": {\"id\": \"[CLS]\", \"type_id\": 0}}, "
#define PUT_SEP ", {\"SpecialToken\": {\"id\": \"[SEP]\", \"type_id\": 0}}"
#define BERT_TEMPLATE TEMPLATE(PUT_CLS, PUT_SEP, "2", "3")
#define BERT_ADDED "[{\"id\": 0, \"content\": \"[PAD]\", \"special\": true}, " \
	"{\"id\": 4, \"content\": \"[MASK]\", \"special\": true}]"

static size_t
make_json(char json[4000], const Parts *parts)
{
	return snprintf(json, 4000,
					"{\"version\": \"1.0\", \"truncation\": {\"max_length\": 3}, \"padding\": null, "
					"\"added_tokens\": %s, \"normalizer\": %s, \"pre_tokenizer\": %s, "
					"\"post_processor\": %s, \"decoder\": null, \"model\": %s}",
					parts->added ? parts->added : BERT_ADDED,
					parts->normalizer ? parts->normalizer : BERT_NORMALIZER,
					parts->pre_tokenizer ? parts->pre_tokenizer : "{\"type\": \"BertPreTokenizer\"}",
					parts->processor ? parts->processor : BERT_TEMPLATE,
					parts->model ? parts->model : BERT_MODEL);
}

static Tokenizer *
open_json(Parts parts)
{
	char		json[4000];

	write_file("tokenizer.json", json, make_json(json, &parts));
	error.message[0] = '\0';
	return inf_tokenizer_open(folder, NVOCABULARY, &error);
}

#define OPEN_JSON(...) open_json((Parts) {__VA_ARGS__})

static void
test_json(void)
{
	Tokenizer  *t = OPEN_JSON(.model = NULL);

	if (!CHECK(t != NULL))
		return;
	CHECK_STR(error.message, "");
	CHECK_INT(inf_tokenizer_size(t), 9);
	CHECK_STR(inf_tokenizer_token(t, 4), "[MASK]");
	CHECK(inf_tokenizer_is_special(t, 4));
	CHECK_STR(tokens(t, "Hello ab [MASK] _b"), "hello|a|##b|[UNK]|[UNK]|[UNK]|[UNK]|[UNK]");
	inf_tokenizer_close(t);

	/* The older post-processor; a model of the first versions; another prefix */
	t = OPEN_JSON(.processor = "{\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", 3], \"cls\": [\"[CLS]\", 2]}");
	CHECK_STR(tokens(t, "Hello"), "hello");
	inf_tokenizer_close(t);
	t = OPEN_JSON(.model = "{\"max_input_chars_per_word\": 2, \"continuing_subword_prefix\": \"_\", " BERT_VOCAB "}");
	CHECK_STR(tokens(t, "ab hello a"), "a|_b|[UNK]|a");
	inf_tokenizer_close(t);

	/* Text as it is */
	t = OPEN_JSON(.normalizer = "null");
	CHECK_STR(tokens(t, "Hello hello a\x01" "b a\x0b" "a\xc2\x85" "a\xc2\xa0" "a"), "[UNK]|hello|[UNK]|a|a|a|a");
	inf_tokenizer_close(t);

	/* Without a mask; with tokens that are added behind the others */
	t = OPEN_JSON(.added = "[{\"id\": 10, \"content\": \"ab\", \"special\": true}]");
	CHECK_INT(inf_tokenizer_size(t), 11);
	CHECK_STR(inf_tokenizer_token(t, 10), "ab");
	CHECK_STR(inf_tokenizer_token(t, 9), NULL);
	CHECK(!inf_tokenizer_is_special(t, 4));
	CHECK_STR(tokens(t, "ab"), "a|##b");
	inf_tokenizer_close(t);
	remove_file("tokenizer.json");
}

static void
test_other_kinds(void)
{
	/* Other models and parts */
	CHECK_STR(fault(OPEN_JSON(.model = "{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}"), ENGINE_UNSUPPORTED),
			  "\"/tokenizer.json\" is a tokenizer of type \"BPE\"; supported is \"WordPiece\"");
	CHECK_STR(fault(OPEN_JSON(.model = "{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0.5]]}"), ENGINE_UNSUPPORTED),
			  "\"/tokenizer.json\" is a tokenizer of type \"Unigram\"; supported is \"WordPiece\"");
	CHECK_STR(fault(OPEN_JSON(.model = "{\"vocab\": [[\"a\", 0.5]]}"), ENGINE_UNSUPPORTED),
			  "\"/tokenizer.json\" is a tokenizer of type \"null\"; supported is \"WordPiece\"");
	CHECK_STR(fault(OPEN_JSON(.model = "null"), ENGINE_UNSUPPORTED),
			  "\"/tokenizer.json\" is a tokenizer of type \"null\"; supported is \"WordPiece\"");
	CHECK_STR(fault(OPEN_JSON(.normalizer = "{\"type\": \"Sequence\", \"normalizers\": [" BERT_NORMALIZER "]}"), ENGINE_UNSUPPORTED),
			  "the normalizer of \"/tokenizer.json\" is of type \"Sequence\"; supported is BERT's, of type \"BertNormalizer\"");
	CHECK_STR(fault(OPEN_JSON(.pre_tokenizer = "{\"type\": \"Metaspace\"}"), ENGINE_UNSUPPORTED),
			  "the pre-tokenizer of \"/tokenizer.json\" is of type \"Metaspace\"; supported is BERT's, of type \"BertPreTokenizer\"");
	CHECK_STR(fault(OPEN_JSON(.pre_tokenizer = "null"), ENGINE_UNSUPPORTED),
			  "the pre-tokenizer of \"/tokenizer.json\" is of type \"null\"; supported is BERT's, of type \"BertPreTokenizer\"");
	CHECK_STR(fault(OPEN_JSON(.processor = "{\"type\": \"RobertaProcessing\"}"), ENGINE_UNSUPPORTED),
			  "the post-processor of \"/tokenizer.json\" is of type \"RobertaProcessing\"; supported is BERT's, of type \"TemplateProcessing\"");
	CHECK_STR(fault(OPEN_JSON(.processor = "null"), ENGINE_UNSUPPORTED),
			  "the post-processor of \"/tokenizer.json\" is of type \"null\"; supported is BERT's, of type \"TemplateProcessing\"");
	CHECK_STR(fault(OPEN_JSON(.processor = TEMPLATE("", PUT_SEP, "2", "3")), ENGINE_UNSUPPORTED),
			  "the template of \"/tokenizer.json\" is not \"[CLS] $A [SEP]\"; only that is supported");
	CHECK_STR(fault(OPEN_JSON(.processor = TEMPLATE(PUT_CLS, PUT_SEP PUT_SEP, "2", "3")), ENGINE_UNSUPPORTED),
			  "the template of \"/tokenizer.json\" is not \"[CLS] $A [SEP]\"; only that is supported");
	CHECK_STR(fault(OPEN_JSON(.processor = TEMPLATE(PUT_CLS, PUT_SEP, "3", "3")), ENGINE_BAD_FILE),
			  "the post-processor of \"/tokenizer.json\" gives \"[CLS]\" another id than 2, which it has in the vocabulary");
	CHECK_STR(fault(OPEN_JSON(.processor = TEMPLATE(PUT_CLS, PUT_SEP, "2", "")), ENGINE_BAD_FILE),
			  "the post-processor of \"/tokenizer.json\" gives \"[SEP]\" another id than 3, which it has in the vocabulary");
	CHECK_STR(fault(OPEN_JSON(.processor = "{\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", 4]}"), ENGINE_BAD_FILE),
			  "the post-processor of \"/tokenizer.json\" gives \"[CLS]\" another id than 2, which it has in the vocabulary");
	CHECK_STR(fault(OPEN_JSON(.added = "[{\"id\": 9, \"content\": \"c++\", \"special\": false}]"), ENGINE_UNSUPPORTED),
			  "\"/tokenizer.json\" adds the token \"c++\", which is not a special one; that is not supported");

	/* Broken ones */
	CHECK_STR(fault(OPEN_JSON(.added = "[{\"id\": 9}]"), ENGINE_BAD_FILE),
			  "added token 0 of \"/tokenizer.json\", counted from 0, lacks its content or id");
	CHECK_STR(fault(OPEN_JSON(.added = "[{\"id\": 5, \"content\": \"[X]\", \"special\": true}]"), ENGINE_BAD_FILE),
			  "\"/tokenizer.json\" gives id 5 to two tokens, \"hello\" and \"[X]\"");
	CHECK_STR(fault(OPEN_JSON(.added = "[{\"id\": 100, \"content\": \"[X]\", \"special\": true}]"), ENGINE_BAD_FILE),
			  "token \"[X]\" of \"/tokenizer.json\" has id 100, but the model has rows for ids 0 to 99");
	CHECK_STR(fault(OPEN_JSON(.normalizer = "{\"type\": \"BertNormalizer\", \"lowercase\": \"yes\"}"), ENGINE_BAD_FILE),
			  "\"lowercase\" of \"/tokenizer.json\" is neither true nor false");
	CHECK_STR(fault(OPEN_JSON(.model = "{\"type\": \"WordPiece\", \"unk_token\": \"<unk>\"}"), ENGINE_UNSUPPORTED),
			  "the unknown token of \"/tokenizer.json\" is not \"[UNK]\"");
	CHECK_STR(fault(OPEN_JSON(.model = "{\"type\": \"WordPiece\", \"max_input_chars_per_word\": 257}"), ENGINE_UNSUPPORTED),
			  "\"max_input_chars_per_word\" of \"/tokenizer.json\" is not an integer from 1 to 256");
	CHECK_STR(fault(OPEN_JSON(.model = "{\"type\": \"WordPiece\", \"max_input_chars_per_word\": 0}"), ENGINE_UNSUPPORTED),
			  "\"max_input_chars_per_word\" of \"/tokenizer.json\" is not an integer from 1 to 256");
	CHECK_STR(fault(OPEN_JSON(.model = "{\"type\": \"WordPiece\", \"continuing_subword_prefix\": 1}"), ENGINE_BAD_FILE),
			  "\"continuing_subword_prefix\" of \"/tokenizer.json\" is not a string");
	CHECK_STR(fault(OPEN_JSON(.model = "{\"type\": \"WordPiece\"}"), ENGINE_BAD_FILE),
			  "the vocabulary of \"/tokenizer.json\" is not an object of tokens and ids");
	CHECK_STR(fault(OPEN_JSON(.model = "{\"type\": \"WordPiece\", \"vocab\": {\"[UNK]\": 1}}"), ENGINE_BAD_FILE),
			  "the vocabulary of \"/tokenizer.json\" lacks the token \"[CLS]\"");
	write_file("tokenizer.json", "[]", 2);
	CHECK_STR(folder_fault(ENGINE_BAD_FILE),
			  "\"/tokenizer.json\" is not a JSON object");
	write_file("tokenizer.json", "", 0);
	CHECK(strncmp(folder_fault(ENGINE_BAD_FILE),
				  "\"/tokenizer.json\" is not valid JSON: ", 36) == 0);
	remove_file("tokenizer.json");
}

/* Numbers that are the same in each run. */
static uint32_t
next_random(void)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return state >> 33;
}

/* Puts, overwrites or cuts a few bytes; at least one is left. */
static size_t
mutate(char *bytes, size_t length, const char *alphabet)
{
	const size_t nletters = strlen(alphabet);

	for (int i = next_random() % 3; i >= 0; i--)
	{
		const size_t at = next_random() % length;

		if (next_random() % 8 == 0 && at > 0)
			length = at;
		else
			bytes[at] = next_random() % 4 == 0 ? (char) next_random() :
				alphabet[next_random() % nletters];
	}
	return length;
}

/* Opens what is in the folder, and uses it on bytes as they come. */
static bool
survives(const char *text, size_t length)
{
	Tokenizer  *t = inf_tokenizer_open(folder, NVOCABULARY, &error);
	int32_t		ids[32];
	int			nids = 0;
	bool		truncated;
	bool		is_good = true;

	if (t == NULL)
		return error.message[0] != '\0';
	if (inf_tokenizer_encode(t, text, length, 32, ids, &nids, &truncated, &error))
		for (int i = 0; i < nids; i++)
			is_good = is_good && inf_tokenizer_token(t, ids[i]) != NULL;
	inf_tokenizer_close(t);
	return is_good;
}

static void
test_mutations(void)
{
	char		bytes[4000];
	bool		survived = true;

	for (int i = 0; i < 3000; i++)
	{
		const Parts parts = {.model = NULL};
		const size_t length = mutate(bytes, make_json(bytes, &parts), "[]{}\",:019-.#\\e _");

		write_file("tokenizer.json", bytes, length);
		survived = survived && survives(bytes, length);
	}
	CHECK(survived);
	remove_file("tokenizer.json");

	for (int i = 0; i < 3000; i++)
	{
		size_t		length = 0;

		for (int j = 0; j < NTOKENS; j++)
			length += snprintf(bytes + length, sizeof(bytes) - length, "%s\n", vocabulary[j]);

		/* The special tokens are the first, and stay for most of the runs. */
		length = 35 + mutate(bytes + 35, length - 35, "\n\r#[]ab\x80\xc3");
		write_file("vocab.txt", bytes, length);
		survived = survived && survives(bytes, length);
	}
	CHECK(survived);
	remove_file("vocab.txt");
}

/* Texts at random, of bytes that make most of the kinds of characters. */
static void
test_random_texts(void)
{
	static const char *const pieces[] = {
		"a", "A", "hello", "un", "!", " ", "\t", "\xcc\x81", "\xcd\x8f", "\xe3\x80\xae", "\xe1\xad\x84",
		"\xea\xb0\x80", "\xe4\xb8\xad", "\xe2\x80\x8b", "\xe2\x89\xa0", "\xf0\x9d\x85\x9e", "\xc4\xb0", "\xe3\x8e\x8f"
	};
	Tokenizer  *t = open_vocab(NULL);
	bool		is_good = t != NULL;

	for (int i = 0; i < 20000 && is_good; i++)
	{
		char		text[2000];
		size_t		length = 0;
		int32_t		ids[64];
		int			nids = 0;
		int			nids_cut = 0;
		int32_t		ids_cut[8];
		bool		truncated;
		bool		truncated_cut;

		for (int n = next_random() % 60; n > 0; n--)
		{
			const char *piece = pieces[next_random() % (sizeof(pieces) / sizeof(pieces[0]))];

			for (int times = next_random() % 20 == 0 ? 12 : 1; times > 0 && length < 1990; times--)
			{
				memcpy(text + length, piece, strlen(piece));
				length += strlen(piece);
			}
		}

		/* The first ids do not hinge on how many there may be. */
		is_good = inf_tokenizer_encode(t, text, length, 64, ids, &nids, &truncated, &error) &&
			inf_tokenizer_encode(t, text, length, 8, ids_cut, &nids_cut, &truncated_cut, &error) &&
			(nids > 8) == truncated_cut && (nids == 64 || !truncated) &&
			nids_cut == (nids > 8 ? 8 : nids) &&
			memcmp(ids, ids_cut, (nids_cut - 1) * sizeof(ids[0])) == 0;
	}
	CHECK(is_good);
	inf_tokenizer_close(t);
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 2;
	test_lowercase();
	test_long_words();
	test_truncation();
	test_bad_utf8();
	test_cased();
	test_vocab_files();
	test_json();
	test_other_kinds();
	test_mutations();
	test_random_texts();
	remove_file("vocab.txt");
	remove_file("tokenizer_config.json");
	CHECK_INT(rmdir(folder), 0);
	return check_done();
}
