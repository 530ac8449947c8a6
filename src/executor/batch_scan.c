/*
 * batch_scan.c
 *		The plan node that reads rows ahead and embeds their texts together.
 *
 * Rows are read in batches.  The texts of a batch are sent as soon as it is
 * full, and some batches are under way at a time, so that the next answers
 * arrive while rows of the first are handed on, in the order they were read.
 *
 * Memory: a batch has a context of its own, with its rows, texts and embeddings,
 * which goes when the batch has been handed on.  The streams live as long as
 * the scan.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/text_encoding.h"
#include "catalog/catalog.h"
#include "catalog/model_cache.h"
#include "executor/batch_call.h"
#include "executor/batch_demand.h"
#include "executor/batch_explain.h"
#include "executor/batch_fallback.h"
#include "executor/batch_position.h"
#include "executor/batch_scan.h"

/*
 * Texts in a request, unless the service or the user wants fewer: enough to
 * make the cost of a request small, few enough to have several under way.
 */
#define MAX_BATCH_ROWS 64

/* Batches that are read ahead, for each request that may be in flight. */
#define BATCHES_PER_FLIGHT 2

/* Rows handed on between two looks at the network. */
#define ROWS_PER_POLL 16

typedef struct BatchCall
{
	BatchCallKind kind;
	ExprState  *condition;		/* NULL: it is made for each row */
	int			nargs;
	ExprState  *args[BATCH_MAX_ARGUMENTS];
} BatchCall;

typedef struct Batch
{
	dlist_node	node;
	MemoryContext context;
	BatchJob   *jobs;
	MinimalTuple *rows;			/* (nrows) */
	BatchCell  *cells;			/* (nrows, ncalls) */
	ItemPointerData *positions; /* (nrows), where they were in their table */
	int			nrows;
	int			room;			/* for rows */
	int			nasking;		/* rows for which any call is made */
	int			next_row;		/* to hand on */
	Size		bytes;
} Batch;

typedef struct BatchScanState
{
	CustomScanState css;

	/* The calls */
	BatchCall  *calls;
	int			ncalls;
	int			first_rows;		/* that will be read for certain; 0: all */
	int			most_rows;		/* that will be read; 0: not known */
	bool		reads_all;		/* however few rows the plan is asked for */

	/* Rows of the child, and how they are read from where they wait */
	int			ncolumns;		/* of the child */
	TupleTableSlot *waiting_row;
	ScanState  *scan;			/* of the only table below; NULL: unlike */

	/* What is under way */
	MemoryContext context;
	BatchStream *streams;
	dlist_head	batches;		/* in the order they were read */
	int			nbatches;
	Size		bytes;
	int64		nread;			/* rows of the child, its end included */
	int64		nhanded;		/* of those, handed on */
	int64		rows_allowed;	/* to be read so far */
	int64		burst;			/* by how many that was raised last */
	bool		is_at_end;		/* the child has no more rows */

	/* For EXPLAIN ANALYZE */
	StreamCounters counters;	/* of streams that are gone */
} BatchScanState;

static Node *create_state(CustomScan *scan);
static void begin_scan(CustomScanState *css, EState *estate, int eflags);
static TupleTableSlot *next_row(CustomScanState *css);
static void end_scan(CustomScanState *css);
static void rescan(CustomScanState *css);
static void explain_scan(CustomScanState *css, List *ancestors, ExplainState *es);

const CustomScanMethods inf_batch_scan_methods = {
	.CustomName = "Inference Batch",
	.CreateCustomScanState = create_state
};

static const CustomExecMethods exec_methods = {
	.CustomName = "Inference Batch",
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = next_row,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain_scan
};

/*
 * ----------
 * Setting up
 * ----------
 */

