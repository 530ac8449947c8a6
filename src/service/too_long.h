/*
 * too_long.h
 *		How services say that a text is too long for their model.
 *
 * There is no code for it that all of them use.  A service lists the words, which
 * may be part of a sentence, and the statuses that come with them.  A text that
 * was sent alone is meant: what is said of a batch that is too large in all is
 * true of a single text, too.
 */
#ifndef INFERENCE_SERVICE_TOO_LONG_H
#define INFERENCE_SERVICE_TOO_LONG_H

typedef struct TooLongWords
{
	const char *words;			/* in any case of ASCII letters; NULL ends a list */
	int			statuses[3];	/* as many as there are, then 0 */
} TooLongWords;

/* text-embeddings-inference, which more than one service may ask. */
#define INF_TOO_LONG_TEXT_EMBEDDINGS_INFERENCE \
	{"must have less than", {400, 413, 422}}

#endif							/* INFERENCE_SERVICE_TOO_LONG_H */
