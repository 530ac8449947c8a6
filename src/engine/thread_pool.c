/*
 * thread_pool.c
 *		Threads that share a loop with their caller.
 *
 * A loop is one counter, of the items that nobody has begun: who brings it down
 * from a value above 0 owns an item, and the loop cannot end before that item
 * is done, so its fields are stable to read.  Who finds 0 or less has nothing
 * to do and touches nothing else.  Hence the caller never waits for a thread
 * that slept through a loop: on a busy machine it does the items itself.
 */
#include "engine/thread_pool.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#ifdef __SSE2__
#include <immintrin.h>
#endif

/* Items are kernels with small frames; their buffers are the caller's. */
#define STACK_BYTES (256 * 1024)

/*
 * Looks at a word before its thread goes to sleep.  One takes 10 to 60 ns,
 * according to the CPU, and all of them about as long as it takes to wake a
 * sleeper on an idle CPU, so that a wait costs at most twice the better choice.
 */
#define SPINS 2000

/* Words that different threads write are kept on lines of their own. */
#define CACHE_LINE_BYTES 64

typedef struct Worker
{
	ThreadPool *pool;
	int			number;			/* 1 for the first; the caller is 0 */
	pthread_t	thread;
} Worker;

struct ThreadPool
{
	int			nthreads;		/* the caller's included */
	int			nspins;			/* SPINS; 0 if there are too few CPUs */
	Worker	   *workers;		/* (nthreads - 1), of which nstarted run */
	int			nstarted;

	/* The loop; written by the caller between loops only. */
	ThreadPoolItem do_item;
	void	   *context;
	int			nitems;

	/* Items that nobody has begun; below 0 after vain tries. */
	_Alignas(CACHE_LINE_BYTES) atomic_int left;

	/* Items that are not done; the caller waits for 0. */
	_Alignas(CACHE_LINE_BYTES) atomic_uint undone;
	atomic_bool caller_sleeps;

	/* Counts loops; the workers wait for a change. */
	_Alignas(CACHE_LINE_BYTES) atomic_uint loop;
	atomic_int	nsleeping;		/* workers that do, or are about to */
	atomic_bool ends;

#ifndef __linux__
	pthread_mutex_t mutex;
	pthread_cond_t changed;
#endif
};

static void *worker_main(void *argument);
static void do_items(ThreadPool *pool, int thread);
static bool spin_while(const ThreadPool *pool, atomic_uint *word, unsigned value);
static bool start_workers(ThreadPool *pool, EngineError *error);

/*
 * How the CPU treats floating-point numbers: round to nearest, raise nothing,
 * and take denormals for zero, which some CPUs compute a hundred times slower.
 */
#if defined(__SSE2__)

typedef unsigned FloatMode;

static FloatMode
float_mode_enter(void)
{
	FloatMode	mode = _mm_getcsr();

	/* all exceptions masked, flush to zero, denormals are zero */
	_mm_setcsr(0x1f80 | 0x8000 | 0x0040);
	return mode;
}

static void
float_mode_leave(FloatMode mode)
{
	_mm_setcsr(mode);
}

#elif defined(__aarch64__)

typedef uint64_t FloatMode;

static void
float_mode_leave(FloatMode mode)
{
	__asm__ volatile ("msr fpcr, %0" : : "r" (mode));
}

static FloatMode
float_mode_enter(void)
{
	FloatMode	mode;

	__asm__ volatile ("mrs %0, fpcr" : "=r" (mode));
	float_mode_leave(UINT64_C(1) << 24);	/* FZ alone */
	return mode;
}

#else

typedef int FloatMode;

static FloatMode
float_mode_enter(void)
{
	return 0;
}

static void
float_mode_leave(FloatMode mode)
{
}

#endif

/* Waiting for a word to change, and telling that it has. */
#ifdef __linux__

