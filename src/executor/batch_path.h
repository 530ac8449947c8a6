/*
 * batch_path.h
 *		Finds the node of a finished path that computes calls, and has one of
 *		ours make them.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_PATH_H
#define INFERENCE_EXECUTOR_BATCH_PATH_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/* What is known, on the way down, of whoever reads the rows. */
typedef struct Reader
{
	PlannerInfo *root;
	int			first_rows;		/* that will be read for certain; 0: all */
	int			most_rows;		/* that will be read; 0: not known */
	bool		reads_all;		/* however few rows the plan is asked for */
	bool		feeds_table;	/* what it reads is written, with nothing between */
	List	  **batched;		/* calls that were, so far */
} Reader;

/* The path that a projection is of, or this one. */
extern Path *inf_batch_below_projection(Path *path);

/* Replaces the paths of a list by ones that make calls in batches. */
extern void inf_batch_subpaths(Reader reader, List *subpaths);

#endif							/* INFERENCE_EXECUTOR_BATCH_PATH_H */
