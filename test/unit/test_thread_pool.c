/*
 * test_thread_pool.c
 *		Loops of a pool: each item once, seen when it returns, no signal, the
 *		caller's floating-point mode put back.
 */
#include "engine/thread_pool.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "check.h"

#define MAX_THREADS 8
#define MAX_ITEMS 1000

static EngineError error;

/* What the items of a loop have done; not atomic, so that races are found. */
typedef struct Loop
{
	int			times[MAX_ITEMS];
	int			threads[MAX_ITEMS];

	/* Of each thread, a line for itself. */
	struct
	{
		_Alignas(64) int last;
		bool		descended;
	}			orders[MAX_THREADS];
} Loop;

static void
count_item(void *context, int item, int thread)
{
	Loop	   *loop = context;

	loop->times[item]++;
	loop->threads[item] = thread;
	if (item < loop->orders[thread].last)
		loop->orders[thread].descended = true;
	loop->orders[thread].last = item;
}

static bool
runs_each_once(ThreadPool *pool, int nitems)
{
	Loop		loop;
	bool		good = true;

	memset(&loop, 0, sizeof(loop));
	inf_thread_pool_run(pool, nitems, count_item, &loop);
	for (int i = 0; i < MAX_ITEMS; i++)
		good = good && loop.times[i] == (i < nitems) &&
			loop.threads[i] >= 0 &&
			loop.threads[i] < inf_thread_pool_size(pool);
	for (int i = 0; i < MAX_THREADS; i++)
		good = good && !loop.orders[i].descended;
	return good;
}

static void
check_each_once(void)
{
	static const int sizes[] = {0, 1, 2, 3, 7, 8, 9, 64, 999, MAX_ITEMS};

	for (int n = 1; n <= MAX_THREADS; n++)
	{
		ThreadPool *pool = inf_thread_pool_open(n, &error);
		bool		good = pool != NULL && inf_thread_pool_size(pool) == n;

		for (int i = 0; good && i < (int) (sizeof(sizes) / sizeof(*sizes)); i++)
			good = runs_each_once(pool, sizes[i]) && runs_each_once(pool, sizes[i]);
		CHECK(good);
		inf_thread_pool_close(pool);
	}
	CHECK(inf_thread_pool_open(0, &error) == NULL);
	CHECK_STR(error.message, "the number of threads must be at least 1");
	inf_thread_pool_close(NULL);
}

/* Item i adds its neighbours of the loop before, which other threads wrote. */
typedef struct Relay
{
	uint32_t	from[64];
	uint32_t	to[64];
} Relay;

static void
relay_item(void *context, int item, int thread)
{
	Relay	   *relay = context;

	relay->to[item] = relay->from[(item + 63) % 64] * 3 + relay->from[(item + 1) % 64];
}

/* Thousands of tiny loops, each on what the one before left. */
static void
check_visibility(int nthreads)
{
	ThreadPool *pool = inf_thread_pool_open(nthreads, &error);
	Relay		relay;
	Relay		alone;

	for (int i = 0; i < 64; i++)
		relay.from[i] = alone.from[i] = i;
	for (int round = 0; round < 3000; round++)
	{
		inf_thread_pool_run(pool, 64, relay_item, &relay);
		memcpy(relay.from, relay.to, sizeof(relay.from));
		for (int i = 0; i < 64; i++)
			relay_item(&alone, i, 0);
		memcpy(alone.from, alone.to, sizeof(alone.from));
	}
	CHECK(memcmp(relay.from, alone.from, sizeof(relay.from)) == 0);
	inf_thread_pool_close(pool);
}

/* Returns when two have come: they hold two threads. */
static void
meet(atomic_int *ncome)
{
	atomic_fetch_add(ncome, 1);
	while (atomic_load(ncome) < 2)
		(void) sched_yield();
}

static void
meet_item(void *context, int item, int thread)
{
	meet(context);
}

static void
check_runs_at_once(void)
{
	ThreadPool *pool = inf_thread_pool_open(2, &error);
	atomic_int	ncome = 0;

	inf_thread_pool_run(pool, 2, meet_item, &ncome);
	CHECK_INT(atomic_load(&ncome), 2);
	inf_thread_pool_close(pool);
}

#ifdef __linux__

/* The caller has nothing left to do long before the other thread is done. */
static void
yield_item(void *context, int item, int thread)
{
	meet(context);
	for (int i = 0; thread != 0 && i < 20; i++)
		(void) sched_yield();
}

/* On one CPU nobody spins: both sides sleep, and nothing but a call wakes them. */
static void
check_sleepers(void)
{
	cpu_set_t	before;
	cpu_set_t	one;
	ThreadPool *pool;
	int			cpu = 0;

	(void) sched_getaffinity(0, sizeof(before), &before);
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
	pool = inf_thread_pool_open(2, &error);

	/* a call that is missed hangs for ever */
	(void) alarm(60);
	for (int i = 0; i < 200; i++)
	{
		atomic_int	ncome = 0;

		for (int k = 0; k < 10; k++)
			(void) sched_yield();
		inf_thread_pool_run(pool, 2, yield_item, &ncome);
	}
	(void) alarm(0);
	inf_thread_pool_close(pool);
	CHECK(sched_setaffinity(0, sizeof(before), &before) == 0);
}

