/*
 * kernels.c
 *		Which kernels there are, and which a CPU should use.
 */
#include "engine/kernels.h"

#include <string.h>

/* The best first. */
static const Kernels *const lists[] = {
	inf_kernels_avx512_fp16,
	inf_kernels_avx512_bf16,
	inf_kernels_avx512_vnni,
	inf_kernels_avx512,
	inf_kernels_avx2,
	inf_kernels_portable,
};

/* Names of CPUs, the simplest first. */
static const char *const cpu_names[] = {"portable", "avx2", "avx512"};

#define NCPUS ((int) (sizeof(cpu_names) / sizeof(*cpu_names)))

/* Place of the name in cpu_names, of which name may be longer; -1 if none. */
static int
cpu_rank(const char *name)
{
	for (int i = 0; i < NCPUS; i++)
		if (strncmp(name, cpu_names[i], strlen(cpu_names[i])) == 0)
			return i;
	return -1;
}

const Kernels *
inf_kernels_list(int i)
{
	for (size_t list = 0; list < sizeof(lists) / sizeof(*lists); list++)
		for (const Kernels *kernels = lists[list]; kernels->name; kernels++)
			if (i-- == 0)
				return kernels;
	return NULL;
}

/*
 * Whether the CPU runs these, and well: Intel's that multiply fp16 take twice as
 * long for a product of bf16 as for two of float32 (measured: 1.35 against 5.5
 * G instructions a second); AMD's, which do not, half as long.
 */
static bool
is_good(const Kernels *kernels)
{
	const CpuFeatures *cpu = inf_cpu_features();

	return kernels->is_supported(cpu) &&
		!(kernels->is_fast && kernels->precision == PRECISION_BF16 &&
		  cpu->avx512_fp16);
}

const Kernels *
inf_kernels_choose(Precision precision, const char *cpu)
{
	const int	limit = cpu ? cpu_rank(cpu) : NCPUS - 1;
	const Kernels *kernels;

	for (int i = 0; (kernels = inf_kernels_list(i)) != NULL; i++)
		if (kernels->precision == precision &&
			cpu_rank(kernels->name) <= limit &&
			is_good(kernels))
			return kernels;
	return NULL;
}

const Kernels *
inf_kernels_choose_attention(Precision precision, const char *cpu)
{
	static const Precision fast[] = {PRECISION_FP16, PRECISION_BF16};

	for (int i = 0; i < 2 && precision != PRECISION_FP32; i++)
	{
		const Kernels *kernels = inf_kernels_choose(fast[i], cpu);

		if (kernels && kernels->is_fast)
			return kernels;
	}
	return inf_kernels_choose(PRECISION_FP32, cpu);
}

Precision
inf_kernels_best_precision(void)
{
	return inf_kernels_choose_attention(PRECISION_AUTO, NULL)->precision;
}

int
inf_number_per_word(NumberType type)
{
	return 4 / inf_number_size(type);
}

size_t
inf_number_size(NumberType type)
{
	switch (type)
	{
		case NUMBER_FP32:
			return 4;
		case NUMBER_UINT8:
			return 1;
		default:
			return 2;
	}
}
