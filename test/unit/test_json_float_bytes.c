/*
 * test_json_float_bytes.c
 *		Bytes of base64 as numbers: what they are taken for, and what not.
 */
#include "json/json_float_bytes.h"

#include <math.h>
#include <stdint.h>

#include "check.h"

#define MAX_DIMENSIONS 768

static double vector[MAX_DIMENSIONS];
static int	ndimensions;

/* Room for doubles. */
static float bytes[MAX_DIMENSIONS * 2];

/* About the vector of a unit length, with the given spread, as models give. */
static void
make_vector(int n, double scale, unsigned seed)
{
	ndimensions = n;
	for (int i = 0; i < n; i++)
	{
		double		sum = 0;

		for (int j = 0; j < 4; j++)
		{
			seed = seed * 1103515245 + 12345;
			sum += (seed >> 8) / 16777216.0 - 0.5;
		}
		vector[i] = sum * scale;
	}
}

/* Little-endian unless told otherwise; the number of bytes. */
static size_t
write_doubles(bool from_floats)
{
	unsigned char *out = (unsigned char *) bytes;

	for (int i = 0; i < ndimensions; i++)
	{
		double		value = from_floats ? (float) vector[i] : vector[i];
		uint64_t	bits;

		memcpy(&bits, &value, sizeof(bits));
		for (int j = 0; j < 8; j++)
			*out++ = bits >> (8 * j);
	}
	return 8 * ndimensions;
}

static size_t
write_floats(bool big_endian)
{
	unsigned char *out = (unsigned char *) bytes;

	for (int i = 0; i < ndimensions; i++)
	{
		float		value = vector[i];
		uint32_t	bits;

		memcpy(&bits, &value, sizeof(bits));
		for (int j = 0; j < 4; j++)
			*out++ = bits >> (8 * (big_endian ? 3 - j : j));
	}
	return 4 * ndimensions;
}

/* Normal numbers of float16, the way numpy writes them. */
static size_t
write_halves(void)
{
	unsigned char *out = (unsigned char *) bytes;

	for (int i = 0; i < ndimensions; i++)
	{
		float		value = vector[i];
		uint32_t	bits;
		int			exponent;
		uint16_t	half;

		memcpy(&bits, &value, sizeof(bits));
		exponent = (int) (bits >> 23 & 0xff) - 127 + 15;
		half = (bits >> 16 & 0x8000) |
			(exponent > 0 ? exponent << 10 | (bits >> 13 & 0x3ff) : 0);
		*out++ = half;
		*out++ = half >> 8;
	}
	return 2 * ndimensions;
}

/* "vector": as it was; "doubles", "garbage" and so on. */
static const char *
read_bytes(size_t nbytes, int wanted)
{
	static char text[60];
	int			n;
	int			bad_element;
	bool		out_of_range;
	const char *fault = inf_float_bytes_decode(bytes, nbytes, wanted, &n,
											   &bad_element, &out_of_range);

	if (fault != NULL)
		return strstr(fault, "64-bit ones") ? "doubles" :
			strstr(fault, "little-endian") ? "garbage" : "odd";
	if (bad_element >= 0)
	{
		sprintf(text, "%d %s", bad_element, out_of_range ? "out of range" : "not finite");
		return text;
	}
	if (n != ndimensions)
	{
		sprintf(text, "%d", n);
		return text;
	}
	for (int i = 0; i < n; i++)
		if (bytes[i] != (float) vector[i])
			return "other numbers";
	return "vector";
}

/* How many of the vectors of a kind, of all scales and widths, are read so. */
static int
count(size_t (*write) (bool), bool how, int wanted_factor, const char *wanted)
{
	static const double scales[] = {0.05, 0.02, 1, 10};
	static const int widths[] = {16, 64, 384, 768};
	int			n = 0;

	for (int s = 0; s < 4; s++)
		for (int w = 0; w < 4; w++)
			for (unsigned seed = 1; seed <= 25; seed++)
			{
				make_vector(widths[w], scales[s], seed * 7919);
				n += strcmp(read_bytes(write(how), widths[w] * wanted_factor / 2),
							wanted) == 0;
			}
	return n;
}