#endif

static pthread_t main_thread;
static atomic_int nsignals;
static atomic_int nsignals_elsewhere;

static void
note_signal(int number)
{
	atomic_fetch_add(&nsignals, 1);
	if (!pthread_equal(pthread_self(), main_thread))
		atomic_fetch_add(&nsignals_elsewhere, 1);
}

static void
kill_item(void *context, int item, int thread)
{
	sigset_t	blocked;

	(void) kill(getpid(), SIGUSR1);
	if (thread == 0)
		return;
	(void) pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	for (int number = 1; number < 32; number++)
		if (number != SIGKILL && number != SIGSTOP && !sigismember(&blocked, number))
			*(atomic_bool *) context = true;
}

/* Signals to the process while the main thread, too, could not take them. */
static void
check_signals(void)
{
	struct sigaction action;
	ThreadPool *pool;
	atomic_bool unblocked = false;
	sigset_t	usr1;
	sigset_t	before;
	sigset_t	after;

	main_thread = pthread_self();
	memset(&action, 0, sizeof(action));
	action.sa_handler = note_signal;
	(void) sigaction(SIGUSR1, &action, NULL);
	(void) pthread_sigmask(SIG_SETMASK, NULL, &before);
	pool = inf_thread_pool_open(4, &error);
	(void) pthread_sigmask(SIG_SETMASK, NULL, &after);
	CHECK(!sigismember(&after, SIGUSR1) &&
		  sigismember(&after, SIGTERM) == sigismember(&before, SIGTERM));
	for (int i = 0; i < 100; i++)
		inf_thread_pool_run(pool, 8, kill_item, &unblocked);
	CHECK(atomic_load(&nsignals) > 0);

	(void) sigemptyset(&usr1);
	(void) sigaddset(&usr1, SIGUSR1);
	(void) pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	inf_thread_pool_run(pool, 8, kill_item, &unblocked);
	inf_thread_pool_close(pool);
	(void) pthread_sigmask(SIG_SETMASK, &before, NULL);
	CHECK_INT(atomic_load(&nsignals_elsewhere), 0);
	CHECK(!atomic_load(&unblocked));
}

static volatile float smallest = 1e-38f;

/* Whether a result too small for a normal number becomes zero. */
static bool
flushes(void)
{
	volatile float half = smallest * 0.5f;

	return half == 0.0f;
}

/* False where no mode helps: under valgrind, and on CPUs that we do not know. */
static bool
can_flush(void)
{
#if defined(__SSE2__)
	unsigned	mode = _mm_getcsr();
	bool		flushed;

	_mm_setcsr(mode | 0x8000);
	flushed = flushes();
	_mm_setcsr(mode);
	return flushed;
#elif defined(__aarch64__)
	return true;
#else
	return false;
#endif
}

typedef struct Flushing
{
	bool		flushed[2];
	atomic_int	ncome;
} Flushing;

static void
flush_item(void *context, int item, int thread)
{
	Flushing   *flushing = context;

	flushing->flushed[item] = flushes();
	meet(&flushing->ncome);
}

static void
check_denormals(void)
{
	ThreadPool *alone = inf_thread_pool_open(1, &error);
	ThreadPool *pool = inf_thread_pool_open(2, &error);
	Flushing	one = {{false, false}, 1};
	Flushing	two = {{false, false}, 0};
	bool		can = can_flush();

	CHECK(!flushes());
	inf_thread_pool_run(alone, 1, flush_item, &one);
	CHECK(one.flushed[0] == can);
	CHECK(!flushes());
	inf_thread_pool_run(pool, 2, flush_item, &two);
	CHECK(two.flushed[0] == can);
	CHECK(two.flushed[1] == can);
	CHECK(!flushes());
	inf_thread_pool_close(alone);
	inf_thread_pool_close(pool);
}

/* Threads of this process, or 0 where nobody tells. */
static int
count_threads(void)
{
	DIR		   *directory = opendir("/proc/self/task");
	struct dirent *entry;
	int			n = 0;

	while (directory && (entry = readdir(directory)) != NULL)
		n += entry->d_name[0] != '.';
	if (directory)
		(void) closedir(directory);
	return n;
}

/* Memory is the sanitizers' and valgrind's to count. */
static void
check_open_close(void)
{
	int			before = count_threads();
	bool		good = true;

	for (int i = 0; i < 200 && good; i++)
	{
		ThreadPool *pool = inf_thread_pool_open(1 + i % 4, &error);

		good = pool != NULL && (i % 2 == 0 || runs_each_once(pool, 10));
		inf_thread_pool_close(pool);
	}
	CHECK(good);

	/* a joined thread may be listed for a moment */
	for (int i = 0; i < 1000000 && count_threads() > before; i++)
		;
	CHECK(count_threads() <= before);
}

int
main(void)
{
	check_each_once();
	for (int n = 1; n <= MAX_THREADS; n *= 2)
		check_visibility(n);
	check_runs_at_once();
#ifdef __linux__
	check_sleepers();
#endif
	check_signals();
	check_denormals();
	check_open_close();
	return check_done();
}
