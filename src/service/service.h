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
	bool		has_encodings;	/* call->plain_numbers makes a difference */
	bool		settings_optional;	/* service_settings may be left out */

	/*
	 * Where requests of a model go: a URL, palloc'ed; NULL when no server is
	 * known.  NULL operation: the service runs here.
	 */
	char	   *(*url) (const InferenceModel *model, ServiceRoute *route);

	/* Fills a zeroed request, in the current memory context. */
	void		(*build_request) (const InferenceCall *call, const char *url,
								  HttpRequest *request);

	/* Where a 2xx answer holds what. */
	const ReplyShape *(*reply_shape) (const InferenceCall *call,
									  const char *url);

	/* The service's own words in an answer that is no 2xx, or NULL. */
	char	   *(*parse_error) (const HttpResponse *response);

	/* Services that run here, in place of the four above. */
	void		(*run) (const InferenceCall *call, InferenceEmbedding *results);
} InferenceServiceOps;

/* inf_service_x of each service x, in its own file. */
#define INFERENCE_SERVICE(symbol) \
	extern const InferenceServiceOps inf_service_##symbol;
#include "service/service_list.h"
#undef INFERENCE_SERVICE

/* Looks a service up by name; NULL if there is none. */
extern const InferenceServiceOps *inf_service_find(const char *name);

/* All services, by name, NULL-ended. */
extern const InferenceServiceOps *const *inf_service_all(void);

#endif							/* INFERENCE_SERVICE_SERVICE_H */
