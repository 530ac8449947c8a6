/*
 * types.h
 *		Plain values that travel between the rooms: tasks, models, calls and
 *		results.  Nothing here does anything; who makes a value says how long
 *		it lives.
 */
#ifndef INFERENCE_BASE_TYPES_H
#define INFERENCE_BASE_TYPES_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "base/secret.h"

/*
 * What a model does.  The numbers are bits in InferenceServiceOps.tasks and
 * are never stored: catalogs hold the names.
 */
typedef enum InferenceTask
{
	INF_TASK_SPARSE_EMBEDDING = 1 << 0,
	INF_TASK_TEXT_EMBEDDING = 1 << 1
} InferenceTask;

/* A model as the catalog holds it, its key included. */
typedef struct InferenceModel
{
	/* Identity */
	char	   *model_id;		/* at most NAMEDATALEN - 1 bytes */
	Oid			server;			/* the foreign server of the same name */
	InferenceTask task;
	char	   *service;		/* name of the service, as stored */

	/* Settings: JSON objects, never NULL, without secrets */
	Jsonb	   *service_settings;
	Jsonb	   *task_settings;
	Jsonb	   *discovered;		/* what the validation probe found out */
	bool		is_oversized;	/* a restored row has more than may be put;
								 * it was not read */

	/* The secret of the model */
	InferenceSecret *api_key;	/* NULL: the model has none (any more) */
	char	   *bound_to;		/* origin that the key may be sent to; NULL:
								 * wherever inference.elser_url points */
	TimestampTz key_set_at;

	TimestampTz updated_at;
} InferenceModel;

/* One text to embed: UTF-8, NUL-terminated, without NUL inside. */
typedef struct InferenceInput
{
	const char *text;
	int			length;			/* bytes, without the terminator */
	int			position;		/* in the list of the call, from 1; 0: in none */
	int64		row;			/* of those that a statement has read, from 1;
								 * 0: of none */
	bool		is_truncated;	/* cut to the model's max_input_tokens */
} InferenceInput;

/*
 * What a service is asked to do in one request: some inputs of a statement.
 * task_settings are the model's, overlaid with those of the call.
 */
typedef struct InferenceCall
{
	const InferenceModel *model;
	Jsonb	   *task_settings;
	const InferenceInput *inputs;
	int			ninputs;
	int			ndimensions;	/* that vectors will have; 0: not known */
	bool		plain_numbers;	/* ask for no other encoding of vectors */
} InferenceCall;

typedef struct InferenceToken
{
	char	   *token;			/* UTF-8 */
	float		weight;
} InferenceToken;

/* The embedding of one input.  Dense or sparse, as the model's task says. */
typedef struct InferenceEmbedding
{
	/* Dense */
	int			ndimensions;
	float	   *values;			/* (ndimensions) */
	ArrayType  *array;			/* real[] that values are in; NULL: none is */

	/* Sparse */
	int			ntokens;
	InferenceToken *tokens;		/* (ntokens), heaviest first */

	bool		is_truncated;
} InferenceEmbedding;

/*
 * Why a call could not be answered.  One table in base/errors.c gives each
 * kind its SQLSTATE and its hint.
 */
typedef enum InferenceFaultKind
{
	INF_FAULT_NONE = 0,
	INF_FAULT_UNKNOWN_HOST,		/* the name does not resolve */
	INF_FAULT_ADDRESS_REFUSED,	/* our own guard said no */
	INF_FAULT_CONNECT,			/* no connection, or it broke */
	INF_FAULT_TLS,				/* handshake */
	INF_FAULT_CERTIFICATE,		/* of the server */
	INF_FAULT_TIMEOUT,			/* inference.request_timeout and the like */
	INF_FAULT_TOO_LARGE,		/* over inference.max_response_size */
	INF_FAULT_REDIRECT,			/* 3xx: never followed */
	INF_FAULT_AUTHENTICATION,	/* 401, 403 */
	INF_FAULT_RATE_LIMIT,		/* 429 */
	INF_FAULT_QUOTA,			/* 402, or a 429 that says it is for good */
	INF_FAULT_INPUT_TOO_LARGE,	/* 413 */
	INF_FAULT_REJECTED,			/* any other 4xx */
	INF_FAULT_SERVER,			/* 5xx */
	INF_FAULT_BAD_ANSWER		/* 2xx that does not hold what it should */
} InferenceFaultKind;

typedef struct InferenceFault
{
	InferenceFaultKind kind;
	char	   *message;		/* one sentence, or NULL when kind says it all */
	const char *hint;			/* what to do, in place of the kind's; or NULL */
	int			input;			/* which of the call's inputs it is about, from
								 * 1; 0: not known, or all */
} InferenceFault;

extern const char *inf_task_name(InferenceTask task);
extern bool inf_task_parse(const char *name, InferenceTask *task);

#endif							/* INFERENCE_BASE_TYPES_H */
