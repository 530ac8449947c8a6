--
-- What names a model: triggers, and expressions that are stored.
--
SELECT inference_put('text_embedding', 'named', '{"service": "hashing", "service_settings": {"dimensions": 3}}') IS NOT NULL AS put;
SELECT inference_put('text_embedding', 'other', '{"service": "hashing", "service_settings": {"dimensions": 3}}') IS NOT NULL AS put;
SELECT inference_put('sparse_embedding', 'tokens', '{"service": "hashing"}') IS NOT NULL AS put;
CREATE SCHEMA regress_inference_names;
SET search_path = regress_inference_names, public;
CREATE FUNCTION names(model text) RETURNS SETOF text LANGUAGE sql AS
$$SELECT d COLLATE "C" FROM jsonb_array_elements_text(inference_delete(model, dry_run => true) -> 'dependents') d ORDER BY 1$$;

CREATE TABLE docs (id int, body text, v real[]);
SELECT names('named');

-- Views, and how a call may be written in one.
CREATE VIEW v_plain AS SELECT id, inference_embed('named', body) FROM docs;
CREATE VIEW v_deep AS SELECT id FROM docs d WHERE EXISTS (SELECT FROM docs WHERE cardinality(coalesce(v, inference_embed('named'::varchar, d.body || 'x'))) > 1);
CREATE VIEW v_notation AS SELECT inference_embed(input => body, model_id => 'named') FROM docs;
CREATE VIEW v_task AS SELECT inference_infer('text_embedding', 'named', jsonb_build_object('input', body)) FROM docs;
CREATE VIEW v_from AS WITH t AS (SELECT * FROM inference_embed_batch('named', ARRAY['a', 'b'])) SELECT ordinality FROM t;
CREATE VIEW v_union AS SELECT id FROM docs UNION ALL SELECT cardinality(inference_embed('named', 'x'));
CREATE VIEW v_get AS SELECT inference_get('named');
CREATE VIEW v_of_view AS SELECT * FROM v_plain;
CREATE VIEW v_other AS SELECT inference_embed('other', body) FROM docs;
CREATE VIEW v_text AS SELECT inference_embed('other', 'named'), 'named' AS named FROM docs;
CREATE VIEW v_column AS SELECT inference_embed(body, 'named') FROM docs;
CREATE MATERIALIZED VIEW m_view AS SELECT inference_embed('named', body) AS v FROM docs;
SELECT names('named');
SELECT names('other');
SELECT names('tokens');
DROP TABLE docs CASCADE;
DROP VIEW v_from, v_get;

-- Everything else.
CREATE TABLE docs (
	id int CHECK (cardinality(inference_embed('named', 'check')) = 3),
	body text,
	v real[] DEFAULT inference_embed('named', 'default'),
	CONSTRAINT whole CHECK (inference_embed('named', body) IS NOT NULL));
CREATE DOMAIN checked AS text CHECK (inference_embed('named', VALUE) IS NOT NULL);
CREATE DOMAIN defaulted AS real[] DEFAULT inference_embed('named', 'default');
CREATE RULE r AS ON DELETE TO docs DO INSTEAD SELECT inference_embed('named', OLD.body);
CREATE RULE q AS ON INSERT TO docs WHERE NEW.v <> inference_embed('named', NEW.body) DO INSTEAD NOTHING;
CREATE POLICY p ON docs USING (v = inference_embed('named', body));
CREATE POLICY c ON docs FOR INSERT WITH CHECK (v = inference_embed('named', body));
CREATE FUNCTION body_one(t text) RETURNS real[] LANGUAGE sql RETURN inference_embed('named', t);
CREATE FUNCTION body_many(t text) RETURNS real[] LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT inference_embed('named', t); END;
CREATE FUNCTION argument(a real[] DEFAULT inference_embed('named', 'x')) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION for_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER w BEFORE INSERT ON docs FOR EACH ROW WHEN (NEW.v = inference_embed('named', NEW.body)) EXECUTE FUNCTION for_trigger();
CREATE TRIGGER e BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('named', 'v', 'body');
CREATE FUNCTION unseen(t text) RETURNS real[] LANGUAGE sql AS $$SELECT inference_embed('named', t)$$;
CREATE FUNCTION unseen_too(t text) RETURNS real[] LANGUAGE plpgsql AS $$BEGIN RETURN inference_embed('named', t); END$$;
SELECT names('named');

-- Where a function is called IMMUTABLE by force.
BEGIN;
ALTER FUNCTION inference_sparse(text, text, jsonb) IMMUTABLE;
CREATE TABLE forced (body text, j jsonb GENERATED ALWAYS AS (inference_sparse('tokens', body)) STORED);
CREATE INDEX by_expression ON forced (inference_sparse('tokens', body));
CREATE INDEX by_predicate ON forced (body) WHERE inference_sparse('tokens', body) IS NULL;
CREATE STATISTICS told ON (inference_sparse('tokens', body)), body FROM forced;
SELECT names('tokens');
ROLLBACK;

-- A model that is named is not deleted, and after a forced delete the error
-- says what names it.
SELECT inference_delete('named');
SELECT inference_delete('named', force => true);
INSERT INTO docs (id, body, v) VALUES (1, 'x', '{1}');
DROP RULE q ON docs;
DROP TRIGGER w ON docs;
DROP TRIGGER e ON docs;
DROP DOMAIN checked, defaulted;
DROP FUNCTION body_one, body_many, argument;
INSERT INTO docs (id, body) VALUES (1, 'x');
ALTER TABLE docs DROP CONSTRAINT whole, ALTER v DROP DEFAULT;
SELECT inference_embed('named', 'x');
SELECT inference_embed('nobody', 'x');

-- In a restore, as a dump announces it, steps are what helps.
SET check_function_bodies = off;
CREATE SERVER named FOREIGN DATA WRAPPER inference;
SELECT inference_embed('named', 'x');
INSERT INTO inference_model VALUES ('named', 'text_embedding', 'openai');
SELECT inference_embed('named', 'x');
RESET check_function_bodies;
SELECT inference_embed('named', 'x');
SELECT inference_delete('named', force => true), inference_delete('other'), inference_delete('tokens');
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA regress_inference_names CASCADE;
