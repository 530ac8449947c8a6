--
-- The row trigger.
--
SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 3}}') IS NOT NULL AS put;
SELECT inference_put('sparse_embedding', 'tokens', '{"service": "hashing"}') IS NOT NULL AS put;
SET extra_float_digits = 0;

CREATE TABLE docs (id int GENERATED ALWAYS AS IDENTITY, title text, body varchar(100), v real[], note text);
CREATE TRIGGER docs_embed BEFORE INSERT OR UPDATE ON docs
	FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'title', 'body');
INSERT INTO docs (title, body) VALUES ('a', 'b'), ('a', NULL), (NULL, 'a'), (NULL, NULL), ('', ' '), ('x', 'y');
SELECT id, title, body, v, v = inference_embed('words', concat_ws(E'\n', title, body)) AS as_called FROM docs ORDER BY id;

-- What was given is kept; what did not change is left alone.
INSERT INTO docs (title, v) VALUES ('given', '{1,2,3}') RETURNING v;
UPDATE docs SET note = 'unchanged' WHERE id = 7 RETURNING v;
UPDATE docs SET title = 'given' WHERE id = 7 RETURNING v;
UPDATE docs SET title = 'changed' WHERE id = 7 RETURNING v = inference_embed('words', 'changed') AS embedded_anew;
UPDATE docs SET title = 'again', v = '{4,5,6}' WHERE id = 7 RETURNING v;
UPDATE docs SET v = NULL WHERE id = 7 RETURNING v;
UPDATE docs SET title = NULL WHERE id = 7 RETURNING v;
UPDATE docs SET title = 'back' WHERE id = 7 RETURNING v IS NOT NULL AS embedded;
COPY docs (title) FROM stdin;
copied
\.
SELECT v = inference_embed('words', 'copied') AS embedded FROM docs WHERE title = 'copied';
TRUNCATE docs;

-- A statement that fails leaves the table as it was.
SELECT inference_delete('words', force => true);
INSERT INTO docs (title) VALUES ('x');
INSERT INTO docs (title) VALUES (NULL);
SELECT count(*) FROM docs;
SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 3}}') IS NOT NULL AS put;
DROP TABLE docs;

-- Types of the target.
CREATE DOMAIN three AS real[] CHECK (cardinality(VALUE) = 3);
CREATE DOMAIN four AS real[] CHECK (cardinality(VALUE) = 4);
CREATE TABLE typed (body text, f4 real[], f8 double precision[], d3 three, d4 four, j jsonb, i int[], n numeric, t text);
CREATE TRIGGER f8 BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'f8', 'body');
CREATE TRIGGER d3 BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'd3', 'body');
CREATE TRIGGER j BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('tokens', 'j', 'body');
INSERT INTO typed (body) VALUES ('to be or not to be') RETURNING f8::real[] = inference_embed('words', body) AS f8, d3 = inference_embed('words', body) AS d3, j = inference_sparse('tokens', body) AS j;
CREATE TRIGGER z BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'd4', 'body');
INSERT INTO typed (body) VALUES ('x');
DROP TRIGGER z ON typed;
CREATE TRIGGER z BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'j', 'body');
INSERT INTO typed (body, j) VALUES ('x', NULL);
DROP TRIGGER j ON typed;
INSERT INTO typed (body) VALUES ('x');
DROP TRIGGER z ON typed;
CREATE TRIGGER z BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'i', 'body');
INSERT INTO typed (body) VALUES ('x');
DROP TRIGGER z ON typed;
CREATE TRIGGER z BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'n', 'body');
INSERT INTO typed (body) VALUES ('x');
DROP TRIGGER z ON typed;
CREATE TRIGGER z BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('tokens', 'f4', 'body');
INSERT INTO typed (body) VALUES ('x');
DROP TABLE typed;
DROP DOMAIN three, four;

