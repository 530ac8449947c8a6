/*
 * reply_fault.h
 *		Faults of an answer, as those write them who may not throw.
 */
#ifndef INFERENCE_SERVICE_REPLY_FAULT_H
#define INFERENCE_SERVICE_REPLY_FAULT_H

#include "postgres.h"

#include "json/json_stream.h"

/* Room for a fault: one sentence, with a token or a name of a field in it. */
#define INF_REPLY_FAULT_BYTES 256

/* Writes a fault, which is cut if it is longer; gives false. */
extern bool inf_reply_fault(char *fault, const char *format,...) pg_attribute_printf(2, 3);

/* What stands in an answer, for a fault: "null", "string" and so on. */
extern const char *inf_reply_type_name(JsonEvent event);

#endif							/* INFERENCE_SERVICE_REPLY_FAULT_H */
