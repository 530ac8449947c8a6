/*
 * test_model_config.c
 *		Folders of models: what they say, what they leave out, what of them is
 *		refused, and with which words.
 */
#include "engine/model_config.h"

#include "check.h"
#include "temp_folder.h"

#define POOLING "1_Pooling/config.json"
#define SPLADE "1_SpladePooling/config.json"
#define SENTENCE "sentence_bert_config.json"
#define ROUTER "router_config.json"
#define MODULE(path, class) "{\"idx\": 0, \"name\": \"0\", \"path\": \"" path "\", \"type\": \"sentence_transformers.models." class "\"}"

static EngineError error;
static ModelConfig config;

/* A folder with nothing but config.json. */
static void
start(const char *json)
{
	temp_folder_clear();
	temp_folder_write_text("config.json", json);
}

/* NULL if the folder is good. */
static const char *
fault(void)
{
	memset(&config, 0x55, sizeof(config));
	return inf_model_config_read(&config, temp_folder, &error) ? NULL : error.message;
}

static const char *
fault_of(const char *json)
{
	start(json);
	return fault();
}

/* config.json of a small BERT with one more member, a comma in front. */
static const char *
fault_of_bert(const char *more)
{
	char		json[512];

	snprintf(json, sizeof(json), "{\"model_type\": \"bert\", \"vocab_size\": 100%s}", more);
	return fault_of(json);
}

/* --- config.json --------------------------------------------------------- */

static void
test_bert(void)
{
	CHECK_STR(fault_of_bert(""), NULL);
	CHECK_INT(config.family, MODEL_BERT);
	CHECK_INT(config.head, MODEL_HEAD_MEAN);
	CHECK(!config.normalize && !config.drops_special_tokens);
	CHECK_INT(config.nlayers, 12);
	CHECK_INT(config.width, 768);
	CHECK_INT(config.nheads, 12);
	CHECK_INT(config.inner_width, 3072);
	CHECK_INT(config.nvocabulary, 100);
	CHECK_INT(config.npositions, 512);
	CHECK_INT(config.ntypes, 2);
	CHECK_INT(config.max_tokens, 512);
	CHECK(config.layer_norm_epsilon == 1e-12f);

	CHECK_STR(fault_of_bert(", \"num_hidden_layers\": 6, \"hidden_size\": 384, \"num_attention_heads\": 24,"
							"\"intermediate_size\": 1536, \"max_position_embeddings\": 128,"
							"\"type_vocab_size\": 0, \"layer_norm_eps\": 1e-05, \"hidden_act\": \"gelu\","
							"\"position_embedding_type\": \"absolute\", \"is_decoder\": false,"
							"\"architectures\": [\"BertModel\"]"), NULL);
	CHECK_INT(config.nlayers, 6);
	CHECK_INT(config.width, 384);
	CHECK_INT(config.nheads, 24);
	CHECK_INT(config.inner_width, 1536);
	CHECK_INT(config.npositions, 128);
	CHECK_INT(config.ntypes, 0);
	CHECK_INT(config.max_tokens, 128);
	CHECK(config.layer_norm_epsilon == 1e-5f);
	CHECK_INT(config.head, MODEL_HEAD_MEAN);

	/* Null is as good as nothing. */
	CHECK_STR(fault_of_bert(", \"hidden_act\": null, \"position_embedding_type\": null,"
							"\"is_decoder\": null, \"architectures\": null, \"num_hidden_layers\": null"), NULL);
	CHECK_INT(config.nlayers, 12);
}

