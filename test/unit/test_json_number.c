/*
 * test_json_number.c
 *		Numbers are what strtof() makes of them, bit by bit.
 */
#include "json/json_number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

/* A number and what may stand behind it, with the room that is asked for. */
static const char *
padded(const char *number, const char *behind)
{
	static char buffer[512];

	memset(buffer, '7', sizeof(buffer) - 1);
	memcpy(buffer, number, strlen(number));
	memcpy(buffer + strlen(number), behind, strlen(behind));
	return buffer;
}

/* Read by the quick way, to its end; NAN if it is left to the other. */
static float
quick(const char *number)
{
	float		value;
	const char *text = padded(number, ",");
	const char *end = inf_json_scan_float(text, &value);

	return end == text + strlen(number) ? value : NAN;
}

static bool
same_bits(float a, float b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static bool
is_read(const char *text, float expected)
{
	float		value;
	bool		in_range;

	return inf_json_read_float(text, &value, &in_range) && in_range &&
		same_bits(value, expected);
}

static bool
is_refused(const char *text)
{
	float		value;
	bool		in_range;

	return !inf_json_read_float(text, &value, &in_range) && in_range;
}

static uint64_t state = 88172645463325252;

static uint64_t
next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Numbers as services write them, and such that lie between two floats. */
static void
make_number(int kind, char *number)
{
	uint32_t	bits = next_random();
	double		fraction = (double) (next_random() >> 11) / 9007199254740992.0 - 0.5;
	float		f;

	memcpy(&f, &bits, sizeof(f));
	if (!isfinite(f) || fabsf(f) > 1e38f)
		f = 0.1f;
	switch (kind)
	{
		case 0:
			sprintf(number, "%.9g", f);
			break;
		case 1:
			sprintf(number, "%.17g", fraction);
			break;
		case 2:
			sprintf(number, "%.9f", fraction);
			break;
		case 3:
			sprintf(number, "%.*g", (int) (9 + next_random() % 12),
					((double) f + nextafterf(f, INFINITY)) / 2);
			break;
		case 4:
			sprintf(number, "%d.%llue%d", (int) (next_random() % 1000),
					(unsigned long long) (next_random() % 1000000000),
					(int) (next_random() % 70) - 35);
			break;
		case 5:
			sprintf(number, "%llu",
					(unsigned long long) (next_random() >> (next_random() % 64)));
			break;
		default:
			sprintf(number, "-0.00%llu",
					(unsigned long long) (next_random() >> (next_random() % 64)));
	}
}

static int
count_wrong(int kind, int n, int *nquick)
{
	int			nwrong = 0;

	*nquick = 0;
	for (int i = 0; i < n; i++)
	{
		char		number[400];
		float		value;
		float		expected;

		make_number(kind, number);
		expected = strtof(number, NULL);
		value = quick(number);
		if (!isnan(value))
			(*nquick)++;
		else if (!is_read(number, expected))
			nwrong++;
		if (!isnan(value) && !same_bits(value, expected))
			nwrong++;
	}
	return nwrong;
}

int
main(void)
{
	float		value;
	bool		in_range;

	CHECK(same_bits(quick("0"), 0.0f));
	CHECK(same_bits(quick("-0"), -0.0f));
	CHECK(same_bits(quick("-0.0"), -0.0f));
	CHECK(same_bits(quick("1"), 1.0f));
	CHECK(same_bits(quick("10"), 10.0f));
	CHECK(same_bits(quick("16777217.5"), 16777218.0f));
	CHECK(same_bits(quick("0.00000000123456789"), 1.23456789e-9f));
	CHECK(same_bits(quick("1e5"), 1e5f));
	CHECK(same_bits(quick("1E+05"), 1e5f));
	CHECK(same_bits(quick("-2.5e-10"), -2.5e-10f));
	CHECK(same_bits(quick("123456789012345678"), 123456789012345678.0f));

	/* left to the other way: long, near a midpoint, subnormal, too large */
	CHECK(isnan(quick("1234567890123456789012")));
	CHECK(isnan(quick("0.000000000000000000000000000000000000000000001")));
	CHECK(isnan(quick("1.00000005960464477539")));
	CHECK(isnan(quick("1e-40")));
	CHECK(isnan(quick("1e39")));
	CHECK(isnan(quick("1e99999")));

	/* no numbers of JSON */
	CHECK(isnan(quick("01")));
	CHECK(isnan(quick("-")));
	CHECK(isnan(quick(".5")));
	CHECK(isnan(quick("1.")));
	CHECK(isnan(quick("1e")));
	CHECK(isnan(quick("1e+")));
	CHECK(isnan(quick("+1")));
	CHECK(isnan(quick("x")));
	CHECK(isnan(quick("-.")));

	CHECK(is_read("1.00000005960464477539", strtof("1.00000005960464477539", NULL)));
	CHECK(is_read("1e-40", 1e-40f));
	CHECK(is_read("1e-99", 0.0f));
	CHECK(is_read("-0", -0.0f));
	CHECK(is_refused(""));
	CHECK(is_refused("-"));
	CHECK(is_refused("01"));
	CHECK(is_refused("1."));
	CHECK(is_refused("1e"));
	CHECK(is_refused("0x10"));
	CHECK(is_refused("inf"));
	CHECK(is_refused("1 "));
	CHECK(!inf_json_read_float("1e39", &value, &in_range) && !in_range);
	CHECK(!inf_json_read_float("-1e999", &value, &in_range) && !in_range);

	for (int kind = 0; kind < 7; kind++)
	{
		int			nquick;

		CHECK_INT(count_wrong(kind, 200000, &nquick), 0);
		CHECK(nquick > 50000);
	}
	return check_done();
}
