/*
 * clock.h
 *		Milliseconds on a clock that nobody sets back.
 */
#ifndef INFERENCE_PIPELINE_CLOCK_H
#define INFERENCE_PIPELINE_CLOCK_H

#include "postgres.h"

#include "portability/instr_time.h"

static inline int64
inf_now_ms(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MILLISEC(now);
}

#endif							/* INFERENCE_PIPELINE_CLOCK_H */
