/* sql/inference--0.1--0.2.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION inference UPDATE TO '0.2'" to load this file. \quit

-- Calls over rows are batched now.  At the old cost, of 10000, the planner had
-- statements of some thousand rows compiled (JIT), which took longer than the
-- requests.
ALTER FUNCTION inference_infer(text, text, jsonb) COST 1000;
ALTER FUNCTION inference_infer(text, jsonb) COST 1000;
ALTER FUNCTION inference_embed(text, text, jsonb) COST 1000;
ALTER FUNCTION inference_sparse(text, text, jsonb) COST 1000;
ALTER FUNCTION inference_embed_batch(text, text[], jsonb) COST 1000;
ALTER FUNCTION inference_sparse_batch(text, text[], jsonb) COST 1000;
ALTER FUNCTION _inference_infer_once(regprocedure, text, text, jsonb) COST 1000;
ALTER FUNCTION _inference_infer_once(regprocedure, text, jsonb) COST 1000;
ALTER FUNCTION _inference_embed_once(regprocedure, text, text, jsonb) COST 1000;
ALTER FUNCTION _inference_sparse_once(regprocedure, text, text, jsonb) COST 1000;
