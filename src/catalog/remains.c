/*
 * remains.c
 *		Models that are not whole.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/guc.h"
#include "base/text_encoding.h"
#include "catalog/model_server.h"
#include "catalog/model_store.h"
#include "catalog/remains.h"
#include "catalog/stored_calls.h"

/* More objects that name a model are only counted. */
#define MAX_TOLD_CALLERS 3

bool
inf_catalog_find_remains(const char *model_id, ModelRemains *remains)
{
	remains->server = inf_catalog_find_server(model_id);
	remains->has_row = inf_catalog_has_row(model_id);
	remains->has_key = inf_catalog_has_key(model_id);
	return OidIsValid(remains->server) || remains->has_row || remains->has_key;
}

/* Which stored expressions name the model; NULL: none. */
static char *
describe_callers(const char *model_id)
{
	List	   *callers = inf_catalog_list_stored_calls(model_id);
	int			nmore = list_length(callers) - MAX_TOLD_CALLERS;
	StringInfoData text;
	ListCell   *lc;

	if (callers == NIL)
		return NULL;
	initStringInfo(&text);
	foreach(lc, callers)
	{
		if (foreach_current_index(lc) == MAX_TOLD_CALLERS)
			break;
		appendStringInfo(&text, "%s%s uses this model.",
						 text.len ? "\n" : "", (char *) lfirst(lc));
	}
	if (nmore > 0)
		appendStringInfo(&text, nmore == 1 ? "\nand %d other object" : "\nand %d other objects",
						 nmore);
	return text.data;
}

void
inf_catalog_report_unknown_model(int elevel, const char *model_id)
{
	ModelRemains remains;
	const char *detail = NULL;
	const char *hint;

	if (!inf_catalog_find_remains(model_id, &remains))
	{
		detail = describe_callers(model_id);
		hint = "The view inference_models lists the models of this database; inference_put() makes one.";
	}
	else if (OidIsValid(remains.server))
	{
		detail = "There is a foreign server of this name, but not the model's settings. It was made by hand, restored without its data, or lost them by logical replication.";
		hint = inf_is_restoring() ? INF_RESTORE_HINT :
			"The server's owner can put the model again with inference_put(), which keeps the server's grants, or drop what is left with inference_delete().";
	}
	else
	{
		detail = remains.has_row ?
			"The model's settings are there, but not its foreign server. The server was dropped with event triggers off, or logical replication brought the settings." :
			"A key of this model is there, but neither its settings nor its foreign server.";
		hint = "Put the model again with inference_put(), which replaces what is left, or drop that with inference_delete().";
	}
	ereport(elevel,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("Model not found [%s]", inf_text_clip(model_id)),
			 detail ? errdetail_internal("%s", detail) : 0,
			 errhint("%s", hint)));
}

void
inf_catalog_throw_unknown_model(const char *model_id)
{
	inf_catalog_report_unknown_model(ERROR, model_id);
	pg_unreachable();
}
