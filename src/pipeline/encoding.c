/*
 * encoding.c
 *		How models may be asked for vectors.
 *
 * Known by a hash: should two ever meet, one is asked in a way that the other
 * likes, and says so.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/hsearch.h"

#include "base/errors.h"
#include "pipeline/discovery.h"
#include "pipeline/encoding.h"
#include "settings/setting_read.h"

static HTAB *encodings = NULL;

static uint64
hash_of(const char *text, uint64 seed)
{
	return hash_bytes_extended((const unsigned char *) text, strlen(text), seed);
}

Encoding *
inf_encoding_of(const InferenceServiceOps *service,
				const InferenceModel *model, const char *url,
				Jsonb *task_settings)
{
	uint64		hash = hash_of(model->model_id, hash_of(url, 0));
	Encoding   *encoding;
	bool		found;

	if (service->has_encodings == NULL || !service->has_encodings(model))
		return NULL;

	/* A call may name another model of the service, behind the same URL. */
	for (const SettingField *f = service->task_fields; f && f->name; f++)
		if ((f->flags & SETTING_FIXED) && inf_setting_is_set(task_settings, f->name))
			hash = hash_of(inf_setting_value_text(inf_setting_find(task_settings, f->name)),
						   hash);
	if (encodings == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(uint64),
			.entrysize = sizeof(Encoding)
		};

		encodings = hash_create("inference encodings", 16, &control,
								HASH_ELEM | HASH_BLOBS);
	}
	encoding = hash_search(encodings, &hash, HASH_ENTER, &found);
	if (!found)
	{
		encoding->ndimensions = 0;
		encoding->takes_base64 = false;
		encoding->refuses_base64 = false;
	}
	return encoding;
}

void
inf_encoding_choose(const Encoding *encoding, const InferenceServiceOps *service,
					InferenceCall *call, bool plainly)
{
	call->ndimensions = inf_discovery_dimensions(service, call->model,
												 call->task_settings);
	call->plain_numbers = plainly;
	if (encoding == NULL)
		return;
	if (call->ndimensions == 0)
		call->ndimensions = encoding->ndimensions;
	call->plain_numbers |= encoding->refuses_base64 || call->ndimensions == 0;
}

/*
 * Servers without base64 refuse it, have no such thing (501), break (500), or
 * answer with nothing, or with something else.
 */
bool
inf_encoding_may_be_why(const Encoding *encoding, const InferenceCall *call,
						InferenceFaultKind kind, int status)
{
	return encoding != NULL && !encoding->takes_base64 && !call->plain_numbers &&
		(kind == INF_FAULT_BAD_ANSWER ||
		 status == 400 || status == 422 || status == 500 || status == 501);
}

bool
inf_encoding_check(const Encoding *encoding, const InferenceCall *call,
				   const InferenceEmbedding *results, InferenceFault *fault)
{
	if (encoding == NULL || encoding->takes_base64 || call->plain_numbers ||
		results[0].ndimensions == call->ndimensions)
		return true;
	inf_fault_set(fault, INF_FAULT_BAD_ANSWER,
				  "the embeddings have %d dimensions as base64, where they should have %d",
				  results[0].ndimensions, call->ndimensions);
	return false;
}

void
inf_encoding_learn(Encoding *encoding, const InferenceCall *call,
				   const InferenceEmbedding *results, bool was_in_vain)
{
	if (encoding == NULL)
		return;
	if (!call->plain_numbers)
		encoding->takes_base64 = true;
	else
	{
		encoding->ndimensions = results[0].ndimensions;
		encoding->refuses_base64 |= was_in_vain && !encoding->takes_base64;
	}
}
