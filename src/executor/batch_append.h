/*
 * batch_append.h
 *		Calls over the rows of several tables: partitions, children, and the
 *		arms of a UNION ALL.
 */
#ifndef INFERENCE_EXECUTOR_BATCH_APPEND_H
#define INFERENCE_EXECUTOR_BATCH_APPEND_H

#include "postgres.h"

#include "executor/batch_path.h"

/* Batches calls over all rows that the subpaths give, or else of each subpath. */
extern Path *inf_batch_append(Reader reader, Path *path, List *subpaths);

#endif							/* INFERENCE_EXECUTOR_BATCH_APPEND_H */