/* Returns when woken, or at once if the word is another; or for no reason. */
static void
sleep_while(ThreadPool *pool, atomic_uint *word, unsigned value)
{
	(void) syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void
wake(ThreadPool *pool, atomic_uint *word, int nthreads)
{
	(void) syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nthreads, NULL, NULL, 0);
}

static bool
waiting_init(ThreadPool *pool)
{
	return true;
}

static void
waiting_destroy(ThreadPool *pool)
{
}

static int
count_cpus(void)
{
	cpu_set_t	set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ?
		CPU_COUNT(&set) : INT_MAX;
}

#else

static void
sleep_while(ThreadPool *pool, atomic_uint *word, unsigned value)
{
	(void) pthread_mutex_lock(&pool->mutex);
	if (atomic_load(word) == value)
		(void) pthread_cond_wait(&pool->changed, &pool->mutex);
	(void) pthread_mutex_unlock(&pool->mutex);
}

/* Having the mutex, nobody is between his look at the word and his sleep. */
static void
wake(ThreadPool *pool, atomic_uint *word, int nthreads)
{
	(void) pthread_mutex_lock(&pool->mutex);
	(void) pthread_cond_broadcast(&pool->changed);
	(void) pthread_mutex_unlock(&pool->mutex);
}

static bool
waiting_init(ThreadPool *pool)
{
	if (pthread_mutex_init(&pool->mutex, NULL) != 0)
		return false;
	if (pthread_cond_init(&pool->changed, NULL) == 0)
		return true;
	(void) pthread_mutex_destroy(&pool->mutex);
	return false;
}

static void
waiting_destroy(ThreadPool *pool)
{
	(void) pthread_cond_destroy(&pool->changed);
	(void) pthread_mutex_destroy(&pool->mutex);
}

static int
count_cpus(void)
{
	return INT_MAX;
}

#endif

ThreadPool *
inf_thread_pool_open(int nthreads, EngineError *error)
{
	ThreadPool *pool = NULL;

	if (nthreads < 1)
	{
		(void) inf_engine_fail(error, ENGINE_BAD_INPUT,
							   "the number of threads must be at least 1");
		return NULL;
	}
	if (posix_memalign((void **) &pool, CACHE_LINE_BYTES, sizeof(*pool)) != 0)
		pool = NULL;
	else
	{
		memset(pool, 0, sizeof(*pool));
		pool->workers = calloc(nthreads, sizeof(*pool->workers));
	}
	if (!pool || !pool->workers || !waiting_init(pool))
	{
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
		if (pool)
			free(pool->workers);
		free(pool);
		return NULL;
	}
	pool->nthreads = nthreads;
	pool->nspins = nthreads <= count_cpus() ? SPINS : 0;
	if (start_workers(pool, error))
		return pool;
	inf_thread_pool_close(pool);
	return NULL;
}

void
inf_thread_pool_close(ThreadPool *pool)
{
	if (!pool)
		return;
	atomic_store(&pool->ends, true);
	atomic_fetch_add(&pool->loop, 1);
	wake(pool, &pool->loop, INT_MAX);
	for (int i = 0; i < pool->nstarted; i++)
		(void) pthread_join(pool->workers[i].thread, NULL);
	waiting_destroy(pool);
	free(pool->workers);
	free(pool);
}

int
inf_thread_pool_size(const ThreadPool *pool)
{
	return pool->nthreads;
}

