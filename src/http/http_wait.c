/*
 * http_wait.c
 *		Sleeping until a descriptor is ready, the latch is set or a time has
 *		come.
 */
#include "postgres.h"

#include <time.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "http/http_wait.h"

/* Latch, postmaster, descriptor. */
#define N_WAIT_EVENTS 3

/* A sleep that is cut short costs a round, nothing else. */
#define MAX_SLEEP_MS (3600 * 1000)

int64
inf_http_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * The server's functions throw when out of memory or descriptors.  They hold
 * nothing else at that point, so that catching needs no subtransaction.
 */
WaitEventSet *
inf_http_make_wait_set(int descriptor)
{
	MemoryContext caller = CurrentMemoryContext;
	WaitEventSet *volatile made = NULL;
	volatile bool is_whole = false;

	PG_TRY();
	{
		made = inf_create_wait_event_set(TopMemoryContext, N_WAIT_EVENTS);
		AddWaitEventToSet(made, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
		/* a server run by hand has no postmaster */
		if (IsUnderPostmaster)
			AddWaitEventToSet(made, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET,
							  NULL, NULL);
		AddWaitEventToSet(made, WL_SOCKET_READABLE, descriptor, NULL, NULL);
		is_whole = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();

	if (!is_whole && made != NULL)
	{
		FreeWaitEventSet(made);
		made = NULL;
	}
	return made;
}

bool
inf_http_sleep(WaitEventSet *wait_set, int64 until_ms, InferenceWait wait)
{
	WaitEvent	events[N_WAIT_EVENTS];
	long		timeout_ms = MAX_SLEEP_MS;
	int			nevents;
	int			i;

	if (until_ms != INF_HTTP_NEVER)
		timeout_ms = Min(Max(until_ms - inf_http_now_ms(), 0), MAX_SLEEP_MS);

	if (wait_set == NULL)
		return (WaitLatch(MyLatch,
						  WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						  timeout_ms, inf_wait_event(wait)) & WL_LATCH_SET) != 0;

	nevents = WaitEventSetWait(wait_set, timeout_ms, events, N_WAIT_EVENTS,
							   inf_wait_event(wait));
	for (i = 0; i < nevents; i++)
	{
		if ((events[i].events & WL_LATCH_SET) != 0)
			return true;
	}
	return false;
}
