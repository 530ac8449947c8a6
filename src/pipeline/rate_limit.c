/*
 * rate_limit.c
 *		Spreads the requests of this session over the minute.
 *
 * As in Elasticsearch, a bucket that holds one request and fills evenly: no
 * burst, so that what one statement sends does not use up the minute of the
 * next.
 */
#include "postgres.h"

#include "utils/hsearch.h"

#include "pipeline/rate_limit.h"
#include "settings/setting_read.h"

#define MS_PER_MINUTE 60000

typedef struct RateEntry
{
	char		model_id[NAMEDATALEN];	/* key */
	int64		next_ms;		/* when the next request may start */
} RateEntry;

static HTAB *rates = NULL;

static RateEntry *
find_entry(const char *model_id)
{
	RateEntry  *entry;
	bool		found;

	if (rates == NULL)
	{
		HASHCTL		control = {
			.keysize = NAMEDATALEN,
			.entrysize = sizeof(RateEntry)
		};

		rates = hash_create("inference rate limits", 16, &control,
							HASH_ELEM | HASH_STRINGS);
	}
	entry = hash_search(rates, model_id, HASH_ENTER, &found);
	if (!found)
		entry->next_ms = 0;
	return entry;
}

int64
inf_rate_limit_take(const InferenceModel *model, int64 now_ms)
{
	Jsonb	   *limit = inf_setting_object(model->service_settings, "rate_limit");
	int			per_minute = limit ?
		inf_setting_integer(limit, "requests_per_minute", 0) : 0;
	RateEntry  *entry;
	int64		start;

	if (per_minute <= 0)
		return now_ms;
	entry = find_entry(model->model_id);
	start = Max(now_ms, entry->next_ms);
	entry->next_ms = start + MS_PER_MINUTE / per_minute;
	return start;
}