void
inf_thread_pool_run(ThreadPool *pool, int nitems, ThreadPoolItem do_item,
					void *context)
{
	FloatMode	mode = float_mode_enter();
	unsigned	undone;

	if (pool->nthreads == 1 || nitems <= 1)
	{
		for (int i = 0; i < nitems; i++)
			do_item(context, i, 0);
		float_mode_leave(mode);
		return;
	}

	pool->do_item = do_item;
	pool->context = context;
	pool->nitems = nitems;
	atomic_store_explicit(&pool->undone, nitems, memory_order_relaxed);
	atomic_store_explicit(&pool->left, nitems, memory_order_release);

	/*
	 * Sequentially consistent, as in worker_main(): either it sees the new
	 * loop before it sleeps, or we see that it sleeps.
	 */
	atomic_fetch_add(&pool->loop, 1);
	if (atomic_load(&pool->nsleeping) > 0)
		wake(pool, &pool->loop, nitems - 1);

	do_items(pool, 0);
	while ((undone = atomic_load_explicit(&pool->undone, memory_order_acquire)) > 0)
		if (spin_while(pool, &pool->undone, undone))
		{
			atomic_store(&pool->caller_sleeps, true);
			sleep_while(pool, &pool->undone, undone);
			atomic_store(&pool->caller_sleeps, false);
		}
	float_mode_leave(mode);
}

static bool
start_workers(ThreadPool *pool, EngineError *error)
{
	pthread_attr_t attributes;
	sigset_t	all;
	sigset_t	before;
	int			result;

	result = pthread_attr_init(&attributes);
	if (result == 0)
	{
		/* if the system finds it too small, its own default will do */
		(void) pthread_attr_setstacksize(&attributes, STACK_BYTES);

		/* threads inherit what is blocked: not even their start takes one */
		(void) sigfillset(&all);
		(void) pthread_sigmask(SIG_SETMASK, &all, &before);
		for (int i = 0; i < pool->nthreads - 1 && result == 0; i++)
		{
			Worker	   *worker = &pool->workers[i];

			worker->pool = pool;
			worker->number = i + 1;
			result = pthread_create(&worker->thread, &attributes, worker_main, worker);
			if (result == 0)
				pool->nstarted++;
		}
		(void) pthread_sigmask(SIG_SETMASK, &before, NULL);
		(void) pthread_attr_destroy(&attributes);
	}
	if (result == 0)
		return true;
	return inf_engine_fail(error, ENGINE_NO_MEMORY,
						   "could not start %d threads: %s",
						   pool->nthreads - 1, strerror(result));
}

static void *
worker_main(void *argument)
{
	const Worker *worker = argument;
	ThreadPool *pool = worker->pool;
	unsigned	seen = 0;

#ifdef __linux__
	(void) pthread_setname_np(pthread_self(), "inference");
#endif
	(void) float_mode_enter();
	for (;;)
	{
		if (spin_while(pool, &pool->loop, seen))
		{
			atomic_fetch_add(&pool->nsleeping, 1);
			while (atomic_load(&pool->loop) == seen)
				sleep_while(pool, &pool->loop, seen);
			atomic_fetch_sub(&pool->nsleeping, 1);
		}
		if (atomic_load(&pool->ends))
			return NULL;
		seen = atomic_load(&pool->loop);
		do_items(pool, worker->number);
	}
}

/* Does items until all are begun. */
static void
do_items(ThreadPool *pool, int thread)
{
	unsigned	ndone = 0;
	int			left;

	while ((left = atomic_fetch_sub_explicit(&pool->left, 1, memory_order_acquire)) > 0)
	{
		pool->do_item(pool->context, pool->nitems - left, thread);
		ndone++;
	}

	/* Sequentially consistent, against the caller that goes to sleep. */
	if (ndone > 0 && atomic_fetch_sub(&pool->undone, ndone) == ndone &&
		thread != 0 && atomic_load(&pool->caller_sleeps))
		wake(pool, &pool->undone, 1);
}

/* Spins a while for word to change; whether it has not. */
static bool
spin_while(const ThreadPool *pool, atomic_uint *word, unsigned value)
{
	for (int i = 0; i < pool->nspins; i++)
	{
		if (atomic_load_explicit(word, memory_order_relaxed) != value)
			return false;
#if defined(__SSE2__)
		_mm_pause();
#elif defined(__aarch64__)
		__asm__ volatile ("isb");
#endif
	}
	return true;
}
