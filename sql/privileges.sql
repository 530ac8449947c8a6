--
-- Who may do what.
--
SET client_min_messages = warning;
CREATE ROLE regress_inference_putter;
CREATE ROLE regress_inference_member IN ROLE regress_inference_putter;
CREATE ROLE regress_inference_user;
CREATE ROLE regress_inference_nobody;
CREATE ROLE regress_inference_reader IN ROLE pg_read_all_data;
GRANT USAGE ON FOREIGN DATA WRAPPER inference TO regress_inference_putter;
RESET client_min_messages;

SET ROLE regress_inference_putter;
SELECT inference_put('text_embedding', 'theirs', '{"service": "hashing", "service_settings": {"dimensions": 3}}') IS NOT NULL AS put;
SELECT inference_put('text_embedding', 'secretive', '{"service": "openai", "service_settings": {"api_key": "sk-secret"}}') IS NOT NULL AS put;
GRANT USAGE ON FOREIGN SERVER theirs TO regress_inference_user;
RESET ROLE;

-- Function by kind of role: "yes", or the error.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE statement;
		RAISE EXCEPTION USING ERRCODE = 'RB000';
	EXCEPTION
		WHEN SQLSTATE 'RB000' THEN RETURN 'yes';
		-- PostgreSQL 16 has other words for who may look at a setting.
		WHEN OTHERS THEN RETURN SQLSTATE || ' ' ||
			regexp_replace(SQLERRM, 'must be superuser or .* to examine', 'permission denied to examine');
	END;
END $$;
CREATE FUNCTION matrix() RETURNS TABLE (statement text, allowed text) LANGUAGE sql AS $$
	SELECT s, try(s) FROM unnest(ARRAY[
		'SELECT inference_put(''text_embedding'', ''new'', ''{"service": "hashing"}'')',
		'SELECT inference_update(''theirs'', ''{"service_settings": {"dimensions": 3}}'')',
		'SELECT inference_update(''secretive'', ''{"service_settings": {"api_key": "k"}}'')',
		'SELECT inference_delete(''theirs'')',
		'SELECT inference_delete(''theirs'', dry_run => true)',
		'SELECT inference_get(''theirs'')',
		'SELECT inference_embed(''theirs'', ''x'')',
		'SELECT * FROM inference_embed_batch(''theirs'', ''{x}'')',
		'SELECT inference_infer(''theirs'', ''{"input": "x"}'')',
		'SELECT _inference_show_request(''secretive'', ''{x}'')',
		'SELECT * FROM inference_models',
		'SELECT * FROM inference_services',
		'SELECT * FROM inference_model',
		'SELECT value FROM inference_secret',
		'INSERT INTO inference_model VALUES (''x'', ''text_embedding'', ''hashing'')',
		'UPDATE inference_model SET service = ''openai''',
		'DELETE FROM inference_model',
		'TRUNCATE inference_model',
		'INSERT INTO inference_secret VALUES (''x'', ''api_key'', ''plain'', ''x'')',
		'UPDATE inference_secret SET value = ''x''',
		'DELETE FROM inference_secret',
		'CREATE SERVER another FOREIGN DATA WRAPPER inference',
		'DROP SERVER theirs',
		'SET inference.allow_private_addresses = on',
		'SET inference.allowed_hosts = ''example.org''',
		'SET inference.ca_bundle = ''/etc/passwd''',
		'SET inference.proxy = ''http://example.org''',
		'SET inference.elser_url = ''http://example.org''',
		'SHOW inference.proxy',
		'SET inference.request_timeout = ''1s''',
		'SET inference.cache_size = ''1MB'''
	]) s $$;
SELECT * FROM matrix();
SET ROLE regress_inference_putter;
SELECT * FROM matrix();
SET ROLE regress_inference_member;
SELECT * FROM matrix();
SET ROLE regress_inference_user;
SELECT * FROM matrix();
SET ROLE regress_inference_nobody;
SELECT * FROM matrix();
SET ROLE regress_inference_reader;
SELECT * FROM matrix();
RESET ROLE;

-- Row-level security hides keys from a role that may read every table.
SET ROLE regress_inference_reader;
SELECT count(*) FROM inference_secret;
RESET ROLE;
SELECT count(*) FROM inference_secret;

-- A right that is taken away is gone, also from a plan that was made before.
REVOKE EXECUTE ON FUNCTION inference_embed(text, text, jsonb) FROM PUBLIC;
SET ROLE regress_inference_user;
SELECT inference_embed('theirs', 'x');
SELECT inference_embed('theirs', body) FROM (VALUES ('x')) t(body);
SELECT inference_embed('theirs', 'x') IS NULL AS lacks FROM generate_series(1, 2);

