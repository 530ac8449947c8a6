/*
 * reply_fault.c
 *		Faults of an answer, as those write them who may not throw.
 */
#include "postgres.h"

#include "service/reply_fault.h"

bool
inf_reply_fault(char *fault, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(fault, INF_REPLY_FAULT_BYTES, format, args);
	va_end(args);
	return false;
}

const char *
inf_reply_type_name(JsonEvent event)
{
	switch (event)
	{
		case JSON_EVENT_NULL:
			return "null";
		case JSON_EVENT_TRUE:
		case JSON_EVENT_FALSE:
			return "boolean";
		case JSON_EVENT_NUMBER:
			return "number";
		case JSON_EVENT_STRING:
		case JSON_EVENT_KEY:
			return "string";
		case JSON_EVENT_OBJECT:
		case JSON_EVENT_OBJECT_END:
			return "object";
		default:
			return "array";
	}
}
