/*
 * http_retry.c
 *		Decides, from how an attempt ended, whether to try again and when.
 */
#include "postgres.h"

#include "http/http_retry.h"

/*
 * Longest wait that a header can ask for: 100 years.  Beyond every time
 * budget, and far enough from the end of int64 to be added to.
 */
#define MAX_RESET_MS (INT64CONST(100) * 366 * 24 * 3600 * 1000)

static bool is_loading(const HttpRetryState *state);
static int64 loading_delay_ms(const HttpRetryPolicy *policy,
							  const HttpRetryState *state, double chance,
							  int64 left_ms);
static bool is_worth_retrying(const HttpRetryState *state);
static int64 backoff_ms(const HttpRetryPolicy *policy, int attempts,
						double chance);
static int64 asked_wait_ms(const HttpRetryState *state);
static const char *parse_quantity(const char *text, double *quantity);
static const char *parse_unit(const char *text, double *unit_ms);

int64
inf_http_retry_delay_ms(const HttpRetryPolicy *policy,
						const HttpRetryState *state, double chance)
{
	int64		delay_ms;
	int64		asked_ms;
	int64		left_ms = policy->time_budget_ms - state->elapsed_ms;

	if (is_loading(state))
		return loading_delay_ms(policy, state, chance, left_ms);
	if (state->attempts > policy->max_retries || !is_worth_retrying(state))
		return HTTP_RETRY_NEVER;

	delay_ms = backoff_ms(policy, state->attempts, chance);
	asked_ms = asked_wait_ms(state);
	if (asked_ms > delay_ms)
		delay_ms = asked_ms;
	return delay_ms <= left_ms ? delay_ms : HTTP_RETRY_NEVER;
}

static bool
is_loading(const HttpRetryState *state)
{
	return state->outcome == HTTP_ANSWERED && state->status == 503 &&
		!state->is_final && state->loading_ms >= 0;
}

/* An estimate is no promise: what it leaves of the time budget is tried, too. */
static int64
loading_delay_ms(const HttpRetryPolicy *policy, const HttpRetryState *state,
				 double chance, int64 left_ms)
{
	int64		delay_ms = backoff_ms(policy, state->attempts, chance);

	if (policy->max_retries == 0 || state->loading_ms > policy->time_budget_ms ||
		delay_ms > left_ms)
		return HTTP_RETRY_NEVER;
	return Min(Max(delay_ms, state->loading_ms), left_ms);
}

static bool
is_worth_retrying(const HttpRetryState *state)
{
	if (state->is_final)
		return false;
	switch (state->outcome)
	{
		case HTTP_CANNOT_CONNECT:
		case HTTP_CONNECTION_LOST:
			return true;
		case HTTP_ANSWERED:
			break;
		default:
			return false;
	}

	switch (state->status)
	{
		case 408:
		case 429:
		case 500:
		case 502:
		case 503:
		case 504:
			return true;
		default:
			return state->status / 100 == 2 && state->unreadable;
	}
}

/* Between half of a bound and all of it; the bound doubles with each attempt. */
static int64
backoff_ms(const HttpRetryPolicy *policy, int attempts, double chance)
{
	int64		bound_ms = policy->initial_delay_ms;
	int			i;

	for (i = 1; i < attempts && bound_ms < policy->max_delay_ms; i++)
		bound_ms *= 2;
	if (bound_ms > policy->max_delay_ms)
		bound_ms = policy->max_delay_ms;
	return bound_ms / 2 + (int64) (chance * (bound_ms - bound_ms / 2));
}

/* -1: the service did not ask. */
static int64
asked_wait_ms(const HttpRetryState *state)
{
	if (state->outcome != HTTP_ANSWERED ||
		(state->status != 429 && state->status != 503))
		return -1;
	return state->retry_after_ms >= 0 ? state->retry_after_ms :
		state->ratelimit_reset_ms;
}

/*
 * A sum of quantities with units, as Go prints durations, or one quantity
 * without, which is seconds.  Rounded up: a moment late is in time.
 */
int64
inf_http_parse_reset_ms(const char *value)
{
	double		total_ms = 0;
	int64		whole_ms;
	int			nparts = 0;

	value += strspn(value, " \t");
	while (*value != '\0' && *value != ' ' && *value != '\t')
	{
		double		quantity;
		double		unit_ms;

		value = parse_quantity(value, &quantity);
		if (value == NULL)
			return -1;
		if (nparts == 0 && value[strspn(value, " \t")] == '\0')
			unit_ms = 1000;
		else
			value = parse_unit(value, &unit_ms);
		if (value == NULL)
			return -1;
		total_ms += quantity * unit_ms;
		nparts++;
	}
	if (nparts == 0 || value[strspn(value, " \t")] != '\0')
		return -1;

	if (total_ms >= (double) MAX_RESET_MS)
		return MAX_RESET_MS;
	whole_ms = (int64) total_ms;

	/* but not for a rounding error of the sum: 0.001 ms is less than any tick */
	return total_ms - (double) whole_ms > 0.0001 ? whole_ms + 1 : whole_ms;
}

/* Digits with at most one point; strtod() would follow the locale. */
static const char *
parse_quantity(const char *text, double *quantity)
{
	double		scale = 1;
	int			ndigits = 0;

	*quantity = 0;
	for (; *text >= '0' && *text <= '9'; text++, ndigits++)
		*quantity = *quantity * 10 + (*text - '0');
	if (*text == '.')
	{
		for (text++; *text >= '0' && *text <= '9'; text++, ndigits++)
		{
			scale /= 10;
			*quantity += (*text - '0') * scale;
		}
	}
	return ndigits > 0 ? text : NULL;
}

static const char *
parse_unit(const char *text, double *unit_ms)
{
	static const struct
	{
		const char *name;
		double		ms;
	}			units[] = {
		/* longer names before those that begin them */
		{"ms", 1},
		{"us", 0.001},
		{"\xc2\xb5s", 0.001},	/* micro sign */
		{"ns", 0.000001},
		{"s", 1000},
		{"m", 60 * 1000.0},
		{"h", 3600 * 1000.0},
		{"d", 24 * 3600 * 1000.0}
	};
	size_t		i;

	for (i = 0; i < lengthof(units); i++)
	{
		size_t		length = strlen(units[i].name);

		if (strncmp(text, units[i].name, length) == 0)
		{
			*unit_ms = units[i].ms;
			return text + length;
		}
	}
	return NULL;
}