-- A domain is held against the null of a row without text, too.
CREATE DOMAIN required AS real[] NOT NULL;
CREATE DOMAIN present AS jsonb CHECK (VALUE IS NOT NULL);
CREATE DOMAIN required_by_base AS required;
CREATE TABLE strict (id int, body text, r required DEFAULT '{}', s present DEFAULT '{}', b required_by_base DEFAULT '{}');
INSERT INTO strict VALUES (1, 'x');
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON strict FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'r', 'body');
UPDATE strict SET body = NULL;
UPDATE strict SET body = ' ';
UPDATE strict SET r = NULL;
UPDATE strict SET body = 'y' RETURNING r = inference_embed('words', 'y') AS embedded;
DROP TRIGGER t ON strict;
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON strict FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('tokens', 's', 'body');
UPDATE strict SET body = NULL;
DROP TRIGGER t ON strict;
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON strict FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'b', 'body');
UPDATE strict SET body = NULL;
SELECT count(*), count(r) AS r, count(s) AS s, count(b) AS b FROM strict;
DROP TABLE strict;
DROP DOMAIN required_by_base, required, present;

-- A type with a cast from real[], as pgvector's vector has.
CREATE TYPE mine AS (x real[]);
CREATE FUNCTION to_mine(real[]) RETURNS mine LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1)::mine';
CREATE CAST (real[] AS mine) WITH FUNCTION to_mine(real[]) AS ASSIGNMENT;
CREATE TABLE casted (body text, m mine);
CREATE TRIGGER m BEFORE INSERT ON casted FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'm', 'body');
INSERT INTO casted VALUES ('x') RETURNING (m).x = inference_embed('words', 'x') AS as_called;
DROP TABLE casted;
DROP TYPE mine CASCADE;

-- A cast that leaves the length to another function, as an assignment would.
CREATE FUNCTION to_bits(real[]) RETURNS varbit LANGUAGE sql IMMUTABLE AS $$SELECT varbit '10101010'$$;
CREATE CAST (real[] AS varbit) WITH FUNCTION to_bits(real[]) AS ASSIGNMENT;
CREATE TABLE casted (body text, b varbit(3), w varbit(9));
CREATE TRIGGER w BEFORE INSERT ON casted FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'w', 'body');
INSERT INTO casted VALUES ('x') RETURNING w;
CREATE TRIGGER b BEFORE INSERT ON casted FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'b', 'body');
INSERT INTO casted VALUES ('x') RETURNING w;
DROP TABLE casted;
DROP FUNCTION to_bits CASCADE;

-- Mistakes are noticed when the trigger is created: what cannot work is refused.
CREATE TABLE wrong (body text, v real[], n int, g text GENERATED ALWAYS AS (body || '!') STORED, gv real[] GENERATED ALWAYS AS ('{1}') STORED);
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger();
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v');
CREATE TRIGGER t AFTER INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH STATEMENT EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
CREATE TRIGGER t BEFORE INSERT ON wrong EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
CREATE TRIGGER t BEFORE INSERT OR DELETE ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
CREATE TRIGGER t BEFORE TRUNCATE ON wrong FOR EACH STATEMENT EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'g');
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'gv', 'body');
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'body', 'body');
CREATE VIEW wrong_view AS SELECT body, v FROM wrong;
CREATE TRIGGER t INSTEAD OF INSERT ON wrong_view FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
DROP VIEW wrong_view;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'wrong'::regclass;

-- What may become right is a warning.
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'nope', 'body');
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'nope', 'neither');
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'n');
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'n', 'body');
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('tokens', 'v', 'body');
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('later', 'v', 'body');
INSERT INTO wrong VALUES ('x');
SELECT inference_put('text_embedding', 'later', '{"service": "hashing", "service_settings": {"dimensions": 1}}') IS NOT NULL AS put;
INSERT INTO wrong VALUES ('x') RETURNING cardinality(v);
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('later', 'v', 'body');
CREATE ROLE regress_inference_owner;
ALTER TABLE wrong OWNER TO regress_inference_owner;
SET ROLE regress_inference_owner;
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('later', 'v', 'body');
RESET ROLE;
ALTER TABLE wrong OWNER TO CURRENT_USER;
DROP ROLE regress_inference_owner;
DROP TRIGGER t ON wrong;
SELECT inference_delete('later');

