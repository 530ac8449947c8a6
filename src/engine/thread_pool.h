/*
 * thread_pool.h
 *		Threads that share a loop with their caller.  Plain C.
 *
 * All signals are blocked in them: a host with handlers of its own, as a
 * server has, never finds one running there.  They flush denormals to zero;
 * the caller's thread does so only while it runs a loop, and is put back after.
 * Waiting is a short spin, then a futex: a pool that idles costs nothing.
 * Stacks are small (256 kB).  A child of fork() must not use the pool, nor close
 * it: the threads stayed with its parent.
 */
#ifndef INFERENCE_ENGINE_THREAD_POOL_H
#define INFERENCE_ENGINE_THREAD_POOL_H

#include "engine/engine_error.h"

typedef struct ThreadPool ThreadPool;

/* Item i of a loop, done by thread number thread (0: the caller's). */
typedef void (*ThreadPoolItem) (void *context, int item, int thread);

/* nthreads >= 1, the caller's included.  NULL on failure. */
extern ThreadPool *inf_thread_pool_open(int nthreads, EngineError *error);

/* Ends the threads and waits for them; NULL is fine. */
extern void inf_thread_pool_close(ThreadPool *pool);

extern int	inf_thread_pool_size(const ThreadPool *pool);

/*
 * Calls do_item for 0 to nitems - 1, each once, on all threads; returns when
 * all are done, and what they wrote is seen.  Lower items begin first.  Only
 * one thread at a time may call it, and no item may.
 */
extern void inf_thread_pool_run(ThreadPool *pool, int nitems,
								ThreadPoolItem do_item, void *context);

#endif							/* INFERENCE_ENGINE_THREAD_POOL_H */
