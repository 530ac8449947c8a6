/*
 * http_wait.h
 *		Sleeping until a descriptor is ready, the latch is set or a time has
 *		come.  Private to the room.
 */
#ifndef INFERENCE_HTTP_HTTP_WAIT_H
#define INFERENCE_HTTP_HTTP_WAIT_H

#include "postgres.h"

#include "storage/latch.h"

#include "base/compat.h"

/* A time that does not come. */
#define INF_HTTP_NEVER PG_INT64_MAX

/* Milliseconds of a clock that nobody sets. */
extern int64 inf_http_now_ms(void);

/*
 * A set, for the life of the process, of latch, postmaster and descriptor.
 * NULL, and nothing thrown: out of memory or descriptors.
 */
extern WaitEventSet *inf_http_make_wait_set(int descriptor);

/*
 * Sleeps until the descriptor is readable, the latch is set or until_ms has
 * come.  True: the latch is set.  Ends the process with the postmaster.  With
 * no set (NULL), sleeps for latch and time alone.
 */
extern bool inf_http_sleep(WaitEventSet *wait_set, int64 until_ms,
						   InferenceWait wait);

#endif							/* INFERENCE_HTTP_HTTP_WAIT_H */