static Node *
create_state(CustomScan *scan)
{
	BatchScanState *state = palloc0(sizeof(BatchScanState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &exec_methods;
	return (Node *) state;
}

static void
prepare_calls(BatchScanState *state)
{
	CustomScan *scan = (CustomScan *) state->css.ss.ps.plan;
	List	   *kinds = list_nth(scan->custom_private, BATCH_PRIVATE_KINDS);
	List	   *functions = list_nth(scan->custom_private, BATCH_PRIVATE_FUNCTIONS);
	ListCell   *expression = list_head(scan->custom_exprs);

	state->ncalls = list_length(kinds);
	state->calls = palloc0(sizeof(BatchCall) * state->ncalls);
	for (int i = 0; i < state->ncalls; i++)
	{
		BatchCall  *call = &state->calls[i];

		inf_catalog_check_may_execute(list_nth_oid(functions, i));
		call->kind = list_nth_int(kinds, i);
		call->nargs = inf_batch_argument_count(call->kind);
		if (!IsA(lfirst(expression), Const))
			call->condition = ExecInitExpr(lfirst(expression), &state->css.ss.ps);
		expression = lnext(scan->custom_exprs, expression);
		for (int j = 0; j < call->nargs; j++)
		{
			call->args[j] = ExecInitExpr(lfirst(expression), &state->css.ss.ps);
			expression = lnext(scan->custom_exprs, expression);
		}
	}
}

static void
allow_rows(BatchScanState *state, int64 nrows)
{
	state->rows_allowed = state->most_rows > 0 ? Min(nrows, state->most_rows) : nrows;
}

static void
start_anew(BatchScanState *state)
{
	dlist_init(&state->batches);
	state->nbatches = 0;
	state->bytes = 0;
	state->streams = NULL;
	state->nread = 0;
	state->nhanded = 0;
	allow_rows(state, state->first_rows > 0 ? state->first_rows : PG_INT64_MAX);
	state->burst = 1;
	state->is_at_end = false;
}

/*
 * What is computed, and which conditions are checked, from calls that may not
 * have been made: see batch_fallback.c.
 */
static void
prepare_fallbacks(BatchScanState *state)
{
	PlanState  *ps = &state->css.ss.ps;
	CustomScan *scan = (CustomScan *) ps->plan;
	bool		is_conditional = false;

	for (int i = 0; i < state->ncalls; i++)
		is_conditional |= state->calls[i].condition != NULL;
	if (!is_conditional)
		return;
	ps->qual = ExecInitQual(inf_batch_add_fallbacks(scan->scan.plan.qual, scan), ps);
	if (ps->ps_ProjInfo)
		ps->ps_ProjInfo = ExecBuildProjectionInfo(inf_batch_add_fallbacks(scan->scan.plan.targetlist,
																		  scan),
												  ps->ps_ExprContext,
												  ps->ps_ResultTupleSlot, ps,
												  state->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor);
}

/* Sends nothing: EXPLAIN comes here too, and so do rows that are checked again. */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	BatchScanState *state = (BatchScanState *) css;
	CustomScan *scan = (CustomScan *) css->ss.ps.plan;
	PlanState  *child = ExecInitNode(linitial(scan->custom_plans), estate,
									 eflags & ~EXEC_FLAG_MARK);

	inf_batch_name_windows(scan);
	css->custom_ps = list_make1(child);
	state->ncolumns = list_length(child->plan->targetlist);
	state->waiting_row = ExecInitExtraTupleSlot(estate, ExecGetResultType(child),
												&TTSOpsMinimalTuple);
	state->first_rows = linitial_int(list_nth(scan->custom_private,
											  BATCH_PRIVATE_ROWS));
	state->most_rows = lsecond_int(list_nth(scan->custom_private,
											BATCH_PRIVATE_ROWS));
	state->reads_all = lthird_int(list_nth(scan->custom_private,
										   BATCH_PRIVATE_ROWS));
	state->scan = inf_position_find_scan(child);
	if (state->scan)
		css->ss.ss_currentRelation = state->scan->ss_currentRelation;

	/* A LIMIT would tell a sort below it, but does not know to pass us by. */
	if (state->most_rows > 0)
		ExecSetTupleBound(state->most_rows, child);
	prepare_calls(state);
	prepare_fallbacks(state);
	state->context = AllocSetContextCreate(estate->es_query_cxt,
										   "inference batch scan",
										   ALLOCSET_DEFAULT_SIZES);
	start_anew(state);
}

/*
 * What the row in the expression context asks for in a call.  False: the call is
 * not made for it.
 */
static bool
take_call(BatchScanState *state, Batch *batch, BatchCell *cell,
		  const BatchCall *call)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	Datum		args[BATCH_MAX_ARGUMENTS];
	MemoryContext caller;

	memset(cell, 0, sizeof(BatchCell));
	if (call->condition)
	{
		bool		isnull;
		Datum		is_made = ExecEvalExprSwitchContext(call->condition, econtext,
														&isnull);

		if (isnull || !DatumGetBool(is_made))
			return false;
	}
	for (int i = 0; i < call->nargs; i++)
	{
		bool		isnull;

		args[i] = ExecEvalExprSwitchContext(call->args[i], econtext, &isnull);
		if (isnull)
			return true;		/* the functions are strict */
	}
	caller = MemoryContextSwitchTo(batch->context);
	batch->bytes += inf_batch_take_call(call->kind, args, state->nread,
										state->context, &state->streams,
										&batch->jobs, cell);
	MemoryContextSwitchTo(caller);
	return true;
}

