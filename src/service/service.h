/*
 * service.h
 *		What a service is: a row of operations.
 *
 * A service describes, it does not perform: it turns a call into a request
 * and a response into embeddings.  It has no loop over requests, no I/O, no
 * SQL and no state; transport, retry and limits live once, outside it.
 */
#ifndef INFERENCE_SERVICE_SERVICE_H
#define INFERENCE_SERVICE_SERVICE_H

#include "postgres.h"

#include "base/types.h"
#include "http/http_request.h"
#include "service/reply_reader.h"
#include "service/too_long.h"
#include "settings/setting_field.h"

/* What goes with the URL of a model. */
typedef struct ServiceRoute
{
	bool		by_superuser;	/* a setting names the URL, not the model */

	/* When there is no URL: why, and what to do; whole sentences. */
	const char *missing_detail;
	const char *missing_hint;
} ServiceRoute;

typedef struct InferenceServiceOps
{
	/* Description */
	const char *name;			/* as written in SQL and stored */
	int			tasks;			/* bits of InferenceTask */
	const SettingField *service_fields;
	const SettingField *task_fields;	/* may be NULL: takes none */
	const char *default_similarity; /* of dense vectors; NULL: not known */
	int			max_batch_inputs;	/* most texts in one request */
	int			max_batch_tokens;	/* of one request; 0: no such limit */
	bool		settings_optional;	/* service_settings may be left out */

	/*
	 * Where requests of a model go: a URL, palloc'ed; NULL when no server is
	 * known.  NULL operation: the service runs here.
	 */
	char	   *(*url) (const InferenceModel *model, ServiceRoute *route);

	/* Fills a zeroed request, in the current memory context. */
	void		(*build_request) (const InferenceCall *call, const char *url,
								  HttpRequest *request);

	/* Whether call->plain_numbers makes a difference.  NULL: never. */
	bool		(*has_encodings) (const InferenceModel *model);

	/* Where a 2xx answer holds what. */
	const ReplyShape *(*reply_shape) (const InferenceCall *call,
									  const char *url);

	/* Its words for a text that is too long, apart from status 413. */
	const TooLongWords *too_long;

	/*
	 * What is probably wrong with a URL that leads to no answer: a hint; NULL: it
	 * looks good.
	 */
	const char *(*url_hint) (const char *url);

	/* Services that run here, in place of all that from url on. */
	void		(*run) (const InferenceCall *call, InferenceEmbedding *results);
} InferenceServiceOps;

/* inf_service_x of each service x, in its own file. */
#define INFERENCE_SERVICE(symbol) \
	extern const InferenceServiceOps inf_service_##symbol;
#include "service/service_list.h"
#undef INFERENCE_SERVICE

/* Looks a service up by name; NULL if there is none. */
extern const InferenceServiceOps *inf_service_find(const char *name);

/* Whether an answer of that status, with those words (or NULL), says so. */
extern bool inf_service_says_too_long(const InferenceServiceOps *service,
									  int status, const char *words);

/*
 * A hint at the URL for an answer that a good one would not give; NULL: none.
 * Status 2xx means that it could not be read.
 */
extern const char *inf_service_url_hint(const InferenceServiceOps *service,
										const char *url, int status);

/* All services, by name, NULL-ended. */
extern const InferenceServiceOps *const *inf_service_all(void);

#endif							/* INFERENCE_SERVICE_SERVICE_H */