static void
test_distilbert(void)
{
	CHECK_STR(fault_of("{\"model_type\": \"distilbert\", \"vocab_size\": 30522}"), NULL);
	CHECK_INT(config.family, MODEL_DISTILBERT);
	CHECK_INT(config.nlayers, 6);
	CHECK_INT(config.width, 768);
	CHECK_INT(config.nheads, 12);
	CHECK_INT(config.inner_width, 3072);
	CHECK_INT(config.nvocabulary, 30522);
	CHECK_INT(config.npositions, 512);
	CHECK_INT(config.ntypes, 0);

	/* BERT's names mean nothing to it. */
	CHECK_STR(fault_of("{\"model_type\": \"distilbert\", \"vocab_size\": 9, \"n_layers\": 2, \"dim\": 64,"
					   "\"n_heads\": 4, \"hidden_dim\": 128, \"activation\": \"gelu\","
					   "\"layer_norm_eps\": 0.5, \"num_hidden_layers\": 99, \"type_vocab_size\": 5,"
					   "\"hidden_act\": \"relu\", \"architectures\": [\"DistilBertForMaskedLM\"]}"), NULL);
	CHECK_INT(config.nlayers, 2);
	CHECK_INT(config.width, 64);
	CHECK_INT(config.nheads, 4);
	CHECK_INT(config.inner_width, 128);
	CHECK_INT(config.ntypes, 0);
	CHECK(config.layer_norm_epsilon == 1e-12f);
	CHECK_INT(config.head, MODEL_HEAD_SPARSE);
}

#define OF_CONFIG "file \"config.json\" of the model: "

static void
test_unsupported(void)
{
	CHECK_STR(fault_of("{\"model_type\": \"roberta\", \"vocab_size\": 9}"),
			  OF_CONFIG "\"model_type\" is \"roberta\", and only \"bert\" and \"distilbert\" are supported");
	CHECK_INT(error.code, ENGINE_UNSUPPORTED);
	CHECK_STR(fault_of_bert(", \"hidden_act\": \"relu\""),
			  OF_CONFIG "\"hidden_act\" is \"relu\", and only \"gelu\" is supported");
	CHECK_INT(error.code, ENGINE_UNSUPPORTED);
	CHECK(fault_of_bert(", \"hidden_act\": \"gelu_new\"") != NULL);
	CHECK_STR(fault_of("{\"model_type\": \"distilbert\", \"vocab_size\": 9, \"activation\": \"relu\"}"),
			  OF_CONFIG "\"activation\" is \"relu\", and only \"gelu\" is supported");
	CHECK_STR(fault_of_bert(", \"position_embedding_type\": \"relative_key\""),
			  OF_CONFIG "\"position_embedding_type\" is \"relative_key\", and only \"absolute\" is supported");
	CHECK_STR(fault_of_bert(", \"is_decoder\": true"),
			  OF_CONFIG "\"is_decoder\" is true, and only encoders are supported");
	CHECK_INT(error.code, ENGINE_UNSUPPORTED);
	CHECK_STR(fault_of_bert(", \"is_decoder\": 1"), OF_CONFIG "\"is_decoder\" is neither true nor false");
	CHECK_INT(error.code, ENGINE_BAD_FILE);
	CHECK_STR(fault_of_bert(", \"hidden_act\": 1"), OF_CONFIG "\"hidden_act\" is not a string");
}

