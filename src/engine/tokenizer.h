/*
 * tokenizer.h
 *		Text to the token ids of BERT: normalisation, words, WordPiece.
 *
 * Source: the tokenizer of BERT (Devlin et al. 2018) as Hugging Face and
 * Elasticsearch run it.  Unicode's tables are ICU's.  Plain C; a tokenizer is
 * not changed by use, so threads may share it.
 */
#ifndef INFERENCE_ENGINE_TOKENIZER_H
#define INFERENCE_ENGINE_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine_error.h"

typedef struct Tokenizer Tokenizer;

/*
 * Reads folder's tokenizer.json or, without one, vocab.txt (with
 * tokenizer_config.json, if there is one).  NULL on failure.  At most
 * nvocabulary tokens, the rows of the model's table of embeddings.
 */
extern Tokenizer *inf_tokenizer_open(const char *folder, int nvocabulary,
									 EngineError *error);
extern void inf_tokenizer_close(Tokenizer *tokenizer);

/* How many ids there are, the holes included. */
extern int	inf_tokenizer_size(const Tokenizer *tokenizer);

/* The token with this id, UTF-8 with a NUL behind it; NULL if there is none. */
extern const char *inf_tokenizer_token(const Tokenizer *tokenizer, int id);

/* Whether the id is [CLS], [SEP], [PAD], [UNK] or [MASK]. */
extern bool inf_tokenizer_is_special(const Tokenizer *tokenizer, int id);

/*
 * Writes [CLS], the ids of length bytes of UTF-8, [SEP] to ids, at most
 * max_tokens (at least 2, both included), and their number to *nids; *truncated
 * says whether some did not fit.  Text that looks like a special token is text.
 * False if the text is not UTF-8, also where it is cut (NUL bytes are: they are
 * dropped with other controls), or ICU fails.  Allocates nothing; takes time in
 * proportion to length.
 */
extern bool inf_tokenizer_encode(const Tokenizer *tokenizer,
								 const char *text, size_t length,
								 int max_tokens, int32_t *ids, int *nids,
								 bool *truncated, EngineError *error);

#endif							/* INFERENCE_ENGINE_TOKENIZER_H */
