/*
 * limits.h
 *		How much a user may give at a time.
 *
 * Far beyond what anybody needs, and well below what a server has: who goes
 * beyond gets an error (54000) before memory is asked for.
 */
#ifndef INFERENCE_BASE_LIMITS_H
#define INFERENCE_BASE_LIMITS_H

/*
 * A configuration, or the task settings of a call: a dozen of words and
 * numbers, the longest of them a url (2 kB) or a key.
 */
#define INF_MAX_SETTINGS_BYTES (64 * 1024)

/* Settings of all models in one answer: of 100,000 ordinary ones. */
#define INF_MAX_LIST_BYTES (32 * 1024 * 1024)

/*
 * A text: the longest context that a model is known to have, two million
 * tokens, is about 8 MB.  Escaped as JSON it can become six times as long, and
 * several requests are in flight.
 */
#define INF_MAX_TEXT_BYTES (16 * 1024 * 1024)

#endif							/* INFERENCE_BASE_LIMITS_H */
