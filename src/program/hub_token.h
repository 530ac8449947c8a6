/*
 * hub_token.h
 *		The user's token for the hub, from where its own tools keep it.
 */
#ifndef INFERENCE_PROGRAM_HUB_TOKEN_H
#define INFERENCE_PROGRAM_HUB_TOKEN_H

#include "engine/engine_error.h"

#define HUB_MAX_TOKEN_BYTES 1024

/*
 * Reads HF_TOKEN; else the file that HF_TOKEN_PATH names, which has to be
 * there; else $HF_HOME/token or ~/.cache/huggingface/token, which need not.  An
 * empty token is none.  False if what is there is no token; no message shows
 * any of it.
 */
extern bool inf_hub_token_read(char token[HUB_MAX_TOKEN_BYTES], EngineError *error);

#endif							/* INFERENCE_PROGRAM_HUB_TOKEN_H */
