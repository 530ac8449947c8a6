/*
 * tokenizer_rules.h
 *		What a Hugging Face model folder says of its tokenizer: tokenizer.json,
 *		or vocab.txt and tokenizer_config.json.  Plain C.
 */
#ifndef INFERENCE_ENGINE_TOKENIZER_RULES_H
#define INFERENCE_ENGINE_TOKENIZER_RULES_H

#include "engine/engine_error.h"
#include "engine/vocabulary.h"

/* Longest word that a file may ask us to look at; all models say 100. */
#define TOKENIZER_MAX_WORD_CHARS (INF_VOCABULARY_MAX_WORD_BYTES / 4)

typedef struct TokenizerRules
{
	Vocabulary *vocabulary;

	/* What becomes of characters, in this order */
	bool		cleans_text;	/* drops controls; any space is a space */
	bool		splits_ideographs;	/* each is a word */
	bool		strips_accents;
	bool		lowercases;

	int			max_word_chars; /* a longer word is unknown */

	/* Ids of special tokens */
	int			unknown;		/* [UNK] */
	int			start;			/* [CLS] */
	int			end;			/* [SEP] */
	int			padding;		/* [PAD] */
	int			mask;			/* [MASK]; -1 if there is none */
} TokenizerRules;

/*
 * Reads folder.  Ids are under nvocabulary.  A tokenizer of another kind than
 * BERT's is ENGINE_UNSUPPORTED with a message that says what it is.  If it
 * succeeds, the caller frees rules->vocabulary.
 */
extern bool inf_tokenizer_rules_read(TokenizerRules *rules, const char *folder,
									 int nvocabulary, EngineError *error);

#endif							/* INFERENCE_ENGINE_TOKENIZER_RULES_H */
