/*
 * cpu.c
 *		What this CPU can do, and its operating system lets it.
 *
 * Asked by hand: not all compilers that build us know the names of the newer
 * features.  Source of the bits: CPUID in Intel's Software Developer's Manual,
 * volume 2, and XCR0 in volume 1, 13.3.
 */
#include "engine/cpu.h"

#include <pthread.h>
#include <stdio.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#define BIT(n) (1u << (n))

static CpuFeatures features;
static pthread_once_t features_read = PTHREAD_ONCE_INIT;

#ifdef __x86_64__

/* XCR0: the registers that the operating system saves. */
#define XCR0_AVX (BIT(1) | BIT(2))
#define XCR0_AVX512 (XCR0_AVX | BIT(5) | BIT(6) | BIT(7))

static bool
has_all(unsigned value, unsigned bits)
{
	return (value & bits) == bits;
}

/* Only where CPUID has OSXSAVE. */
static unsigned
read_xcr0(void)
{
	unsigned	low;
	unsigned	high;

	__asm__ volatile ("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	return low;
}

static void
read_features(void)
{
	/* Of leaf 1, leaf 7 and its subleaf 1. */
	unsigned	eax1,
				ebx1,
				ecx1,
				edx1;
	unsigned	eax7,
				ebx7,
				ecx7,
				edx7;
	unsigned	eax71 = 0,
				ebx71,
				ecx71,
				edx71;
	unsigned	xcr0;

	if (!__get_cpuid(1, &eax1, &ebx1, &ecx1, &edx1) ||
		!__get_cpuid_count(7, 0, &eax7, &ebx7, &ecx7, &edx7) ||
		!has_all(ecx1, bit_OSXSAVE))
		return;
	if (eax7 >= 1)
		(void) __get_cpuid_count(7, 1, &eax71, &ebx71, &ecx71, &edx71);
	xcr0 = read_xcr0();

	/* FMA, AVX and F16C; AVX2 */
	features.avx2 = has_all(xcr0, XCR0_AVX) &&
		has_all(ecx1, BIT(12) | BIT(28) | BIT(29)) && has_all(ebx7, BIT(5));

	/* F, DQ, BW and VL */
	features.avx512 = features.avx2 && has_all(xcr0, XCR0_AVX512) &&
		has_all(ebx7, BIT(16) | BIT(17) | BIT(30) | BIT(31));
	features.avx512_vnni = features.avx512 && has_all(ecx7, BIT(11));
	features.avx512_bf16 = features.avx512 && has_all(eax71, BIT(5));
	features.avx512_fp16 = features.avx512 && has_all(edx7, BIT(23));
}

#else

static void
read_features(void)
{
}

#endif

const CpuFeatures *
inf_cpu_features(void)
{
	(void) pthread_once(&features_read, read_features);
	return &features;
}

void
inf_cpu_describe(char *buffer, size_t size)
{
	const CpuFeatures *cpu = inf_cpu_features();

	(void) snprintf(buffer, size, "%s%s%s%s%s",
					cpu->avx2 ? "AVX2" : "portable",
					cpu->avx512 ? ", AVX-512" : "",
					cpu->avx512_vnni ? ", AVX-512 VNNI" : "",
					cpu->avx512_bf16 ? ", AVX-512 BF16" : "",
					cpu->avx512_fp16 ? ", AVX-512 FP16" : "");
}