static void
test_bad_files(void)
{
	char		expected[256];

	temp_folder_clear();
	snprintf(expected, sizeof(expected),
			 "could not open file \"%s/config.json\": No such file or directory", temp_folder);
	CHECK_STR(fault(), expected);
	CHECK_INT(error.code, ENGINE_NO_FILE);
	CHECK_INT(mkfifo(temp_folder_path("config.json"), 0600), 0);
	snprintf(expected, sizeof(expected), "\"%s/config.json\" is not a regular file", temp_folder);
	CHECK_STR(fault(), expected);

	CHECK_STR(fault_of(""), OF_CONFIG "it is not valid JSON: it ends too early");
	CHECK_STR(fault_of("{\"model_type\": \"bert\""), OF_CONFIG "it is not valid JSON: it ends too early");
	CHECK_STR(fault_of("{\"a\": 1, \"a\": 1}"), OF_CONFIG "it is not valid JSON: an object contains a key twice");
	CHECK_STR(fault_of("{\"\xc3\": 1}"), OF_CONFIG "it is not valid JSON: a string is not valid UTF-8");
	CHECK_STR(fault_of("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
			  OF_CONFIG "it is not valid JSON: it is nested too deeply");
	CHECK_INT(error.code, ENGINE_BAD_FILE);
	CHECK_STR(fault_of("[]"), OF_CONFIG "it has no \"model_type\"");
	CHECK_STR(fault_of("null"), OF_CONFIG "it has no \"model_type\"");
	CHECK_STR(fault_of("{\"model_type\": 5}"), OF_CONFIG "it has no \"model_type\"");
	CHECK_STR(fault_of("{\"model_type\": \"b\\n\\u001b[31m\"}"),
			  OF_CONFIG "\"model_type\" is \"b??[31m\", and only \"bert\" and \"distilbert\" are supported");
	CHECK_STR(fault_of("{\"model_type\": \"bert\"}"), OF_CONFIG "\"vocab_size\" is missing");
	CHECK_STR(fault_of("{\"model_type\": \"bert\", \"vocab_size\": null}"), OF_CONFIG "\"vocab_size\" is missing");

	start("{}");
	CHECK_INT(truncate(temp_folder_path("config.json"), 16777217), 0);
	CHECK_STR(fault(), OF_CONFIG "it is larger than 16777216 bytes");
}

/* Whether a value of that member is refused as no integer in range. */
static bool
is_refused(const char *key, const char *value)
{
	char		more[128];
	char		expected[128];
	const char *message;

	snprintf(more, sizeof(more), ", \"%s\": %s", key, value);
	snprintf(expected, sizeof(expected), OF_CONFIG "\"%s\" is not an integer from ", key);
	message = fault_of_bert(more);
	return message && strncmp(message, expected, strlen(expected)) == 0;
}

static void
test_numbers(void)
{
	static const char *const hostile[] = {
		"1e999", "-1e999", "1e2", "12.0", "-0", "-1", "2147483648", "4294967308",
		"9223372036854775807", "9223372036854775808", "18446744073709551628",
		"1000000000000000019884624838656", "\"12\"", "true", "[12]", "{}"
	};
	static const char *const keys[] = {
		"num_hidden_layers", "hidden_size", "num_attention_heads",
		"intermediate_size", "max_position_embeddings"
	};

	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++)
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
			if (!CHECK(is_refused(keys[k], hostile[i])))
				printf("# %s: %s\n", keys[k], hostile[i]);

	CHECK_STR(fault_of("{\"model_type\": \"bert\", \"vocab_size\": 4000001}"),
			  OF_CONFIG "\"vocab_size\" is not an integer from 1 to 4000000");
	CHECK(is_refused("num_hidden_layers", "257"));
	CHECK(is_refused("hidden_size", "16385"));
	CHECK(is_refused("intermediate_size", "65537"));
	CHECK(is_refused("max_position_embeddings", "65537"));
	CHECK(is_refused("max_position_embeddings", "1"));
	CHECK(is_refused("type_vocab_size", "-1"));
	CHECK(is_refused("type_vocab_size", "65537"));
	CHECK_STR(fault_of_bert(", \"type_vocab_size\": -0"), NULL);
	CHECK_STR(fault_of_bert(", \"num_hidden_layers\": 256, \"hidden_size\": 16384, \"num_attention_heads\": 16384,"
							"\"intermediate_size\": 65536, \"max_position_embeddings\": 65536"), NULL);
	CHECK_STR(fault_of_bert(", \"hidden_size\": 100"),
			  OF_CONFIG "a width of 100 cannot be divided among 12 heads");

	CHECK_STR(fault_of_bert(", \"layer_norm_eps\": 0"), NULL);
	CHECK_STR(fault_of_bert(", \"layer_norm_eps\": 1e-400"), NULL);
	CHECK_STR(fault_of_bert(", \"layer_norm_eps\": 1e999"), OF_CONFIG "\"layer_norm_eps\" is not a number from 0 to 1");
	CHECK(fault_of_bert(", \"layer_norm_eps\": -1e-12") != NULL);
	CHECK(fault_of_bert(", \"layer_norm_eps\": \"1e-12\"") != NULL);
	CHECK_STR(fault_of_bert(", \"layer_norm_eps\": NaN"),
			  OF_CONFIG "it is not valid JSON: it contains NaN, which is not a JSON number");
}

