/*
 * batch_scan.h
 *		The plan node that reads rows ahead and embeds their texts together.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_SCAN_H
#define INFERENCE_EXECUTOR_BATCH_SCAN_H

#include "postgres.h"

#include "nodes/extensible.h"

/* What a call asks for: which function it is of. */
typedef enum BatchCallKind
{
	BATCH_CALL_EMBED,			/* inference_embed(model, text, settings) */
	BATCH_CALL_SPARSE,			/* inference_sparse(model, text, settings) */
	BATCH_CALL_INFER,			/* inference_infer(model, body) */
	BATCH_CALL_INFER_TASK		/* inference_infer(task, model, body) */
} BatchCallKind;

/*
 * Of the CustomScan: custom_scan_tlist has the columns of the child, then the
 * calls; custom_exprs, for one call after the other, the condition under which
 * it is made and its arguments.
 */
enum
{
	BATCH_PRIVATE_KINDS,		/* list of int: BatchCallKind of each call */
	BATCH_PRIVATE_FUNCTIONS,	/* list of Oid: function of each call */
	BATCH_PRIVATE_ROWS			/* list of three ints: rows that will be read
								 * for certain, 0: all; and at most, 0: not
								 * known; whether all will be, however few rows
								 * the plan is asked for */
};

extern const CustomScanMethods inf_batch_scan_methods;

#endif							/* INFERENCE_EXECUTOR_BATCH_SCAN_H */
