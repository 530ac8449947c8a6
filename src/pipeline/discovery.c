/*
 * discovery.c
 *		The width of a model's vectors, found out from its first answer.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "catalog/model_store.h"
#include "pipeline/discovery.h"
#include "settings/setting_read.h"

/* What this session knows of a model, and the catalog perhaps does not. */
typedef struct Discovery
{
	Oid			server;			/* key */
	TimestampTz updated_at;		/* of the model: another is another model */
	char		model_id[NAMEDATALEN];
	const InferenceServiceOps *service;
	int			ndimensions;
	bool		is_stored;
	bool		is_pending;		/* used by this transaction, not stored */
	bool		is_written;		/* by this transaction, not committed */
} Discovery;

static HTAB *discoveries = NULL;

/* Whether any has is_pending or is_written set. */
static bool has_pending = false;

static Discovery *
find_discovery(const InferenceModel *model)
{
	Discovery  *discovery;

	if (discoveries == NULL)
		return NULL;
	discovery = hash_search(discoveries, &model->server, HASH_FIND, NULL);
	return discovery && discovery->updated_at == model->updated_at ?
		discovery : NULL;
}

static Discovery *
add_discovery(const InferenceServiceOps *service, const InferenceModel *model)
{
	Discovery  *discovery;

	if (discoveries == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(Oid),
			.entrysize = sizeof(Discovery)
		};

		discoveries = hash_create("inference discoveries", 16, &control,
								  HASH_ELEM | HASH_BLOBS);
	}
	discovery = hash_search(discoveries, &model->server, HASH_ENTER, NULL);
	memset(discovery, 0, sizeof(Discovery));
	discovery->server = model->server;
	discovery->updated_at = model->updated_at;
	strlcpy(discovery->model_id, model->model_id, NAMEDATALEN);
	discovery->service = service;
	return discovery;
}

static int
note_pending(Discovery *discovery)
{
	if (!discovery->is_stored)
		has_pending = discovery->is_pending = true;
	return discovery->ndimensions;
}

/*
 * ----------
 * For calls
 * ----------
 */

static bool
same_setting(Jsonb *a, Jsonb *b, const char *name)
{
	JsonbValue *x = inf_setting_find(a, name);
	JsonbValue *y = inf_setting_find(b, name);

	if (x == NULL || y == NULL)
		return x == y;
	return strcmp(inf_setting_value_text(x), inf_setting_value_text(y)) == 0;
}

/* Whether the settings of a call ask the service for another model. */
static bool
asks_another(const InferenceServiceOps *service, const InferenceModel *model,
			 Jsonb *task_settings)
{
	if (task_settings == model->task_settings)
		return false;
	for (const SettingField *f = service->task_fields; f && f->name; f++)
		if ((f->flags & SETTING_FIXED) &&
			!same_setting(model->task_settings, task_settings, f->name))
			return true;
	return false;
}

void
inf_discovery_forget(const InferenceModel *model)
{
	if (discoveries)
		(void) hash_search(discoveries, &model->server, HASH_REMOVE, NULL);
}

int
inf_discovery_dimensions(const InferenceServiceOps *service,
						 const InferenceModel *model, Jsonb *task_settings)
{
	int			known = inf_setting_integer(model->service_settings,
											"dimensions", 0);
	Discovery  *discovery;

	if (model->task != INF_TASK_TEXT_EMBEDDING)
		return 0;
	if (known > 0 || asks_another(service, model, task_settings))
		return known;
	known = inf_setting_dimensions(model);
	if (known > 0)
		return known;
	discovery = find_discovery(model);
	return discovery ? note_pending(discovery) : 0;
}

