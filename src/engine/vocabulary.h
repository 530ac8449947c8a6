/*
 * vocabulary.h
 *		Tokens and their ids, and the longest token that a text begins with.
 *
 * Files are not trusted: ids may have holes, but not repeat or pass the end of
 * the model's table.  Plain C; a vocabulary that is built is not changed by
 * use, so threads may share it.
 */
#ifndef INFERENCE_ENGINE_VOCABULARY_H
#define INFERENCE_ENGINE_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine_error.h"
#include "json/json_tree.h"

/* Of a word to be matched: 256 characters of UTF-8. */
#define INF_VOCABULARY_MAX_WORD_BYTES 1024

typedef struct Vocabulary Vocabulary;

/*
 * Reads a vocab.txt of size bytes: a token a line, its id is the line's number
 * from 0.  Of a token that is there twice the last id counts, as it does for
 * Hugging Face; an empty line is a hole.  Tokens within a word begin with
 * "##".  At most max_tokens lines; path is for messages.  NULL on failure.
 */
extern Vocabulary *inf_vocabulary_read_lines(const char *bytes, size_t size,
											 const char *path, int max_tokens,
											 EngineError *error);

/*
 * Reads an object of tokens and ids, as tokenizer.json has it.  Tokens within
 * a word begin with prefix.  Ids are under max_tokens.
 */
extern Vocabulary *inf_vocabulary_read_json(const JsonTree *tokens,
											const char *prefix,
											const char *path, int max_tokens,
											EngineError *error);

/*
 * Gives an id to a token that the text of users never becomes.  Does nothing
 * if the vocabulary has that token already.
 */
extern bool inf_vocabulary_add(Vocabulary *vocabulary, const char *token,
							   int64_t id, EngineError *error);

extern void inf_vocabulary_free(Vocabulary *vocabulary);

/* How many ids there are, the holes included. */
extern int	inf_vocabulary_size(const Vocabulary *vocabulary);

/* The token with this id, UTF-8 with a NUL behind it; NULL if there is none. */
extern const char *inf_vocabulary_token(const Vocabulary *vocabulary, int id);

/* The id of a token; -1 if there is none. */
extern int	inf_vocabulary_id(const Vocabulary *vocabulary, const char *token);

/*
 * The id of the longest token that length bytes of UTF-8 (at most
 * INF_VOCABULARY_MAX_WORD_BYTES) begin with, or -1; *matched is its bytes, not
 * counting the prefix that tokens within a word have.
 */
extern int	inf_vocabulary_match(const Vocabulary *vocabulary, bool is_inside,
								 const char *text, size_t length,
								 size_t *matched);

#endif							/* INFERENCE_ENGINE_VOCABULARY_H */
