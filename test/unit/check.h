/*
 * check.h
 *		Checks for the parts that need no server: each prints a line of TAP,
 *		and check_done() the plan.  Include it last.
 */
#ifndef INFERENCE_TEST_UNIT_CHECK_H
#define INFERENCE_TEST_UNIT_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* postgres.h puts the server's own in their place, which are not linked here. */
#undef fprintf
#undef printf
#undef snprintf
#undef vsnprintf

static int	check_count = 0;
static int	check_failures = 0;

#define CHECK(condition) \
	check_that((condition), #condition, __FILE__, __LINE__)
#define CHECK_STR(actual, expected) \
	check_str((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_INT(actual, expected) \
	check_int((actual), (expected), #actual, __FILE__, __LINE__)

static inline bool
check_that(bool passed, const char *name, const char *file, int line)
{
	check_count++;
	printf("%s %d - %s\n", passed ? "ok" : "not ok", check_count, name);
	if (!passed)
	{
		check_failures++;
		printf("# %s:%d\n", file, line);
	}
	return passed;
}

/* Either may be NULL. */
static inline void
check_str(const char *actual, const char *expected, const char *name,
		  const char *file, int line)
{
	bool		same = actual == NULL || expected == NULL ?
		actual == expected : strcmp(actual, expected) == 0;

	if (!check_that(same, name, file, line))
		printf("# got %s%s%s, expected %s%s%s\n",
			   actual ? "\"" : "", actual ? actual : "NULL", actual ? "\"" : "",
			   expected ? "\"" : "", expected ? expected : "NULL",
			   expected ? "\"" : "");
}

static inline void
check_int(long long actual, long long expected, const char *name,
		  const char *file, int line)
{
	if (!check_that(actual == expected, name, file, line))
		printf("# got %lld, expected %lld\n", actual, expected);
}

/* For main() to return. */
static inline int
check_done(void)
{
	printf("1..%d\n", check_count);
	if (check_failures > 0)
		printf("# %d of %d failed\n", check_failures, check_count);
	return check_failures > 0;
}

#endif							/* INFERENCE_TEST_UNIT_CHECK_H */