int
inf_discovery_learn(const InferenceServiceOps *service,
					const InferenceModel *model, Jsonb *task_settings,
					int ndimensions)
{
	Discovery  *discovery;
	Jsonb	   *stored;
	int			known;

	/* A model that is being put has no server yet. */
	if (model->task != INF_TASK_TEXT_EMBEDDING || !OidIsValid(model->server) ||
		asks_another(service, model, task_settings))
		return ndimensions;

	/* Sessions are not told when another one stores what it found out. */
	stored = inf_catalog_read_discovered(model->model_id, model->server,
										 model->updated_at);
	if (stored == NULL)
		return ndimensions;
	known = inf_setting_integer(stored, "dimensions", 0);
	discovery = add_discovery(service, model);
	discovery->ndimensions = known > 0 ? known : ndimensions;
	discovery->is_stored = known > 0;
	return note_pending(discovery);
}

Jsonb *
inf_discovery_make(const InferenceServiceOps *service, int ndimensions)
{
	const char *similarity = service->default_similarity;

	return inf_setting_parse(similarity ?
							 psprintf("{\"dimensions\": %d, \"similarity\": \"%s\"}",
									  ndimensions, similarity) :
							 psprintf("{\"dimensions\": %d}", ndimensions));
}

void
inf_discovery_throw(const char *model_id, const char *service, bool is_set,
					int is, int wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("could not get embeddings from inference model \"%s\"",
					model_id),
			 errdetail("Service \"%s\" answered with %d dimensions where the model has %d.",
					   service, is, wanted),
			 is_set ?
			 errhint("Check which model the service runs. A model with other dimensions needs another id.") :
			 errhint("Vectors with different numbers of dimensions cannot be compared, so nothing was stored. If the service is meant to return %d from now on, the owner of the model can accept that with SELECT inference_update('%s', validate => true, config => '{}'), and must then embed stored texts again.",
					 is, model_id)));
}

/*
 * ----------
 * At the end of a transaction
 * ----------
 */

static void
store_discovery(Discovery *discovery)
{
	Jsonb	   *stored;
	int			known;

	switch (inf_catalog_store_discovered(discovery->model_id, discovery->server,
										 discovery->updated_at,
										 inf_discovery_make(discovery->service,
															discovery->ndimensions),
										 &stored))
	{
		case DISCOVERY_WRITTEN:
			discovery->is_written = true;
			break;
		case DISCOVERY_KNOWN:
			known = inf_setting_integer(stored, "dimensions", 0);
			if (known > 0 && known != discovery->ndimensions)
			{
				Discovery	found = *discovery;

				(void) hash_search(discoveries, &found.server, HASH_REMOVE, NULL);
				inf_discovery_throw(found.model_id, found.service->name, false,
									found.ndimensions, known);
			}
			discovery->is_stored = true;
			break;
		case DISCOVERY_GONE:
			(void) hash_search(discoveries, &discovery->server, HASH_REMOVE, NULL);
			break;
		case DISCOVERY_BUSY:
			break;
	}
}

static void
store_pending(void)
{
	HASH_SEQ_STATUS scan;
	Discovery  *discovery;
	List	   *pending = NIL;
	ListCell   *lc;

	/* A serializable transaction could fail by a write that nobody asked for. */
	if (XactReadOnly || RecoveryInProgress() || IsolationIsSerializable())
		return;
	hash_seq_init(&scan, discoveries);
	while ((discovery = hash_seq_search(&scan)) != NULL)
		if (discovery->is_pending)
			pending = lappend(pending, discovery);
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, pending)
		store_discovery(lfirst(lc));
	PopActiveSnapshot();
}

static void
end_transaction(bool is_commit)
{
	HASH_SEQ_STATUS scan;
	Discovery  *discovery;

	hash_seq_init(&scan, discoveries);
	while ((discovery = hash_seq_search(&scan)) != NULL)
	{
		discovery->is_stored |= discovery->is_written && is_commit;
		discovery->is_written = discovery->is_pending = false;
	}
	has_pending = false;
}

static void
notice_transaction(XactEvent event, void *arg)
{
	if (!has_pending)
		return;
	if (event == XACT_EVENT_PRE_COMMIT)
		store_pending();
	else if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
			 event == XACT_EVENT_PREPARE)
		end_transaction(event == XACT_EVENT_COMMIT);
}

void
inf_discovery_init(void)
{
	RegisterXactCallback(notice_transaction, NULL);
}
