--
-- Models are also foreign servers.
--
SELECT inference_put('text_embedding', 'one', '{"service": "hashing", "service_settings": {"dimensions": 3}}') IS NOT NULL AS put;
SELECT inference_put('text_embedding', 'two', '{"service": "openai", "service_settings": {"api_key": "sk-secret"}}') IS NOT NULL AS put;

-- The tables are changed by the functions alone, whoever asks.
INSERT INTO inference_model VALUES ('x', 'text_embedding', 'hashing');
INSERT INTO inference_model (task_type, service) VALUES ('text_embedding', 'hashing');
UPDATE inference_model SET service = 'openai';
DELETE FROM inference_model;
TRUNCATE inference_model;
INSERT INTO inference_secret VALUES ('one', 'api_key', 'plain', 'x');
UPDATE inference_secret SET value = 'x';
DELETE FROM inference_secret;
TRUNCATE inference_secret;
SELECT _inference_guard();
SELECT _inference_server_dropped();

-- The server by hand.
ALTER SERVER one RENAME TO uno;
ALTER SERVER one OPTIONS (ADD host 'example.org');
CREATE SERVER by_hand FOREIGN DATA WRAPPER inference OPTIONS (a 'b');
ALTER SERVER one VERSION '7';
SELECT inference_update('two', '{"service_settings": {"api_key": "k"}}') IS NOT NULL AS updated;
DROP SERVER one;
SELECT model_id FROM inference_models ORDER BY model_id COLLATE "C";
SELECT model_id FROM inference_model ORDER BY model_id COLLATE "C";
SELECT inference_embed('one', 'x');
CREATE SERVER one FOREIGN DATA WRAPPER inference;
SELECT inference_get('one');
ALTER SERVER one RENAME TO free;
DROP SERVER free;
SET session_replication_role = replica;
SELECT inference_put('text_embedding', 'one', '{"service": "hashing"}') IS NOT NULL AS put;
ALTER SERVER one RENAME TO uno;
DROP SERVER one;
SELECT model_id FROM inference_model ORDER BY model_id COLLATE "C";
RESET session_replication_role;
CREATE FOREIGN DATA WRAPPER regress_inference_other;
CREATE SERVER one FOREIGN DATA WRAPPER regress_inference_other;
SELECT inference_put('text_embedding', 'one', '{"service": "hashing"}');
SELECT inference_get('one');
ALTER SERVER one RENAME TO other;
DROP FOREIGN DATA WRAPPER regress_inference_other CASCADE;
DROP FOREIGN DATA WRAPPER inference;

-- What a dump brings back.
CREATE SERVER restored VERSION '3' FOREIGN DATA WRAPPER inference;
INSERT INTO inference_model VALUES ('restored', 'text_embedding', 'openai', '{"url": "https://example.org/"}');
SELECT inference_embed('restored', 'x');
SELECT inference_update('restored', '{}');
SELECT inference_update('restored', '{"service_settings": {"api_key": "k"}}');
SELECT _inference_show_request('restored', '{x}');
INSERT INTO inference_model VALUES ('restored', 'text_embedding', 'openai');
\set VERBOSITY terse
INSERT INTO inference_model VALUES ('restored', 'rerank', 'openai');
\set VERBOSITY default
CREATE SERVER odd FOREIGN DATA WRAPPER inference;
INSERT INTO inference_model VALUES ('odd', 'text_embedding', 'elser', '{"dimensions": 1e30}', '{}', '{"dimensions": "many"}');
SELECT model_id, dimensions FROM inference_models WHERE model_id = 'odd';
SELECT inference_embed('odd', 'x');
CREATE SERVER unknown FOREIGN DATA WRAPPER inference;
INSERT INTO inference_model VALUES ('unknown', 'text_embedding', 'cohere');
SELECT inference_embed('unknown', 'x');
SELECT inference_update('unknown', '{}');
SELECT inference_get('unknown');
SELECT inference_delete('odd'), inference_delete('unknown'), inference_delete('restored'), inference_delete('two');

-- Models that are not whole, and how they become so: a server without a row,
-- of the user's own and of somebody else.
CREATE ROLE regress_inference_half;
GRANT USAGE ON FOREIGN DATA WRAPPER inference TO regress_inference_half;
CREATE SERVER half FOREIGN DATA WRAPPER inference;
GRANT USAGE ON FOREIGN SERVER half TO regress_inference_half;
SELECT inference_embed('half', 'x');
SELECT inference_get('half');
SELECT inference_update('half', '{}');
SET ROLE regress_inference_half;
SELECT inference_put('text_embedding', 'half', '{"service": "hashing"}');
SELECT inference_delete('half');
RESET ROLE;
SELECT inference_put('text_embedding', 'half', '{"service": "hashing", "service_settings": {"dimensions": 2}}');
SELECT srvversion, srvacl IS NOT NULL AS has_grants FROM pg_foreign_server WHERE srvname = 'half';
SET ROLE regress_inference_half;
SELECT cardinality(inference_embed('half', 'x'));
RESET ROLE;
SELECT inference_delete('half');
CREATE SERVER half FOREIGN DATA WRAPPER inference;
SELECT inference_delete('half', dry_run => true);
SELECT inference_delete('half');
SELECT inference_delete('half');

