/*
 * errors.h
 *		How faults of a call become errors: one table of SQLSTATEs and hints.
 */
#ifndef INFERENCE_BASE_ERRORS_H
#define INFERENCE_BASE_ERRORS_H

#include "postgres.h"

#include "base/compat.h"
#include "base/types.h"

/*
 * What is wrong, in the database encoding: "Service ... at ...: ...".  host (may
 * be NULL) is where the request went, attempts how often it was sent, input
 * (NULL: none, or all) the text that it is about.  The fault's message must not
 * hold the model's key; it is scrubbed of it here all the same.
 */
extern char *inf_error_describe_fault(const InferenceModel *model,
									  const InferenceFault *fault,
									  const char *host, int attempts,
									  const InferenceInput *input);

/* Throws for a call that failed, with that as its detail. */
pg_noreturn extern void inf_error_throw_fault(const InferenceModel *model,
											  const InferenceFault *fault,
											  const char *host, int attempts,
											  const InferenceInput *input);

/* Sets a fault with a formatted message, in the current memory context. */
#define inf_fault_set(fault, fault_kind, ...) \
	((fault)->kind = (fault_kind), (fault)->message = psprintf(__VA_ARGS__))

/* The kind of an HTTP status that is no success. */
extern InferenceFaultKind inf_fault_of_status(int status);

#endif							/* INFERENCE_BASE_ERRORS_H */