/*
 * ----------
 * Batches
 * ----------
 */

/* A row of the child as the first columns of the scan slot. */
static void
show_row(BatchScanState *state, TupleTableSlot *row)
{
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;

	slot_getallattrs(row);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, row->tts_values, sizeof(Datum) * state->ncolumns);
	memcpy(slot->tts_isnull, row->tts_isnull, sizeof(bool) * state->ncolumns);
	for (int i = 0; i < state->ncalls; i++)
	{
		slot->tts_values[state->ncolumns + i] = (Datum) 0;
		slot->tts_isnull[state->ncolumns + i] = true;
	}
	ExecStoreVirtualTuple(slot);
}

/* Makes room for another row, if need be. */
static void
grow_batch(BatchScanState *state, Batch *batch)
{
	if (batch->nrows < batch->room)
		return;
	batch->room *= 2;
	batch->rows = repalloc_huge(batch->rows, sizeof(MinimalTuple) * batch->room);
	batch->cells = repalloc_huge(batch->cells,
								 sizeof(BatchCell) * batch->room * state->ncalls);
	batch->positions = repalloc_huge(batch->positions,
									 sizeof(ItemPointerData) * batch->room);
}

static void
take_row(BatchScanState *state, Batch *batch, TupleTableSlot *row)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	MemoryContext caller = MemoryContextSwitchTo(batch->context);
	MinimalTuple tuple = ExecCopySlotMinimalTuple(row);
	bool		is_asking = false;

	grow_batch(state, batch);
	MemoryContextSwitchTo(caller);
	batch->rows[batch->nrows] = tuple;
	if (state->scan)
		batch->positions[batch->nrows] = inf_position_of(state->scan);
	batch->bytes += tuple->t_len;
	ResetExprContext(econtext);
	show_row(state, row);
	econtext->ecxt_scantuple = state->css.ss.ss_ScanTupleSlot;
	for (int i = 0; i < state->ncalls; i++)
		is_asking |= take_call(state, batch,
							   &batch->cells[batch->nrows * state->ncalls + i],
							   &state->calls[i]);
	batch->nrows++;
	batch->nasking += is_asking;
}

static Batch *
create_batch(BatchScanState *state, int nrows)
{
	MemoryContext context = AllocSetContextCreate(state->context,
												  "inference batch",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Batch	   *batch = palloc0(sizeof(Batch));

	batch->context = context;
	batch->room = nrows;
	batch->rows = palloc(sizeof(MinimalTuple) * nrows);
	batch->cells = palloc(sizeof(BatchCell) * nrows * state->ncalls);
	batch->positions = palloc(sizeof(ItemPointerData) * nrows);
	MemoryContextSwitchTo(caller);
	return batch;
}

static void
drop_batch(BatchScanState *state, Batch *batch)
{
	dlist_delete(&batch->node);
	state->nbatches--;
	state->bytes -= batch->bytes;
	MemoryContextDelete(batch->context);
}

static void
send_batch(BatchScanState *state, Batch *batch)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->context);

	inf_batch_send(batch->jobs);
	MemoryContextSwitchTo(caller);
	state->bytes += batch->bytes;
	dlist_push_tail(&state->batches, &batch->node);
	state->nbatches++;
}