-- A row and a key without their server.
SELECT inference_put('text_embedding', 'half', '{"service": "openai", "service_settings": {"api_key": "sk-half"}}') IS NOT NULL AS put;
ALTER EVENT TRIGGER inference_server_dropped DISABLE;
DROP SERVER half;
ALTER EVENT TRIGGER inference_server_dropped ENABLE ALWAYS;
SELECT inference_embed('half', 'x');
SELECT model_id FROM inference_models;
SET ROLE regress_inference_half;
SELECT inference_delete('half', dry_run => true);
SELECT inference_put('text_embedding', 'half', '{"service": "hashing", "service_settings": {"dimensions": 2}}');
SELECT cardinality(inference_embed('half', 'x'));
SELECT inference_delete('half');
RESET ROLE;
SELECT count(*) FROM inference_secret;
SET session_replication_role = replica;
INSERT INTO inference_model VALUES ('half', 'text_embedding', 'hashing');
INSERT INTO inference_secret SELECT id, 'api_key', 'plain', 'x', NULL, 0, 0, now() FROM unnest(ARRAY['half', 'third']) id;
RESET session_replication_role;
SELECT inference_embed('half', 'x');
SELECT inference_embed('third', 'x');
SELECT inference_delete('half'), inference_delete('third');
SELECT (SELECT count(*) FROM inference_model) AS rows, (SELECT count(*) FROM inference_secret) AS keys;
REVOKE USAGE ON FOREIGN DATA WRAPPER inference FROM regress_inference_half;
DROP ROLE regress_inference_half;

-- Transactions.
BEGIN;
SELECT inference_put('text_embedding', 'gone', '{"service": "hashing"}') IS NOT NULL AS put;
SAVEPOINT s;
SELECT inference_put('text_embedding', 'gone-too', '{"service": "openai", "service_settings": {"api_key": "k"}}') IS NOT NULL AS put;
SELECT inference_embed('gone', 'x') IS NOT NULL AS works;
ROLLBACK TO s;
SELECT model_id FROM inference_models ORDER BY model_id COLLATE "C";
SELECT inference_delete('gone');
SELECT inference_put('text_embedding', 'gone', '{"service": "hashing", "service_settings": {"dimensions": 2}}') IS NOT NULL AS put;
SELECT cardinality(inference_embed('gone', 'x'));
ROLLBACK;
SELECT model_id FROM inference_models ORDER BY model_id COLLATE "C";
SELECT inference_embed('gone', 'x');
SELECT count(*) FROM inference_secret;

-- Another schema, in the same session, whatever the search path.
SELECT inference_put('text_embedding', 'last', '{"service": "hashing"}') IS NOT NULL AS put;
DROP EXTENSION inference;
DROP EXTENSION inference CASCADE;
CREATE SCHEMA "Regress Inference";
CREATE EXTENSION inference SCHEMA "Regress Inference";
SET search_path = pg_catalog;
SELECT "Regress Inference".inference_put('text_embedding', 'moved', '{"service": "hashing", "service_settings": {"dimensions": 2}}');
SELECT "Regress Inference".inference_embed('moved', 'x') IS NOT NULL AS works;
SELECT "Regress Inference".inference_embed('last', 'x') IS NOT NULL AS works;
SELECT model_id, dimensions FROM "Regress Inference".inference_models;
CREATE TABLE public.docs (body text, v real[]);
CREATE TRIGGER t BEFORE INSERT ON public.docs FOR EACH ROW EXECUTE FUNCTION "Regress Inference".inference_embed_trigger('moved', 'v', 'body');
INSERT INTO public.docs VALUES ('x') RETURNING cardinality(v);
EXPLAIN (VERBOSE, COSTS OFF) SELECT "Regress Inference".inference_embed('moved', 'x');
DROP TABLE public.docs;
ALTER EXTENSION inference SET SCHEMA public;
DROP EXTENSION inference CASCADE;
DROP SCHEMA "Regress Inference";
RESET search_path;
CREATE EXTENSION inference;
SELECT inference_get();