-- Nor by its twin, which the planner puts in its place, told another function.
SELECT _inference_embed_once('pg_sleep(float8)', 'theirs', 'x', '{}');
SELECT _inference_embed_once('inference_sparse(text, text, jsonb)', 'theirs', 'x', '{}');
SELECT _inference_embed_once(0, 'theirs', 'x', '{}');
SELECT _inference_embed_once('inference_embed(text, text, jsonb)', 'theirs', 'x', '{}');
SELECT _inference_infer_once('pg_sleep(float8)', 'theirs', '{"input": "x"}');
SELECT _inference_infer_once('pg_sleep(float8)', 'text_embedding', 'theirs', '{"input": "x"}');
SELECT _inference_sparse_once('pg_sleep(float8)', 'theirs', 'x', '{}');
RESET ROLE;

-- A function that only has the original's name does not count.
ALTER FUNCTION inference_sparse(text, text, jsonb) RENAME TO regress_inference_renamed;
CREATE FUNCTION inference_sparse(text, text, jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT $3 $$;
SET ROLE regress_inference_user;
SELECT _inference_sparse_once('inference_sparse(text, text, jsonb)', 'theirs', 'x', '{}');
RESET ROLE;
DROP FUNCTION inference_sparse(text, text, jsonb);
ALTER FUNCTION regress_inference_renamed(text, text, jsonb) RENAME TO inference_sparse;
GRANT EXECUTE ON FUNCTION inference_embed(text, text, jsonb) TO PUBLIC;
SET ROLE regress_inference_user;
PREPARE p AS SELECT inference_embed('theirs', 'x') IS NOT NULL AS works;
EXECUTE p;
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER theirs FROM regress_inference_user;
SET ROLE regress_inference_user;
EXECUTE p;
RESET ROLE;
DEALLOCATE p;

-- SECURITY DEFINER lends the owner's right.
CREATE FUNCTION lent(text) RETURNS real[] LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT inference_embed('theirs', $1) $$;
ALTER FUNCTION lent(text) OWNER TO regress_inference_putter;
SET ROLE regress_inference_nobody;
SELECT lent('x') IS NOT NULL AS lent;
RESET ROLE;
DROP FUNCTION lent(text);

-- A trigger embeds with the right of the table's owner.
SET client_min_messages = warning;
CREATE SCHEMA regress_inference_schema;
GRANT USAGE, CREATE ON SCHEMA regress_inference_schema TO PUBLIC;
RESET client_min_messages;
SET ROLE regress_inference_putter;
CREATE TABLE regress_inference_schema.docs (body text, v real[]);
CREATE TRIGGER e BEFORE INSERT ON regress_inference_schema.docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('theirs', 'v', 'body');
GRANT INSERT, SELECT ON regress_inference_schema.docs TO regress_inference_nobody;
SET ROLE regress_inference_nobody;
INSERT INTO regress_inference_schema.docs VALUES ('x') RETURNING v IS NOT NULL AS embedded;
CREATE TABLE regress_inference_schema.own (body text, v real[]);
CREATE TRIGGER e BEFORE INSERT ON regress_inference_schema.own FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('theirs', 'v', 'body');
INSERT INTO regress_inference_schema.own VALUES ('x');
GRANT INSERT ON regress_inference_schema.own TO regress_inference_putter;
SET ROLE regress_inference_putter;
INSERT INTO regress_inference_schema.own VALUES ('x');
RESET ROLE;

-- Roles that own models, or may use some, cannot go unnoticed.
DROP ROLE regress_inference_putter;
REASSIGN OWNED BY regress_inference_putter TO regress_inference_user;
SELECT model_id, owner FROM inference_models ORDER BY 1;
DROP OWNED BY regress_inference_user;
SELECT model_id FROM inference_models;
SELECT count(*) FROM inference_model;
SELECT count(*) FROM inference_secret;
DROP FUNCTION matrix();
DROP FUNCTION try(text);
SET client_min_messages = warning;
DROP SCHEMA regress_inference_schema CASCADE;
DROP OWNED BY regress_inference_putter, regress_inference_member, regress_inference_user, regress_inference_nobody, regress_inference_reader;
DROP ROLE regress_inference_member, regress_inference_putter, regress_inference_user, regress_inference_nobody, regress_inference_reader;
