/*
 * cpu.h
 *		What this CPU can do, and its operating system lets it.  Plain C.
 */
#ifndef INFERENCE_ENGINE_CPU_H
#define INFERENCE_ENGINE_CPU_H

#include <stdbool.h>
#include <stddef.h>

/* All false on a CPU that is not x86-64. */
typedef struct CpuFeatures
{
	bool		avx2;			/* with FMA and F16C */
	bool		avx512;			/* F, BW, DQ and VL; avx2 as well */

	/* None of them without avx512. */
	bool		avx512_vnni;
	bool		avx512_bf16;
	bool		avx512_fp16;
} CpuFeatures;

/* Never NULL, and always the same; any thread may ask. */
extern const CpuFeatures *inf_cpu_features(void);

/*
 * Lists them in words, as "AVX2, AVX-512, AVX-512 VNNI", or says "portable" if
 * there are none; what does not fit into size bytes is cut.
 */
extern void inf_cpu_describe(char *buffer, size_t size);

#endif							/* INFERENCE_ENGINE_CPU_H */
