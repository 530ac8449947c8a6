/*
 * feature_hash.h
 *		Text to vectors by hashing its words and their parts.
 *
 * Plain C: no allocation but the caller's, no throw, no locale.  The same
 * bytes give the same vector on every machine.  Source: Weinberger et al.,
 * "Feature Hashing for Large Scale Multitask Learning", 2009 (signed hashing);
 * Bojanowski et al., "Enriching Word Vectors with Subword Information", 2017
 * (n-grams of a word between boundary marks).
 */
#ifndef INFERENCE_SERVICE_FEATURE_HASH_H
#define INFERENCE_SERVICE_FEATURE_HASH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A change to what is hashed, or how, makes vectors that do not fit those that
 * users have stored; test/unit holds known answers against that.
 */
#define INF_FEATURE_HASH_VERSION 1

/* Longest word, in bytes of its lower-case form; the rest is cut off. */
#define INF_FEATURE_MAX_WORD_BYTES 256

/*
 * Copies the next word of a UTF-8 text, in lower case, to word (of
 * INF_FEATURE_MAX_WORD_BYTES + 1) and returns its length; 0 at the end.
 * *position starts at 0.  Words are runs of anything but ASCII blanks,
 * punctuation and controls, Latin-1 signs, and general and CJK punctuation.
 */
extern size_t inf_feature_next_word(const char *utf8, size_t length,
									size_t *position, char *word);

/*
 * Adds to vector (ndimensions), at first all zero, features of up to max_words
 * words: each word, and the character n-grams (3 to 5) of each word, all n-grams
 * of a word together weighing as much as the word.  False at the end of the text.
 */
extern bool inf_feature_add_words(const char *utf8, size_t length,
								  size_t *position, int max_words,
								  float *vector, int ndimensions);

/* Gives vector L2 norm 1.  A text without words is hashed as a whole. */
extern void inf_feature_finish(const char *utf8, size_t length,
							   float *vector, int ndimensions);

#endif							/* INFERENCE_SERVICE_FEATURE_HASH_H */