/* Rows of a batch that ask for something: as many texts as go into a request. */
static int
batch_rows(const BatchScanState *state)
{
	int			nrows = inf_guc_max_batch_inputs > 0 ? inf_guc_max_batch_inputs :
		MAX_BATCH_ROWS;

	for (BatchStream *stream = state->streams; stream; stream = stream->next)
		nrows = Min(nrows, inf_stream_max_inputs(stream->stream));
	return nrows;
}

/* Reads a batch and sends it; false if there are no more rows. */
static bool
read_batch(BatchScanState *state)
{
	PlanState  *child = linitial(state->css.custom_ps);
	int			nrows = Min(batch_rows(state),
							state->rows_allowed - state->nread);
	Batch	   *batch = create_batch(state, nrows);

	while (batch->nasking < nrows && state->nread < state->rows_allowed &&
		   batch->bytes < INF_MAX_BATCH_BYTES)
	{
		TupleTableSlot *row = ExecProcNode(child);

		state->nread++;
		if (TupIsNull(row))
		{
			state->is_at_end = true;
			break;
		}
		take_row(state, batch, row);

		/* The first row tells which service it is, and so how many it takes. */
		nrows = Min(nrows, batch_rows(state));
	}
	if (batch->nrows == 0)
	{
		MemoryContextDelete(batch->context);
		return false;
	}
	send_batch(state, batch);
	return true;
}

/*
 * Whoever reads may stop early, but has taken all that was read: twice as many
 * the next time.  Once that is as much as is read ahead anyway, all may be read.
 */
static void
allow_more_rows(BatchScanState *state, int max_batches)
{
	if (state->nbatches > 0 || state->nread < state->rows_allowed)
		return;
	state->burst *= 2;
	allow_rows(state, state->burst < MAX_BATCH_ROWS * max_batches ?
			   state->nread + state->burst : PG_INT64_MAX);
}

/* Whoever runs the plan may want less than the planner knows of. */
static void
heed_demand(BatchScanState *state)
{
	if (state->nread == 0 && state->first_rows == 0 && !state->reads_all &&
		inf_demand_is_small(state->css.ss.ps.state))
		allow_rows(state, 1);
}

static void
read_ahead(BatchScanState *state)
{
	int			max_batches = inf_guc_max_concurrent_requests * BATCHES_PER_FLIGHT;
	Size		max_bytes = (Size) work_mem * 1024;

	heed_demand(state);
	allow_more_rows(state, max_batches);
	while (!state->is_at_end && state->nread < state->rows_allowed &&
		   (state->nbatches == 0 ||
			(state->nbatches < max_batches && state->bytes < max_bytes)))
		(void) read_batch(state);
}

static void
poll_streams(BatchScanState *state)
{
	for (BatchStream *stream = state->streams; stream; stream = stream->next)
		inf_stream_poll(stream->stream);
}

/* The batch that the next row is in, or NULL at the end. */
static Batch *
current_batch(BatchScanState *state)
{
	Batch	   *batch;

	if (state->nbatches > 0)
	{
		batch = dlist_head_element(Batch, node, &state->batches);
		if (batch->next_row < batch->nrows)
			return batch;
		drop_batch(state, batch);
	}
	read_ahead(state);
	if (state->nbatches == 0)
		return NULL;
	return dlist_head_element(Batch, node, &state->batches);
}

/*
 * ----------
 * Handing on
 * ----------
 */

