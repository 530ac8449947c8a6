/* sql/inference--0.2--0.3.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION inference UPDATE TO '0.3'" to load this file. \quit

-- ---------------------------------------------------------------------------
-- Keys
--
-- A new table, since the old one's statistics and TOAST table, which members of
-- pg_read_all_data can read, hold keys.  All columns are stored plainly and
-- come in one command with that, so that there never is a TOAST table; and no
-- statistics are gathered of any.  No constraint looks at a key: its error
-- would show the row.
-- ---------------------------------------------------------------------------

ALTER TABLE inference_secret RENAME TO inference_secret_0_2;
ALTER INDEX inference_secret_pkey RENAME TO inference_secret_0_2_pkey;

CREATE TABLE inference_secret ();
ALTER TABLE inference_secret
	ADD COLUMN model_id text COLLATE "C" NOT NULL,
	ADD COLUMN name text COLLATE "C" NOT NULL,
	ADD COLUMN method text NOT NULL,
	ADD COLUMN value bytea NOT NULL,
	ADD COLUMN bound_to text,
	ADD COLUMN server oid NOT NULL,
	ADD COLUMN cluster int8 NOT NULL,
	ADD COLUMN set_at timestamptz NOT NULL,
	ALTER COLUMN model_id SET STORAGE PLAIN,
	ALTER COLUMN name SET STORAGE PLAIN,
	ALTER COLUMN method SET STORAGE PLAIN,
	ALTER COLUMN value SET STORAGE PLAIN,
	ALTER COLUMN bound_to SET STORAGE PLAIN,
	ALTER COLUMN model_id SET STATISTICS 0,
	ALTER COLUMN name SET STATISTICS 0,
	ALTER COLUMN method SET STATISTICS 0,
	ALTER COLUMN value SET STATISTICS 0,
	ALTER COLUMN bound_to SET STATISTICS 0,
	ALTER COLUMN server SET STATISTICS 0,
	ALTER COLUMN cluster SET STATISTICS 0,
	ALTER COLUMN set_at SET STATISTICS 0;
ALTER TABLE inference_secret ADD PRIMARY KEY (model_id, name);
ALTER TABLE inference_secret REPLICA IDENTITY NOTHING;
ALTER TABLE inference_secret ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON inference_secret FROM PUBLIC;
COMMENT ON TABLE inference_secret IS
'keys of models; not readable, not dumped, not decoded';
COMMENT ON COLUMN inference_secret.bound_to IS
'origin (scheme, host, port) that the key may be sent to; null: wherever inference.elser_url points';
COMMENT ON COLUMN inference_secret.server IS
'foreign server that the key was given for; no other of the same name gets it';
COMMENT ON COLUMN inference_secret.cluster IS
'system identifier of the cluster that has this server; pg_upgrade changes both';

-- Rows are brought over by tuple, because logical decoding sees what SQL does.
-- The wrapper is touched so that sessions look for the table again.
ALTER FOREIGN DATA WRAPPER inference RENAME TO inference_0_2;
ALTER FOREIGN DATA WRAPPER inference_0_2 RENAME TO inference;
CREATE FUNCTION _inference_move_secrets(from_table regclass)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT;
SELECT _inference_move_secrets('inference_secret_0_2');
DROP FUNCTION _inference_move_secrets(regclass);
DROP TABLE inference_secret_0_2;

CREATE TRIGGER inference_guard BEFORE INSERT OR UPDATE OR DELETE ON inference_secret
	FOR EACH ROW EXECUTE FUNCTION _inference_guard();
CREATE TRIGGER inference_guard_truncate BEFORE TRUNCATE ON inference_secret
	FOR EACH STATEMENT EXECUTE FUNCTION _inference_guard();

-- It also keeps a subscription from copying keys.
ALTER TABLE inference_secret ENABLE ALWAYS TRIGGER inference_guard;

-- A server goes with whatever it belongs to: an extension that it is a member
-- of, that extension's schema, the wrapper.
DROP EVENT TRIGGER inference_server_dropped;
CREATE EVENT TRIGGER inference_server_dropped ON sql_drop
	WHEN TAG IN ('DROP SERVER', 'DROP OWNED', 'DROP EXTENSION', 'DROP FOREIGN DATA WRAPPER', 'DROP SCHEMA')
	EXECUTE FUNCTION _inference_server_dropped();

CREATE FUNCTION _inference_key_set_at(model_id text)
RETURNS timestamptz
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION _inference_key_set_at(text) IS
'private: when the key of a model was set, for the view inference_models';

CREATE OR REPLACE VIEW inference_models AS
SELECT m.model_id, m.task_type, m.service, m.service_settings, m.task_settings,
	-- A restored row was not checked, and must not break the view for all.
	CASE WHEN coalesce(m.service_settings ->> 'dimensions', m.discovered ->> 'dimensions') ~ '^[0-9]{1,9}$'
		 THEN coalesce(m.service_settings ->> 'dimensions', m.discovered ->> 'dimensions')::int
	END AS dimensions,
	coalesce(m.service_settings ->> 'similarity', m.discovered ->> 'similarity') AS similarity,
	pg_catalog.pg_get_userbyid(s.srvowner) AS owner, m.created_at, m.updated_at,
	_inference_key_set_at(m.model_id) AS key_set_at
FROM inference_model m
	JOIN pg_catalog.pg_foreign_server s ON s.srvname::text COLLATE "C" = m.model_id
	JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'inference';

COMMENT ON FUNCTION inference_delete(text, bool, bool) IS
'delete a model and its key; refused while other objects use it, unless force => true; dry_run => true only lists these objects';

-- ---------------------------------------------------------------------------
-- Triggers are looked at when they are created: a mistake is noticed then, not
-- when the first row is written.
-- ---------------------------------------------------------------------------

CREATE FUNCTION _inference_trigger_created()
RETURNS event_trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;
COMMENT ON FUNCTION _inference_trigger_created() IS
'private: checks the definition of a trigger that executes inference_embed_trigger()';

CREATE EVENT TRIGGER inference_trigger_created ON ddl_command_end
	WHEN TAG IN ('CREATE TRIGGER')
	EXECUTE FUNCTION _inference_trigger_created();

-- ---------------------------------------------------------------------------
-- A model and its server also stay together where session_replication_role is
-- "replica".
-- ---------------------------------------------------------------------------

ALTER EVENT TRIGGER inference_server_dropped ENABLE ALWAYS;
ALTER EVENT TRIGGER inference_server_altered ENABLE ALWAYS;

-- ---------------------------------------------------------------------------
-- Changing models
--
-- A null among the arguments, from an unset variable perhaps, was answered with
-- null and changed nothing.  New overloads stand beside the old ones, whose
-- grants and dependents stay so.  Had config come before validate in the short
-- one, inference_update('text_embedding', 'm', '{}') would be ambiguous.
-- ---------------------------------------------------------------------------

ALTER FUNCTION inference_put(text, text, jsonb, bool) CALLED ON NULL INPUT;
ALTER FUNCTION inference_put(text, jsonb) CALLED ON NULL INPUT;
ALTER FUNCTION inference_update(text, text, jsonb) CALLED ON NULL INPUT;
ALTER FUNCTION inference_update(text, jsonb) CALLED ON NULL INPUT;
ALTER FUNCTION inference_delete(text, text, bool, bool) CALLED ON NULL INPUT;
ALTER FUNCTION inference_delete(text, bool, bool) CALLED ON NULL INPUT;

CREATE FUNCTION inference_update(task_type text, model_id text, config jsonb, validate bool)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_update_with_task_validate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION inference_update(text, text, jsonb, bool) IS
'merge settings into a model of this task type, or replace its key; validate => true embeds a probe first, and changes nothing if that fails';

CREATE FUNCTION inference_update(model_id text, validate bool, config jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'inference_update_validate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION inference_update(text, bool, jsonb) IS
'merge settings into a model, or replace its key; validate => true embeds a probe first, and changes nothing if that fails';
