/*
 * fuzz_model_config.c
 *		Any bytes as the files that describe a model: what is taken is a network
 *		that can be computed.
 *
 * The files, one behind the other, with a NUL between two: config.json,
 * modules.json, 1_Pooling/config.json, sentence_bert_config.json,
 * tokenizer_config.json, router_config.json.
 */
#include "engine/model_config.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {(const char *) data, size};
	ModelConfig config;
	EngineError error = {0};

	if (temp_folder[0] == '\0')
	{
		fuzz_need_folder();
		temp_folder_make_folder("1_Pooling");
	}
	fuzz_next_file(&input, "config.json");
	fuzz_next_file(&input, "modules.json");
	fuzz_next_file(&input, "1_Pooling/config.json");
	fuzz_next_file(&input, "sentence_bert_config.json");
	fuzz_next_file(&input, "tokenizer_config.json");
	fuzz_next_file(&input, "router_config.json");

	if (!inf_model_config_read(&config, temp_folder, &error))
	{
		fuzz_check_error(&error);
		return 0;
	}
	MUST(config.family == MODEL_BERT || config.family == MODEL_DISTILBERT);
	MUST(config.head >= MODEL_HEAD_SPARSE && config.head <= MODEL_HEAD_CLS);
	MUST(!config.normalize || config.head != MODEL_HEAD_SPARSE);
	MUST(config.nlayers >= 1 && config.nlayers <= MODEL_MAX_LAYERS);
	MUST(config.width >= 1 && config.width <= MODEL_MAX_WIDTH);
	MUST(config.nheads >= 1 && config.width % config.nheads == 0);
	MUST(config.inner_width >= 1 && config.inner_width <= 4 * MODEL_MAX_WIDTH);
	MUST(config.nvocabulary >= 1 && config.nvocabulary <= MODEL_MAX_VOCABULARY);
	MUST(config.npositions >= 2 && config.npositions <= MODEL_MAX_POSITIONS);
	MUST(config.ntypes >= 0 && config.ntypes <= MODEL_MAX_POSITIONS);
	MUST(config.max_tokens >= 2 && config.max_tokens <= config.npositions);
	MUST(config.layer_norm_epsilon >= 0 && config.layer_norm_epsilon <= 1);
	return 0;
}