/* The next row with its answers in the scan slot; NULL at the end. */
static TupleTableSlot *
fetch_row(BatchScanState *state)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;
	Batch	   *batch = current_batch(state);
	MemoryContext caller;
	BatchCell  *cells;

	if (batch == NULL)
	{
		state->nhanded = state->nread;
		return NULL;
	}
	if (batch->next_row % ROWS_PER_POLL == ROWS_PER_POLL - 1)
		poll_streams(state);
	ResetExprContext(econtext);
	ExecStoreMinimalTuple(batch->rows[batch->next_row], state->waiting_row, false);
	show_row(state, state->waiting_row);
	if (state->scan)
	{
		slot->tts_tid = batch->positions[batch->next_row];
		slot->tts_tableOid = RelationGetRelid(state->scan->ss_currentRelation);
	}
	cells = &batch->cells[batch->next_row * state->ncalls];
	batch->next_row++;
	state->nhanded++;

	caller = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	for (int i = 0; i < state->ncalls; i++)
	{
		if (cells[i].job == NULL)
			continue;
		slot->tts_values[state->ncolumns + i] =
			inf_batch_answer(state->calls[i].kind, &cells[i], batch->context);
		slot->tts_isnull[state->ncolumns + i] = false;
	}
	MemoryContextSwitchTo(caller);
	return slot;
}

static void
drop_batches(BatchScanState *state)
{
	while (state->nbatches > 0)
		drop_batch(state, dlist_head_element(Batch, node, &state->batches));
}

/*
 * The row before the last one that was handed on.  Backward, nothing is read
 * ahead, and forward again only as for whom may stop early.
 */
static TupleTableSlot *
fetch_row_before(BatchScanState *state)
{
	PlanState  *child = linitial(state->css.custom_ps);
	TupleTableSlot *slot;

	drop_batches(state);
	for (; state->nread > state->nhanded; state->nread--)
		(void) ExecProcNode(child);
	state->is_at_end = false;
	state->rows_allowed = state->nread + 1;
	slot = fetch_row(state);

	/* fetch_row() counts forward */
	state->nread = state->nhanded = Max(state->nread - 2, 0);
	state->rows_allowed = state->nread;
	state->burst = 1;
	state->is_at_end = false;
	return slot;
}

static TupleTableSlot *
next_row(CustomScanState *css)
{
	ProjectionInfo *projection = css->ss.ps.ps_ProjInfo;
	BatchScanState *state = (BatchScanState *) css;
	TupleTableSlot *slot;

	for (;;)
	{
		slot = ScanDirectionIsBackward(css->ss.ps.state->es_direction) ?
			fetch_row_before(state) : fetch_row(state);
		if (slot == NULL)
		{
			/* the table, if it is one of several, has not given the next row */
			ExecClearTuple(css->ss.ss_ScanTupleSlot);

			/* who asks for a result slot gets an empty one of its kind */
			return projection ? ExecClearTuple(projection->pi_state.resultslot) : NULL;
		}
		css->ss.ps.ps_ExprContext->ecxt_scantuple = slot;
		if (ExecQual(css->ss.ps.qual, css->ss.ps.ps_ExprContext))
			break;
		InstrCountFiltered1(css, 1);
		CHECK_FOR_INTERRUPTS();
	}
	return projection ? ExecProject(projection) : slot;
}

/*
 * ----------
 * The end
 * ----------
 */

static void
add_counters(StreamCounters *sum, const BatchScanState *state)
{
	for (BatchStream *stream = state->streams; stream; stream = stream->next)
		inf_stream_add_counters(stream->stream, sum);
}

/* What they have done is kept. */
static void
close_streams(BatchScanState *state)
{
	add_counters(&state->counters, state);
	for (BatchStream *stream = state->streams; stream; stream = stream->next)
		inf_stream_close(stream->stream);
	state->streams = NULL;
}

static void
end_scan(CustomScanState *css)
{
	BatchScanState *state = (BatchScanState *) css;

	close_streams(state);
	MemoryContextDelete(state->context);
	ExecEndNode(linitial(css->custom_ps));
}

