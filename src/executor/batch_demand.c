/*
 * batch_demand.c
 *		How many rows whoever runs a plan asks it for.
 *
 * PL/pgSQL takes the first row of SELECT ... INTO, or looks for a second one,
 * and a function in SQL takes the first row of its last query.  The planner is
 * not told, but the executor is.
 */
#include "postgres.h"

#include "executor/executor.h"

#include "base/compat.h"
#include "executor/batch_demand.h"

/* More than that is asked for by who takes all rows piece by piece. */
#define SMALL_DEMAND 2

/* Plans that are run now; one may run others. */
typedef struct Demand
{
	struct Demand *outer;
	const EState *estate;
	uint64		count;			/* 0: all rows */
} Demand;

static Demand *innermost = NULL;
static ExecutorRun_hook_type next_hook = NULL;

static void
run_plan(QueryDesc *query, ScanDirection direction,
		 uint64 count INF_EXECUTE_ONCE_PARAMETER)
{
	Demand		demand = {innermost, query->estate, count};

	innermost = &demand;
	PG_TRY();
	{
		if (next_hook)
			next_hook(query, direction, count INF_EXECUTE_ONCE);
		else
			standard_ExecutorRun(query, direction, count INF_EXECUTE_ONCE);
	}
	PG_FINALLY();
	{
		innermost = demand.outer;
	}
	PG_END_TRY();
}

bool
inf_demand_is_small(const EState *estate)
{
	for (const Demand *demand = innermost; demand; demand = demand->outer)
		if (demand->estate == estate)
			return demand->count > 0 && demand->count <= SMALL_DEMAND;
	return false;
}

void
inf_demand_init(void)
{
	next_hook = ExecutorRun_hook;
	ExecutorRun_hook = run_plan;
}