/* Vectors of numbers with few digits, as of quantized models and of ReLU. */
static void
check_coarse_floats(int n, int wanted)
{
	static const char *const kinds[] = {"signs", "bits", "few", "eighths", "bytes", "positive"};

	for (int kind = 0; kind < 6; kind++)
	{
		int			nwrong = 0;

		for (unsigned seed = 1; seed <= 200; seed++)
		{
			make_vector(n, 1, seed * 7919);
			for (int i = 0; i < n; i++)
				vector[i] = kind == 0 ? (vector[i] < 0 ? -1 : 1) :
					kind == 1 ? vector[i] < 0 :
					kind == 2 ? rint(vector[i] * 3) :
					kind == 3 ? rint(vector[i] * 8) / 8 :
					kind == 4 ? rint(vector[i] * 127) / 128 :
					fmax(vector[i], 0);
			nwrong += strcmp(read_bytes(write_floats(false), wanted), "vector") != 0;
		}
		if (nwrong > 0)
			printf("# %s: %d\n", kinds[kind], nwrong);
		CHECK_INT(nwrong, 0);
	}
}

int
main(void)
{
	/* Good ones, their width known or not. */
	CHECK_INT(count(write_floats, false, 2, "vector"), 400);
	CHECK_INT(count(write_floats, false, 0, "vector"), 400);

	/* Doubles are decoded where their number fits, else known for what they are. */
	CHECK_INT(count(write_doubles, false, 2, "vector"), 400);
	CHECK_INT(count(write_doubles, true, 2, "vector"), 400);
	CHECK_INT(count(write_doubles, false, 0, "doubles"), 400);
	CHECK_INT(count(write_doubles, true, 0, "doubles"), 400);

	/* Twice the floats that were asked for are no doubles: their number tells. */
	CHECK_INT(count(write_floats, false, 1, "vector"), 400);
	check_coarse_floats(64, 32);
	check_coarse_floats(768, 384);
	check_coarse_floats(768, 0);
	check_coarse_floats(384, 384);

	/* The other order of bytes. */
	CHECK_INT(count(write_floats, true, 2, "garbage") > 390, true);
	CHECK_INT(count(write_floats, true, 2, "vector"), 0);
	make_vector(384, 0.05, 1);
	CHECK_STR(read_bytes(write_floats(true), 384), "garbage");

	/* Half of the width, and that without one. */
	CHECK_STR(read_bytes(write_halves(), 0), "garbage");
	CHECK_STR(read_bytes(write_halves(), 384), "garbage");

	/* One byte for each: as a number of floats, a quarter. */
	CHECK_STR(read_bytes(383, 384), "odd");
	memset(bytes, 0x3d, sizeof(bytes));
	CHECK_STR(read_bytes(384, 384), "96");

	/* Few numbers, and zeros among them. */
	make_vector(2, 0, 1);
	CHECK_STR(read_bytes(write_floats(false), 0), "vector");
	vector[1] = 1;
	CHECK_STR(read_bytes(write_floats(false), 0), "vector");
	CHECK_STR(read_bytes(write_floats(false), 2), "vector");
	CHECK_STR(read_bytes(write_doubles(false), 2), "vector");
	make_vector(384, 0, 1);
	CHECK_STR(read_bytes(write_floats(false), 0), "vector");
	CHECK_STR(read_bytes(write_floats(false), 384), "vector");
	make_vector(384, 0.05, 1);
	vector[0] = 1e-30;
	vector[383] = 1e30;
	CHECK_STR(read_bytes(write_floats(false), 384), "vector");

	/* Not finite, which is known place by place. */
	vector[7] = INFINITY;
	CHECK_STR(read_bytes(write_floats(false), 384), "7 not finite");
	CHECK_STR(read_bytes(write_doubles(false), 384), "7 not finite");
	vector[5] = 1e300;
	CHECK_STR(read_bytes(write_doubles(false), 384), "5 out of range");
	for (int i = 0; i < 384; i++)
		vector[i] = NAN;
	CHECK_STR(read_bytes(write_floats(false), 384), "0 not finite");
	CHECK_STR(read_bytes(0, 384), "0");
	return check_done();
}