static void
rescan(CustomScanState *css)
{
	BatchScanState *state = (BatchScanState *) css;
	PlanState  *child = linitial(css->custom_ps);

	close_streams(state);
	ExecClearTuple(css->ss.ss_ScanTupleSlot);
	ExecClearTuple(state->waiting_row);
	MemoryContextReset(state->context);
	start_anew(state);
	if (css->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(child, css->ss.ps.chgParam);
	if (child->chgParam == NULL)
		ExecReScan(child);
}

/*
 * ----------
 * EXPLAIN
 * ----------
 */

/* A constant argument, of a plan or of a prepared statement; NULL: no such. */
static char *
fixed_text(BatchScanState *state, Expr *argument)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	bool		isnull;
	Datum		value;

	if (!IsA(argument, Const) &&
		!(IsA(argument, Param) && ((Param *) argument)->paramkind == PARAM_EXTERN &&
		  econtext->ecxt_param_list_info != NULL))
		return NULL;
	value = ExecEvalExprSwitchContext(ExecInitExpr(argument, &state->css.ss.ps),
									  econtext, &isnull);
	return isnull ? NULL : inf_text_name(value);
}

/* Nobody is asked for it, and a model need not be there yet. */
static const InferenceServiceOps *
service_of(const char *model_id)
{
	const InferenceModel *model = inf_catalog_get_model(model_id);

	return model ? inf_service_find(model->service) : NULL;
}

static List *
add_name(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
		if (strcmp(lfirst(lc), name) == 0)
			return names;
	return lappend(names, pstrdup(name));
}

static void
explain_models(BatchScanState *state, ExplainState *es)
{
	List	   *arguments = ((CustomScan *) state->css.ss.ps.plan)->custom_exprs;
	int			max_inputs = inf_guc_max_batch_inputs > 0 ?
		inf_guc_max_batch_inputs : MAX_BATCH_ROWS;
	List	   *models = NIL;
	List	   *services = NIL;
	int			at = 0;

	for (int i = 0; i < state->ncalls; i++)
	{
		const BatchCall *call = &state->calls[i];
		int			position = call->kind == BATCH_CALL_INFER_TASK ? 1 : 0;
		char	   *model_id = fixed_text(state, list_nth(arguments, at + 1 + position));
		const InferenceServiceOps *service = model_id ? service_of(model_id) : NULL;

		at += 1 + call->nargs;
		models = add_name(models, model_id ? model_id : "differs by row");
		services = add_name(services, service ? service->name : "unknown");
		if (service && service->max_batch_inputs > 0)
			max_inputs = Min(max_inputs, service->max_batch_inputs);
	}
	ExplainPropertyList("Models", models, es);
	ExplainPropertyList("Services", services, es);
	ExplainPropertyInteger("Batch Size", NULL, max_inputs, es);
}

static void
explain_counters(BatchScanState *state, ExplainState *es)
{
	StreamCounters sum = state->counters;

	add_counters(&sum, state);
	ExplainPropertyInteger("Inputs", NULL, sum.inputs, es);
	ExplainPropertyInteger("Deduplicated", NULL, sum.deduplicated, es);
	ExplainPropertyInteger("Remembered", NULL, sum.remembered, es);
	ExplainPropertyInteger("Requests", NULL, sum.network.requests, es);
	ExplainPropertyInteger("Retries", NULL, sum.network.retries, es);
	ExplainPropertyInteger("Bytes Sent", NULL, sum.network.bytes_sent, es);
	ExplainPropertyInteger("Bytes Received", NULL, sum.network.bytes_received, es);
	ExplainPropertyInteger("Tokens", NULL, sum.network.tokens, es);
	if (es->timing)
		ExplainPropertyFloat("Network Wait Time", "ms", sum.network.wait_us / 1000.0, 3, es);
}

static void
explain_scan(CustomScanState *css, List *ancestors, ExplainState *es)
{
	BatchScanState *state = (BatchScanState *) css;

	explain_models(state, es);
	if (es->analyze)
		explain_counters(state, es);
}
