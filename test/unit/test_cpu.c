/*
 * test_cpu.c
 *		What the CPU can do: what compiler and kernel say as well.
 */
#include "engine/cpu.h"

#include "check.h"

/* Whether the kernel, if it tells, lists a feature of the CPU. */
static bool
kernel_lists(const char *flag)
{
	FILE	   *file = fopen("/proc/cpuinfo", "r");
	char		line[8192];
	char		word[64];
	bool		tells = false;
	bool		found = false;

	(void) snprintf(word, sizeof(word), " %s ", flag);
	while (file && !tells && fgets(line, sizeof(line) - 1, file))
		if (strncmp(line, "flags", strlen("flags")) == 0)
		{
			tells = true;
			line[strcspn(line, "\n")] = ' ';
			found = strstr(line, word) != NULL;
		}
	if (file)
		(void) fclose(file);
	return found || !tells;
}

/* What we claim, the kernel does too; valgrind may hide some of it from us. */
static void
check_kernel(const CpuFeatures *cpu)
{
	CHECK(!cpu->avx2 || (kernel_lists("avx2") && kernel_lists("fma") &&
						 kernel_lists("f16c")));
	CHECK(!cpu->avx512 || (kernel_lists("avx512f") && kernel_lists("avx512bw") &&
						   kernel_lists("avx512dq") && kernel_lists("avx512vl")));
	CHECK(!cpu->avx512_vnni || kernel_lists("avx512_vnni"));
	CHECK(!cpu->avx512_bf16 || kernel_lists("avx512_bf16"));
	CHECK(!cpu->avx512_fp16 || kernel_lists("avx512_fp16"));
}

static void
check_compiler(const CpuFeatures *cpu)
{
#ifdef __x86_64__
	CHECK(cpu->avx2 == (__builtin_cpu_supports("avx2") &&
						__builtin_cpu_supports("fma")));
	CHECK(cpu->avx512 == (__builtin_cpu_supports("avx512f") &&
						  __builtin_cpu_supports("avx512bw") &&
						  __builtin_cpu_supports("avx512dq") &&
						  __builtin_cpu_supports("avx512vl")));
	CHECK(cpu->avx512_vnni == (cpu->avx512 &&
							   __builtin_cpu_supports("avx512vnni")));
	CHECK(cpu->avx512_bf16 == (cpu->avx512 &&
							   __builtin_cpu_supports("avx512bf16")));
#else
	CHECK(!cpu->avx2 && !cpu->avx512);
#endif
}

/* What we claim runs: an instruction of each, as bytes that all assemblers take. */
static void
check_instructions(const CpuFeatures *cpu)
{
#ifdef __x86_64__
	if (cpu->avx2)				/* vfmadd231ps %ymm0,%ymm0,%ymm0 */
		__asm__ volatile (".byte 0xc4,0xe2,0x7d,0xb8,0xc0" : : : "xmm0");
	if (cpu->avx512)			/* vfmadd231ps %zmm0,%zmm0,%zmm0 */
		__asm__ volatile (".byte 0x62,0xf2,0x7d,0x48,0xb8,0xc0" : : : "xmm0");
	if (cpu->avx512_vnni)		/* vpdpbusd %zmm0,%zmm0,%zmm0 */
		__asm__ volatile (".byte 0x62,0xf2,0x7d,0x48,0x50,0xc0" : : : "xmm0");
	if (cpu->avx512_bf16)		/* vdpbf16ps %zmm0,%zmm0,%zmm0 */
		__asm__ volatile (".byte 0x62,0xf2,0x7e,0x48,0x52,0xc0" : : : "xmm0");
	if (cpu->avx512_fp16)		/* vfmadd231ph %zmm0,%zmm0,%zmm0 */
		__asm__ volatile (".byte 0x62,0xf6,0x7d,0x48,0xb8,0xc0" : : : "xmm0");
#endif
	CHECK(true);
}

static void
check_words(const CpuFeatures *cpu)
{
	char		words[200];
	char		cut[4] = "...";

	inf_cpu_describe(words, sizeof(words));
	CHECK((strstr(words, "AVX2") != NULL) == cpu->avx2);
	CHECK((strstr(words, "portable") != NULL) == !cpu->avx2);
	CHECK((strstr(words, "AVX-512") != NULL) == cpu->avx512);
	CHECK((strstr(words, "AVX-512 VNNI") != NULL) == cpu->avx512_vnni);
	CHECK((strstr(words, "AVX-512 BF16") != NULL) == cpu->avx512_bf16);
	CHECK((strstr(words, "AVX-512 FP16") != NULL) == cpu->avx512_fp16);
	inf_cpu_describe(cut, sizeof(cut));
	CHECK_INT(strlen(cut), 3);
	printf("# %s\n", words);
}

int
main(void)
{
	const CpuFeatures *cpu = inf_cpu_features();

	CHECK(cpu == inf_cpu_features());
	check_kernel(cpu);
	check_compiler(cpu);
	check_instructions(cpu);
	check_words(cpu);
	return check_done();
}