-- A trigger of another function is nobody's business.
CREATE FUNCTION other_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t AFTER INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION other_trigger();
DROP FUNCTION other_trigger CASCADE;

-- A restore brings back what was there, with warnings; so these triggers fire.
TRUNCATE wrong;
SET check_function_bodies = off;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger();
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v');
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'nope', 'body');
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'nope');
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'n');
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'g');
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'gv', 'body');
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'body', 'body');
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
CREATE TRIGGER t AFTER INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH STATEMENT EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
INSERT INTO wrong VALUES ('x');
DROP TRIGGER t ON wrong;
INSERT INTO wrong VALUES ('x');
CREATE TRIGGER t BEFORE DELETE ON wrong FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
DELETE FROM wrong;
RESET check_function_bodies;
SELECT inference_embed_trigger();
DROP TABLE wrong;

-- Errors name trigger, table and row, but not what is embedded, nor what the
-- user may not see.
CREATE DOMAIN unfit AS real[] CHECK (cardinality(VALUE) = 4);
CREATE TABLE named (a int, b text, body text, v unfit, PRIMARY KEY (a, b));
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON named FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
INSERT INTO named VALUES (1, 'one', 'secret text');
INSERT INTO named VALUES (2, repeat('long', 100), 'secret text');
INSERT INTO named VALUES (1, 'one', 'secret text', '{1,2,3,4}');
UPDATE named SET a = 3, body = 'other secret';
CREATE ROLE regress_inference_writer;
GRANT INSERT (a, b, body), SELECT (a) ON named TO regress_inference_writer;
SET ROLE regress_inference_writer;
INSERT INTO named VALUES (4, 'four', 'secret text');
RESET ROLE;
GRANT SELECT (b) ON named TO regress_inference_writer;
SET ROLE regress_inference_writer;
INSERT INTO named VALUES (4, 'four', 'secret text');
RESET ROLE;
CREATE POLICY p ON named FOR INSERT TO regress_inference_writer WITH CHECK (true);
ALTER TABLE named ENABLE ROW LEVEL SECURITY;
SET ROLE regress_inference_writer;
INSERT INTO named VALUES (4, 'four', 'secret text');
RESET ROLE;
ALTER TABLE named DROP CONSTRAINT named_pkey;
INSERT INTO named VALUES (5, 'five', 'secret text');
CREATE UNIQUE INDEX named_a ON named (a);
ALTER TABLE named REPLICA IDENTITY USING INDEX named_a;
INSERT INTO named VALUES (6, 'six', 'secret text');
DROP INDEX named_a;
ALTER TABLE named ADD PRIMARY KEY (body);
INSERT INTO named VALUES (7, 'seven', 'secret text');
DROP TABLE named;
DROP ROLE regress_inference_writer;
DROP DOMAIN unfit;

-- Partitions, ON CONFLICT, MERGE, dropped columns.
CREATE TABLE parted (id int PRIMARY KEY, gone int, body text, v real[]) PARTITION BY RANGE (id);
ALTER TABLE parted DROP COLUMN gone;
CREATE TABLE low (v real[], body text, id int NOT NULL);
ALTER TABLE parted ATTACH PARTITION low FOR VALUES FROM (0) TO (10);
CREATE TABLE high PARTITION OF parted FOR VALUES FROM (10) TO (20);
CREATE TRIGGER p BEFORE INSERT OR UPDATE ON parted FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
INSERT INTO parted (id, body) VALUES (1, 'one'), (11, 'eleven');
INSERT INTO parted (id, body) VALUES (1, 'uno') ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body;
INSERT INTO parted (id, body) VALUES (1, 'eins') ON CONFLICT DO NOTHING;
UPDATE parted SET id = 12 WHERE id = 1;
SELECT tableoid::regclass, id, body, v = inference_embed('words', body) AS embedded FROM parted ORDER BY id;
DROP TABLE parted;
SELECT inference_delete('words'), inference_delete('tokens');
