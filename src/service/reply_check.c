/*
 * reply_check.c
 *		Whether the results of an answer fit together, and which text each is of.
 */
#include "postgres.h"

#include "service/reply_check.h"

static bool
are_alike(const int64 *indexes, int n)
{
	for (int i = 1; i < n; i++)
		if (indexes[i] != indexes[0])
			return false;
	return indexes[0] != INF_REPLY_BAD_INDEX;
}

/* What is wrong with the index of result i. */
static bool
refuse_index(int64 index, int i, int n, char *fault)
{
	char		what[64];

	if (index == INF_REPLY_NO_INDEX)
		strlcpy(what, "has none", sizeof(what));
	else if (index == INF_REPLY_BAD_INDEX)
		strlcpy(what, "has one that is not a non-negative integer", sizeof(what));
	else
		snprintf(what, sizeof(what), "has " INT64_FORMAT "%s", index,
				 index < n ? " a second time" : "");
	return inf_reply_fault(fault,
						   "field [index] must number the embeddings from 0 to %d, or be the same for all, but embedding %d of the answer %s",
						   n - 1, i, what);
}

bool
inf_reply_find_places(const int64 *indexes, int n, int *places, char *fault)
{
	bool	   *taken;
	int			i;

	if (n == 0)
		return true;
	if (are_alike(indexes, n))
	{
		for (i = 0; i < n; i++)
			places[i] = i;
		return true;
	}
	taken = palloc0(sizeof(bool) * n);
	for (i = 0; i < n; i++)
	{
		int64		index = indexes[i];

		if (index < 0 || index >= n || taken[index])
			break;
		taken[index] = true;
		places[i] = index;
	}
	pfree(taken);
	return i == n || refuse_index(indexes[i], i, n, fault);
}

/* The width that most results have, if more than half do; else 0. */
static int
common_width(const InferenceEmbedding *results, int n)
{
	int			width = 0;
	int			lead = 0;

	for (int i = 0; i < n; i++)
	{
		if (lead == 0)
			width = results[i].ndimensions;
		lead += results[i].ndimensions == width ? 1 : -1;
	}
	lead = 0;
	for (int i = 0; i < n; i++)
		lead += results[i].ndimensions == width;
	return lead * 2 > n ? width : 0;
}

bool
inf_reply_check_widths(const InferenceEmbedding *results, int n, int wanted,
					   int *odd, char *fault)
{
	bool		has_wanted = false;
	bool		is_one = true;
	int			width;
	int			other;

	for (int i = 0; i < n; i++)
	{
		is_one &= results[i].ndimensions == results[0].ndimensions;
		has_wanted |= wanted > 0 && results[i].ndimensions == wanted;
	}
	*odd = -1;
	if (is_one)
		return true;
	width = has_wanted ? wanted : common_width(results, n);
	for (int i = 0; i < n && width > 0 && *odd < 0; i++)
		if (results[i].ndimensions != width)
			*odd = i;
	for (other = 1; results[other].ndimensions == results[0].ndimensions;)
		other++;
	return inf_reply_fault(fault,
						   "embeddings of different dimensions in one answer: %d and %d",
						   results[0].ndimensions, results[other].ndimensions);
}