static void
test_architectures(void)
{
	CHECK_STR(fault_of_bert(", \"architectures\": [\"BertModel\", \"BertForMaskedLM\"]"), NULL);
	CHECK_INT(config.head, MODEL_HEAD_SPARSE);
	CHECK_STR(fault_of_bert(", \"architectures\": [null, 5, \"\", \"LM\", \"BertMaskedLM\", \"BertForMaskedLMs\"]"), NULL);
	CHECK_INT(config.head, MODEL_HEAD_MEAN);
	CHECK_STR(fault_of_bert(", \"architectures\": \"BertForMaskedLM\""), NULL);
	CHECK_INT(config.head, MODEL_HEAD_MEAN);
}

/* --- modules.json -------------------------------------------------------- */

/* A dense model with that pooling. */
static const char *
fault_of_pooling(const char *pooling)
{
	(void) fault_of_bert(", \"architectures\": [\"BertForMaskedLM\"]");
	temp_folder_write_text("modules.json",
						   "[" MODULE("", "Transformer") "," MODULE("1_Pooling", "Pooling") "]");
	temp_folder_make_folder("1_Pooling");
	temp_folder_write_text(POOLING, pooling);
	return fault();
}

#define OF_POOLING "file \"" POOLING "\" of the model: "

static void
test_pooling(void)
{
	CHECK_STR(fault_of_pooling("{\"word_embedding_dimension\": 768, \"pooling_mode_mean_tokens\": true,"
							   "\"pooling_mode_cls_token\": false, \"pooling_mode_max_tokens\": false}"), NULL);
	CHECK_INT(config.head, MODEL_HEAD_MEAN);
	CHECK(!config.normalize);
	CHECK_STR(fault_of_pooling("{\"pooling_mode_mean_tokens\": null, \"pooling_mode_cls_token\": true}"), NULL);
	CHECK_INT(config.head, MODEL_HEAD_CLS);

	CHECK_STR(fault_of_pooling("{\"pooling_mode_max_tokens\": true}"),
			  OF_POOLING "\"pooling_mode_max_tokens\" is true, and only mean and cls pooling are supported");
	CHECK_INT(error.code, ENGINE_UNSUPPORTED);
	CHECK(strstr(fault_of_pooling("{\"pooling_mode_mean_tokens\": true, \"pooling_mode_lasttoken\": true}"), "lasttoken"));
	CHECK(strstr(fault_of_pooling("{\"pooling_mode_mean_sqrt_len_tokens\": true}"), "sqrt_len"));
	CHECK(strstr(fault_of_pooling("{\"pooling_mode_weightedmean_tokens\": true}"), "weightedmean"));
	CHECK_STR(fault_of_pooling("{\"pooling_mode_mean_tokens\": 1}"),
			  OF_POOLING "\"pooling_mode_mean_tokens\" is neither true nor false");
	CHECK_STR(fault_of_pooling("{\"pooling_mode_mean_tokens\": true, \"pooling_mode_max_tokens\": \"no\"}"),
			  OF_POOLING "\"pooling_mode_max_tokens\" is neither true nor false");
	CHECK_STR(fault_of_pooling("{}"),
			  OF_POOLING "one of \"pooling_mode_mean_tokens\" and \"pooling_mode_cls_token\" has to be true");
	CHECK(fault_of_pooling("{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": true}") != NULL);
	CHECK_STR(fault_of_pooling("{"), OF_POOLING "it is not valid JSON: it ends too early");
	CHECK(fault_of_pooling("[]") != NULL);

	(void) fault_of_pooling("");
	CHECK_INT(remove(temp_folder_path(POOLING)), 0);
	CHECK(strstr(fault(), POOLING "\": No such file or directory") != NULL);
}

/* With those modules, and mean pooling in 1_Pooling. */
static const char *
fault_of_modules(const char *modules)
{
	(void) fault_of_pooling("{\"pooling_mode_mean_tokens\": true}");
	temp_folder_write_text("modules.json", modules);
	return fault();
}

#define OF_MODULES "file \"modules.json\" of the model: "
#define SUPPORTED ", and only Transformer and Pooling, with or without Normalize, or MLMTransformer and SpladePooling are supported"

static void
test_modules(void)
{
	static char many[400 * 1024];
	size_t		length;

	CHECK_STR(fault_of_modules("[" MODULE("", "Transformer") "," MODULE("1_Pooling", "Pooling") ","
							   MODULE("2_Normalize", "Normalize") "]"), NULL);
	CHECK(config.normalize);
	CHECK_STR(fault_of_modules("[{\"type\": \"Transformer\"}, {\"type\": \"Pooling\", \"path\": \"1_Pooling\"}]"), NULL);

	CHECK_STR(fault_of_modules("{}"), OF_MODULES "it has no list of modules");
	CHECK_STR(fault_of_modules("[]"), OF_MODULES "it has no list of modules");
	CHECK_STR(fault_of_modules("null"), OF_MODULES "it has no list of modules");
	CHECK_STR(fault_of_modules("[" MODULE("0_Transformer", "Transformer") "," MODULE("1_Pooling", "Pooling") "]"),
			  OF_MODULES "the encoder is in folder \"0_Transformer\", and only one in the model's own is supported");
	CHECK_INT(error.code, ENGINE_UNSUPPORTED);
	CHECK_STR(fault_of_modules("[" MODULE("", "Transformer") "," MODULE("1_Pooling", "Pooling") ","
							   MODULE("2_Dense", "Dense") "]"),
			  OF_MODULES "module 3 of the model is \"Dense\"" SUPPORTED);
	CHECK_INT(error.code, ENGINE_UNSUPPORTED);
	CHECK_STR(fault_of_modules("[" MODULE("", "CLIPModel") "]"), OF_MODULES "module 1 of the model is \"CLIPModel\"" SUPPORTED);
	CHECK_STR(fault_of_modules("[5]"), OF_MODULES "module 1 of the model is \"\"" SUPPORTED);
	CHECK_STR(fault_of_modules("[{\"type\": \"models.\"}]"), OF_MODULES "module 1 of the model is \"\"" SUPPORTED);
	CHECK_STR(fault_of_modules("[" MODULE("", "Transformer") "]"),
			  OF_MODULES "the model has no module that pools, so it gives no embeddings of texts");

	/* In another order they are another network. */
	CHECK(fault_of_modules("[" MODULE("1_Pooling", "Pooling") "," MODULE("", "Transformer") "]") != NULL);
	CHECK(fault_of_modules("[" MODULE("", "Transformer") "," MODULE("", "Normalize") "," MODULE("1_Pooling", "Pooling") "]") != NULL);
	CHECK(fault_of_modules("[" MODULE("", "MLMTransformer") "," MODULE("1_Pooling", "Pooling") "]") != NULL);
	CHECK(fault_of_modules("[" MODULE("", "Transformer") "," MODULE("", "Normalize") "]") != NULL);
	CHECK(fault_of_modules("[" MODULE("", "Transformer") "," MODULE("", "Transformer") "]") != NULL);

	/* A folder read a thousand times would take long. */
	length = snprintf(many, sizeof(many), "[" MODULE("", "Transformer"));
	for (int i = 0; i < 3000; i++)
		length += snprintf(many + length, sizeof(many) - length, "," MODULE("1_Pooling", "Pooling"));
	strcpy(many + length, "]");
	CHECK_STR(fault_of_modules(many), OF_MODULES "module 3 of the model is \"Pooling\"" SUPPORTED);
}

static void
test_module_paths(void)
{
	static const char *const paths[] = {"", ".", "..", "../x", "/etc", "a/b", "1_Pooling/", ".1_Pooling"};
	char		modules[1024];
	char		expected[512];

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
	{
		snprintf(modules, sizeof(modules),
				 "[{\"type\": \"Transformer\"}, {\"type\": \"Pooling\", \"path\": \"%s\"}]", paths[i]);
		snprintf(expected, sizeof(expected), OF_MODULES "\"%s\" is not a folder of the model", paths[i]);
		CHECK_STR(fault_of_modules(modules), expected);
	}
	snprintf(modules, sizeof(modules),
			 "[{\"type\": \"Transformer\"}, {\"type\": \"Pooling\", \"path\": \"%0500d\"}]", 0);
	snprintf(expected, sizeof(expected), OF_MODULES "\"%0100d\" is not a folder of the model", 0);
	CHECK_STR(fault_of_modules(modules), expected);
	CHECK(fault_of_modules("[{\"type\": \"Transformer\"}, {\"type\": \"Pooling\", \"path\": 1}]") != NULL);
}

/* A sparse model with that pooling; NULL: without its file. */
static const char *
fault_of_splade(const char *pooling)
{
	(void) fault_of_bert("");
	temp_folder_write_text("modules.json",
						   "[" MODULE("", "MLMTransformer.MLMTransformer") ","
						   MODULE("1_SpladePooling", "SpladePooling.SpladePooling") "]");
	temp_folder_make_folder("1_SpladePooling");
	if (pooling)
		temp_folder_write_text(SPLADE, pooling);
	return fault();
}

#define OF_SPLADE "file \"" SPLADE "\" of the model: "

static void
test_sparse(void)
{
	CHECK_STR(fault_of_splade(NULL), NULL);
	CHECK_INT(config.head, MODEL_HEAD_SPARSE);
	CHECK_STR(fault_of_splade("{}"), NULL);
	CHECK_INT(config.head, MODEL_HEAD_SPARSE);
	CHECK(!config.drops_special_tokens && !config.normalize);
	CHECK_STR(fault_of_splade("{\"pooling_strategy\": \"max\", \"activation_function\": \"relu\","
							  "\"word_embedding_dimension\": null}"), NULL);
	CHECK_STR(fault_of_splade("{\"pooling_strategy\": \"sum\"}"),
			  OF_SPLADE "\"pooling_strategy\" is \"sum\", and only \"max\" is supported");
	CHECK_INT(error.code, ENGINE_UNSUPPORTED);
	CHECK_STR(fault_of_splade("{\"activation_function\": \"log1p_relu\"}"), NULL);
	CHECK_STR(fault_of_splade("{\"activation_function\": \"tanh\"}"),
			  OF_SPLADE "\"activation_function\" is \"tanh\", and only \"relu\" is supported");
	CHECK_STR(fault_of_splade("{\"pooling_strategy\": 1}"), OF_SPLADE "\"pooling_strategy\" is not a string");
	CHECK_STR(fault_of_splade("{\"pooling_strategy\": \"\"}"),
			  OF_SPLADE "\"pooling_strategy\" is \"\", and only \"max\" is supported");

	(void) fault_of_splade("{}");
	temp_folder_write_text("idf.json", "");
	CHECK_STR(fault(), NULL);
	CHECK(config.drops_special_tokens);
	temp_folder_write_text("modules.json",
						   "[" MODULE("", "MLMTransformer") "," MODULE("1_SpladePooling", "SpladePooling") ","
						   MODULE("", "Normalize") "]");
	CHECK_STR(fault(), OF_MODULES "module 3 of the model is \"Normalize\"" SUPPORTED);
}

/* A model that has routes. */
static const char *
fault_of_routes(const char *routes)
{
	(void) fault_of_splade("{}");
	temp_folder_write_text("modules.json", "[" MODULE("", "Router") "]");
	temp_folder_write_text(ROUTER, routes);
	return fault();
}

#define OF_ROUTER "file \"" ROUTER "\" of the model: "
#define ROUTER_TYPES "\"types\": {\"query_0_SparseStaticEmbedding\": \"models.SparseStaticEmbedding\"," \
	"\"\": \"models.MLMTransformer\", \"1_SpladePooling\": \"models.SpladePooling\"}"

static void
test_routes(void)
{
	CHECK_STR(fault_of_routes("{" ROUTER_TYPES ", \"structure\": {\"query\": [\"query_0_SparseStaticEmbedding\"],"
							  "\"document\": [\"\", \"1_SpladePooling\"]}, \"parameters\": {}}"), NULL);
	CHECK_INT(config.head, MODEL_HEAD_SPARSE);
	CHECK_STR(fault_of_routes("{" ROUTER_TYPES ", \"structure\": {\"document\": [\"query_0_SparseStaticEmbedding\"]}}"),
			  OF_ROUTER "module 1 of the model is \"SparseStaticEmbedding\"" SUPPORTED);
	CHECK_STR(fault_of_routes("{" ROUTER_TYPES ", \"structure\": {\"document\": [\"nowhere\"]}}"),
			  OF_ROUTER "module 1 of the model is \"\"" SUPPORTED);
	CHECK(fault_of_routes("{\"structure\": {\"document\": [\"\", \"1_SpladePooling\"]}}") != NULL);
	CHECK(fault_of_routes("{\"types\": [], \"structure\": {\"document\": [\"\", {}]}}") != NULL);
	CHECK_STR(fault_of_routes("{" ROUTER_TYPES ", \"structure\": {\"query\": [\"\"]}}"),
			  OF_ROUTER "it has no list of modules");
	CHECK_STR(fault_of_routes("[]"), OF_ROUTER "it has no list of modules");
	CHECK_INT(remove(temp_folder_path(ROUTER)), 0);
	CHECK(strstr(fault(), ROUTER "\": No such file or directory") != NULL);
}

/* --- Limits of tokens ---------------------------------------------------- */

/* Of a model of 512 positions, with that file in its folder; -1 if it is refused. */
static int
max_tokens(const char *file, const char *json)
{
	(void) fault_of_bert("");
	temp_folder_write_text(file, json);
	return fault() ? -1 : config.max_tokens;
}

static void
test_limits(void)
{
	static const char *const tokenizer = "tokenizer_config.json";

	CHECK_INT(max_tokens(SENTENCE, "{\"max_seq_length\": 128, \"do_lower_case\": false}"), 128);
	CHECK_INT(max_tokens(SENTENCE, "{\"max_seq_length\": 513}"), 512);
	CHECK_INT(max_tokens(SENTENCE, "{\"max_seq_length\": 2}"), 2);
	CHECK_INT(max_tokens(SENTENCE, "{\"max_seq_length\": null}"), 512);
	CHECK_INT(max_tokens(SENTENCE, "{}"), 512);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": 256}"), 256);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": 1e30}"), 512);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": 1000000000000000019884624838656}"), 512);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": 9223372036854775808}"), 512);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": 1e999}"), 512);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": -1e999}"), 512);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": -0}"), 512);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": 1}"), 512);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": \"5\"}"), 512);
	CHECK_INT(max_tokens(tokenizer, "{\"model_max_length\": 40.9}"), 40);
	CHECK_INT(max_tokens(tokenizer, "[]"), 512);
	CHECK_INT(max_tokens(tokenizer, "{"), -1);
	CHECK_STR(error.message, "file \"tokenizer_config.json\" of the model: it is not valid JSON: it ends too early");
	CHECK_INT(max_tokens(SENTENCE, ""), -1);

	/* The least of all. */
	(void) max_tokens(SENTENCE, "{\"max_seq_length\": 128}");
	temp_folder_write_text(tokenizer, "{\"model_max_length\": 64}");
	CHECK_STR(fault(), NULL);
	CHECK_INT(config.max_tokens, 64);
}

int
main(void)
{
	temp_folder_make();
	test_bert();
	test_distilbert();
	test_unsupported();
	test_bad_files();
	test_numbers();
	test_architectures();
	test_pooling();
	test_modules();
	test_module_paths();
	test_sparse();
	test_routes();
	test_limits();
	temp_folder_remove();
	return check_done();
}
