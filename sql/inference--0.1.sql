/* sql/inference--0.1.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION inference" to load this file. \quit

-- ---------------------------------------------------------------------------
-- Models as database objects: each is also a server of this wrapper, from
-- which it has its owner, its grants and its place in a dump.
-- ---------------------------------------------------------------------------

CREATE FUNCTION _inference_fdw_validator(options text[], catalog oid)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION _inference_fdw_validator(text[], oid) IS
'private: refuses options, of which the wrapper has none';

CREATE FOREIGN DATA WRAPPER inference NO HANDLER VALIDATOR _inference_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER inference IS
'models of the inference extension: USAGE on this wrapper lets a role put models, USAGE on a server lets it use that model';

-- ---------------------------------------------------------------------------
-- Catalog
-- ---------------------------------------------------------------------------

CREATE TABLE inference_model (
	model_id text COLLATE "C" PRIMARY KEY,
	task_type text NOT NULL CHECK (task_type IN ('sparse_embedding', 'text_embedding')),
	service text NOT NULL,
	service_settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(service_settings) = 'object'),
	task_settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(task_settings) = 'object'),
	discovered jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(discovered) = 'object'),
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE inference_model IS
'models put by inference_put(), without their keys; changed only through the inference functions';
COMMENT ON COLUMN inference_model.discovered IS
'what the validation call found out, such as the dimensions of the vectors';

-- Keys are not dumped: the owner of a database could not dump them, and a
-- member of pg_read_all_data would get them in clear.  Row-level security
-- without a policy keeps that role's SELECT from showing any row.
CREATE TABLE inference_secret (
	model_id text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	method text NOT NULL CHECK (method = 'plain'),
	value bytea NOT NULL,
	bound_to text,
	PRIMARY KEY (model_id, name)
);
ALTER TABLE inference_secret ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON inference_secret FROM PUBLIC;
COMMENT ON TABLE inference_secret IS
'keys of models; not readable, not dumped';
COMMENT ON COLUMN inference_secret.bound_to IS
'origin (scheme, host, port) that the key may be sent to; null: wherever inference.elser_url points';

-- INSERT is for restoring a dump: the guard lets it pass for whoever has the
-- rights of the model's owner, or of the database's.
GRANT SELECT, INSERT ON inference_model TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('inference_model', '');

CREATE FUNCTION _inference_guard()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;
COMMENT ON FUNCTION _inference_guard() IS
'private: refuses direct changes to the catalog tables';

CREATE TRIGGER inference_guard BEFORE INSERT OR UPDATE OR DELETE ON inference_model
	FOR EACH ROW EXECUTE FUNCTION _inference_guard();
CREATE TRIGGER inference_guard_truncate BEFORE TRUNCATE ON inference_model
	FOR EACH STATEMENT EXECUTE FUNCTION _inference_guard();
CREATE TRIGGER inference_guard BEFORE INSERT OR UPDATE OR DELETE ON inference_secret
	FOR EACH ROW EXECUTE FUNCTION _inference_guard();
CREATE TRIGGER inference_guard_truncate BEFORE TRUNCATE ON inference_secret
	FOR EACH STATEMENT EXECUTE FUNCTION _inference_guard();

CREATE FUNCTION _inference_server_dropped()
RETURNS event_trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;
COMMENT ON FUNCTION _inference_server_dropped() IS
'private: forgets models whose foreign server was dropped';

CREATE EVENT TRIGGER inference_server_dropped ON sql_drop
	WHEN TAG IN ('DROP SERVER', 'DROP OWNED')
	EXECUTE FUNCTION _inference_server_dropped();

CREATE FUNCTION _inference_server_altered()
RETURNS event_trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;
COMMENT ON FUNCTION _inference_server_altered() IS
'private: refuses to rename the foreign server of a model';

CREATE EVENT TRIGGER inference_server_altered ON ddl_command_end
	WHEN TAG IN ('ALTER SERVER')
	EXECUTE FUNCTION _inference_server_altered();

-- ---------------------------------------------------------------------------
-- Models
-- ---------------------------------------------------------------------------

CREATE FUNCTION inference_put(task_type text, model_id text, config jsonb, validate bool DEFAULT false)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_put_with_task'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION inference_put(text, text, jsonb, bool) IS
'store a model under a new id and return its configuration without the key; validate => true embeds a probe first';

CREATE FUNCTION inference_put(model_id text, config jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_put'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION inference_put(text, jsonb) IS
'store a model whose configuration names its task_type';

CREATE FUNCTION inference_get(task_type text, model_id text)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_get_with_task'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION inference_get(text, text) IS
'configuration of one model of a task type, or of all with _all';

CREATE FUNCTION inference_get(model_id text DEFAULT '_all')
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_get'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION inference_get(text) IS
'configuration of one model, or of all with _all or *, sorted by id, without keys';

CREATE FUNCTION inference_update(model_id text, config jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_update'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION inference_update(text, jsonb) IS
'merge service_settings and task_settings into a model, or replace its key';

CREATE FUNCTION inference_update(task_type text, model_id text, config jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_update_with_task'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION inference_update(text, text, jsonb) IS
'merge service_settings and task_settings into a model of this task type, or replace its key';

CREATE FUNCTION inference_delete(model_id text, force bool DEFAULT false, dry_run bool DEFAULT false)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_delete'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION inference_delete(text, bool, bool) IS
'delete a model and its key; refused while triggers use it unless forced; dry_run only lists them';

CREATE FUNCTION inference_delete(task_type text, model_id text, force bool DEFAULT false, dry_run bool DEFAULT false)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_delete_with_task'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION inference_delete(text, text, bool, bool) IS
'delete a model of this task type and its key';

CREATE VIEW inference_models AS
SELECT m.model_id, m.task_type, m.service, m.service_settings, m.task_settings,
	-- A restored row was not checked, and must not break the view for all.
	CASE WHEN coalesce(m.service_settings ->> 'dimensions', m.discovered ->> 'dimensions') ~ '^[0-9]{1,9}$'
		 THEN coalesce(m.service_settings ->> 'dimensions', m.discovered ->> 'dimensions')::int
	END AS dimensions,
	coalesce(m.service_settings ->> 'similarity', m.discovered ->> 'similarity') AS similarity,
	pg_catalog.pg_get_userbyid(s.srvowner) AS owner, m.created_at, m.updated_at
FROM inference_model m
	JOIN pg_catalog.pg_foreign_server s ON s.srvname::text COLLATE "C" = m.model_id
	JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'inference';
COMMENT ON VIEW inference_models IS
'models with their settings, dimensions and owner, one row each';
GRANT SELECT ON inference_models TO PUBLIC;

CREATE FUNCTION _inference_services(
	OUT service text, OUT task_types text[], OUT setting_group text,
	OUT setting text, OUT type text, OUT minimum int, OUT maximum int,
	OUT choices text[], OUT default_value text, OUT required bool,
	OUT secret bool, OUT updatable bool, OUT description text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 30;
COMMENT ON FUNCTION _inference_services() IS
'private: rows of the view inference_services';

CREATE VIEW inference_services AS SELECT * FROM _inference_services();
COMMENT ON VIEW inference_services IS
'services with the settings that they take, one row per setting';
GRANT SELECT ON inference_services TO PUBLIC;

-- ---------------------------------------------------------------------------
-- Inference
--
-- STABLE, because a statement may ask a service once for one text.  Never
-- parallel safe: each worker would open connections and wait alone.  The cost
-- makes the planner evaluate everything else first; a true one, of a network
-- round trip, would have it compile (JIT) statements of a few calls.
-- ---------------------------------------------------------------------------

CREATE FUNCTION _inference_call_support(internal)
RETURNS internal
AS 'MODULE_PATHNAME'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION _inference_call_support(internal) IS
'private: makes the planner evaluate a call without columns once per statement';

CREATE FUNCTION inference_infer(task_type text, model_id text, body jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_infer_with_task'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 10000 SUPPORT _inference_call_support;
COMMENT ON FUNCTION inference_infer(text, text, jsonb) IS
'embed body->input (a string or an array of strings) and return the answer as JSON';

CREATE FUNCTION inference_infer(model_id text, body jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_infer'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 10000 SUPPORT _inference_call_support;
COMMENT ON FUNCTION inference_infer(text, jsonb) IS
'embed body->input (a string or an array of strings) and return the answer as JSON';

CREATE FUNCTION inference_embed(model_id text, input text, task_settings jsonb DEFAULT '{}')
RETURNS real[]
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 10000 SUPPORT _inference_call_support;
COMMENT ON FUNCTION inference_embed(text, text, jsonb) IS
'dense vector of a text; null for a blank one';

CREATE FUNCTION inference_sparse(model_id text, input text, task_settings jsonb DEFAULT '{}')
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 10000 SUPPORT _inference_call_support;
COMMENT ON FUNCTION inference_sparse(text, text, jsonb) IS
'sparse vector of a text as an object of token to weight; null for a blank one';

CREATE FUNCTION inference_embed_batch(model_id text, inputs text[], task_settings jsonb DEFAULT '{}',
	OUT ordinality int, OUT embedding real[])
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION inference_embed_batch(text, text[], jsonb) IS
'dense vectors of many texts in their order, null for null and blank ones';

CREATE FUNCTION inference_sparse_batch(model_id text, inputs text[], task_settings jsonb DEFAULT '{}',
	OUT ordinality int, OUT token text, OUT weight real)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 10000 ROWS 1000;
COMMENT ON FUNCTION inference_sparse_batch(text, text[], jsonb) IS
'tokens and weights of many texts in their order, heaviest token first';

-- What the planner puts in place of a call without columns: the same call in
-- a sub-select, told which function it stands for.  VOLATILE, because the
-- planner evaluates STABLE functions of constants itself when it estimates.

CREATE FUNCTION _inference_infer_once(stands_for regprocedure, task_type text, model_id text, body jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', '_inference_infer_with_task_once'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION _inference_infer_once(regprocedure, text, text, jsonb) IS
'private: inference_infer() evaluated once';

CREATE FUNCTION _inference_infer_once(stands_for regprocedure, model_id text, body jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION _inference_infer_once(regprocedure, text, jsonb) IS
'private: inference_infer() evaluated once';

CREATE FUNCTION _inference_embed_once(stands_for regprocedure, model_id text, input text, task_settings jsonb)
RETURNS real[]
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION _inference_embed_once(regprocedure, text, text, jsonb) IS
'private: inference_embed() evaluated once';

CREATE FUNCTION _inference_sparse_once(stands_for regprocedure, model_id text, input text, task_settings jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION _inference_sparse_once(regprocedure, text, text, jsonb) IS
'private: inference_sparse() evaluated once';

-- ---------------------------------------------------------------------------
-- Search without pgvector
-- ---------------------------------------------------------------------------

CREATE FUNCTION inference_cosine_similarity(a real[], b real[])
RETURNS float8
AS 'MODULE_PATHNAME'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION inference_cosine_similarity(real[], real[]) IS
'cosine of the angle between two vectors, 1 for the same direction; null if one is zero';

CREATE FUNCTION inference_dot_product(a real[], b real[])
RETURNS float8
AS 'MODULE_PATHNAME'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION inference_dot_product(real[], real[]) IS
'sum of the products of two vectors'' elements';

CREATE FUNCTION inference_l2_distance(a real[], b real[])
RETURNS float8
AS 'MODULE_PATHNAME'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION inference_l2_distance(real[], real[]) IS
'Euclidean distance of two vectors';

CREATE FUNCTION inference_sparse_dot(a jsonb, b jsonb)
RETURNS float8
AS 'MODULE_PATHNAME'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION inference_sparse_dot(jsonb, jsonb) IS
'sum of the products of the weights of the tokens that two sparse vectors share';

-- ---------------------------------------------------------------------------
-- Triggers
-- ---------------------------------------------------------------------------

CREATE FUNCTION inference_embed_trigger()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;
COMMENT ON FUNCTION inference_embed_trigger() IS
'BEFORE INSERT OR UPDATE row trigger (model_id, target column, source column, ...): embeds the source text into the target';

-- ---------------------------------------------------------------------------
-- Looking inside
-- ---------------------------------------------------------------------------

CREATE FUNCTION _inference_show_request(model_id text, inputs text[], task_settings jsonb DEFAULT '{}')
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION _inference_show_request(text, text[], jsonb) IS
'private: the request that a call would send, its key redacted; sends nothing';

CREATE FUNCTION _inference_read_response(model_id text, inputs text[], body bytea)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION _inference_read_response(text, text[], bytea) IS
'private: what a call would make of this answer from the model''s service';
