/*
 * batch_position.c
 *		Where a cursor stands, for WHERE CURRENT OF.
 *
 * UPDATE and DELETE ... WHERE CURRENT OF look for the scan of their table in the
 * plan of the cursor (search_plan_tree() of the executor), and take its row.  It
 * would not look below our node, and what has been read ahead is another row.
 * So our node remembers where each row was, and passes for the scan itself.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "nodes/extensible.h"

#include "executor/batch_position.h"

ScanState *
inf_position_find_scan(PlanState *plan)
{
	if (plan == NULL)
		return NULL;
	switch (nodeTag(plan))
	{
		case T_ResultState:
			return inf_position_find_scan(outerPlanState(plan));
		case T_SubqueryScanState:
			return inf_position_find_scan(((SubqueryScanState *) plan)->subplan);
		case T_SeqScanState:
		case T_SampleScanState:
		case T_IndexScanState:
		case T_IndexOnlyScanState:
		case T_BitmapHeapScanState:
		case T_TidScanState:
		case T_TidRangeScanState:
		case T_ForeignScanState:
		case T_CustomScanState:
			return ((ScanState *) plan)->ss_currentRelation ? (ScanState *) plan : NULL;
		default:
			return NULL;
	}
}

ItemPointerData
inf_position_of(ScanState *scan)
{
	/* its slot has what the index has */
	if (IsA(scan, IndexOnlyScanState))
		return ((IndexOnlyScanState *) scan)->ioss_ScanDesc->xs_heaptid;
	return scan->ss_ScanTupleSlot->tts_tid;
}
