/*
 * hub_transfer.h
 *		A GET from the hub and from where it sends us.  The only user of
 *		libcurl in the program.
 *
 * Redirects are followed here, not by libcurl: the token goes to the endpoint's
 * scheme, host and port and to nothing else, and from https nothing leads to
 * http.
 */
#ifndef INFERENCE_PROGRAM_HUB_TRANSFER_H
#define INFERENCE_PROGRAM_HUB_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine_error.h"

typedef struct HubTransfer HubTransfer;

typedef struct HubTransferOptions
{
	const char *endpoint;		/* "https://host[:port]", as from
								 * inf_hub_check_endpoint() */
	const char *token;			/* NULL: none */
	const char *proxy;			/* NULL: what the environment says */
	const char *ca_bundle;		/* NULL: the system's */
} HubTransferOptions;

/* Who takes the body. */
typedef struct HubSink
{
	/*
	 * The body of a good answer begins: bytes from offset on, which is what
	 * was asked for, or 0.  False ends the transfer.
	 */
	bool		(*begin) (void *context, int64_t offset);
	bool		(*take) (void *context, const char *bytes, size_t n);
	void	   *context;
} HubSink;

typedef struct HubAnswer
{
	int			status;			/* of HTTP; 0: there was none */
	char		code[40];		/* the hub's name for an error, as
								 * "GatedRepo"; "" if it gave none */
	int64_t		retry_after_s;	/* 0: it does not say */
	bool		is_stopped;		/* by the sink */
	bool		is_range_refused;	/* the bytes asked for are not to be had */
	char		host[128];		/* that answered, or did not */
	char		problem[256];	/* of the network; "" if there was none */
	bool		may_pass;		/* trying again may help */
} HubAnswer;

/*
 * Whether it is an address of a hub: http or https, a host, no user name, no
 * query.  *is_private is set if a token may travel there: https, or this
 * machine.
 */
extern bool inf_hub_check_endpoint(const char *endpoint, bool *is_private);

/* A part of a path as URLs write it; the caller frees it, NULL without memory. */
extern char *inf_hub_escape(const char *part);

/* NULL on failure.  The strings of options must stay. */
extern HubTransfer *inf_hub_transfer_open(const HubTransferOptions *options,
										  EngineError *error);
extern void inf_hub_transfer_close(HubTransfer *transfer);

/*
 * Gets url, bytes from offset on.  Whether a whole body came and the sink took
 * it; *answer says what came else.
 */
extern bool inf_hub_transfer_get(HubTransfer *transfer, const char *url,
								 int64_t offset, const HubSink *sink,
								 HubAnswer *answer);

#endif							/* INFERENCE_PROGRAM_HUB_TRANSFER_H */
