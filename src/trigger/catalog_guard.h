/*
 * catalog_guard.h
 *		Keeps the catalog tables and the foreign servers of models together.
 */
#ifndef INFERENCE_TRIGGER_CATALOG_GUARD_H
#define INFERENCE_TRIGGER_CATALOG_GUARD_H

#include "postgres.h"

#include "commands/event_trigger.h"
#include "fmgr.h"

/* What an event trigger is told; throws if it was called as anything else. */
extern EventTriggerData *inf_event_trigger_data(FunctionCallInfo fcinfo,
												const char *function);

#endif							/* INFERENCE_TRIGGER_CATALOG_GUARD_H */
