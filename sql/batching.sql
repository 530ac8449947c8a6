--
-- Calls over rows in batches: where the node stands in a plan, what it leaves
-- alone, and that nothing is evaluated ahead of its turn.
--

-- Whatever the configuration of the server says.
SET inference.batching = on;
SET inference.max_batch_inputs = 0;

SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 16}}') IS NOT NULL AS put;
SELECT inference_put('sparse_embedding', 'terms', '{"service": "hashing"}') IS NOT NULL AS put;
CREATE TABLE docs (id int, g int, body text, v real[]);
INSERT INTO docs SELECT i, i % 3, 'text ' || i FROM generate_series(1, 9) i;
CREATE TABLE parted (id int, body text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (5);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (5) TO (100);
INSERT INTO parted SELECT id, body FROM docs;
ANALYZE docs, parted;

-- Whether a statement has the node, and answers the same without.
CREATE FUNCTION compare(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; nodes int := 0; answers text[] := '{}'; answer text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
    nodes := nodes + (line ~ 'Inference Batch')::int;
  END LOOP;
  FOREACH line IN ARRAY ARRAY['on', 'off'] LOOP
    PERFORM set_config('inference.batching', line, true);
    EXECUTE format('SELECT string_agg(r::text, chr(10)) FROM (%s) r', statement) INTO answer;
    answers := answers || COALESCE(answer, 'none');
  END LOOP;
  PERFORM set_config('inference.batching', 'on', true);
  RETURN nodes || CASE WHEN answers[1] = answers[2] THEN ' same' ELSE ' differ: ' || answers::text END;
END $$;

CREATE FUNCTION plan_of(options text, statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('EXPLAIN (%s, COSTS OFF) %s', options, statement);
END $$;

--
-- What is computed above a sort, when the sort key holds a call: a volatile
-- function, or with LIMIT another call.
--
SELECT id, gen_random_uuid() IS NULL FROM docs
  ORDER BY inference_cosine_similarity(inference_embed('words', body), inference_embed('words', '5')) DESC, id LIMIT 3;
SELECT compare($$SELECT id, random() < 2 FROM docs ORDER BY (inference_embed('words', body))[1], id$$);
SELECT compare($$SELECT id, inference_sparse('terms', body) FROM docs ORDER BY (inference_embed('words', body))[1], id LIMIT 3$$);
SELECT compare($$SELECT id, inference_embed('words', body)::text || g FROM docs ORDER BY inference_embed('words', body)::text, id LIMIT 3$$);
SELECT compare($$SELECT id, inference_embed('words', body) FROM docs ORDER BY random() * 0, id$$);
SELECT compare($$SELECT g, inference_embed('words', g || 'x'), random() < 2 FROM docs GROUP BY g ORDER BY (inference_embed('words', g || 'x'))[1], g LIMIT 2$$);
SELECT compare($$SELECT id, rank() OVER (ORDER BY (inference_embed('words', body))[1]), random() < 2 FROM docs ORDER BY 2, id$$);
SELECT compare($$SELECT g, grouping(g), inference_embed('words', g || 'x')::text || count(*) FROM docs GROUP BY ROLLUP (g) ORDER BY g$$);
SELECT compare($$SELECT inference_embed('words', body) e, count(inference_embed('words', body || g)) FROM docs GROUP BY 1 ORDER BY 1$$);
-- What is made for some rows only is no answer elsewhere.
SELECT compare($$SELECT g, count(CASE WHEN g > 0 THEN inference_embed('words', g || 'x') END), inference_embed('words', inference_embed('words', g || 'x')::text || count(*)) FROM docs GROUP BY g ORDER BY g$$);
SELECT compare($$SELECT g, count(*) FILTER (WHERE g > 0 AND inference_embed('words', g || 'x') IS NOT NULL) FROM docs GROUP BY g HAVING coalesce(inference_embed('words', g || 'x'), '{}') <> '{}' ORDER BY g$$);
SELECT compare($$SELECT id, unnest(CASE WHEN g > 0 THEN inference_embed('words', body) ELSE '{1}' END), inference_embed('words', inference_embed('words', body)::text || id) FROM docs$$);

-- What is said of calls in the arms of a UNION ALL.
SELECT line FROM plan_of('VERBOSE', $$SELECT u.x FROM (SELECT id, inference_embed('words', body) AS x FROM docs UNION ALL SELECT id, inference_embed('words', body) FROM parted) u JOIN docs USING (id)$$) line WHERE line ~ 'Not Batched';
SELECT line FROM plan_of('VERBOSE', $$SELECT u.x FROM (SELECT id, inference_embed('words', body) AS x FROM docs UNION ALL SELECT id, inference_embed('words', body) FROM parted) u ORDER BY u.x$$) line WHERE line ~ 'Not Batched';
SELECT line FROM plan_of('VERBOSE', $$SELECT u.x FROM (SELECT id, inference_embed('words', body) AS x FROM docs UNION ALL SELECT id, inference_embed('words', body) FROM parted) u WHERE u.x IS NOT NULL$$) line WHERE line ~ 'Not Batched';

-- Sets.
EXPLAIN (COSTS OFF) SELECT id, unnest(inference_embed('words', body)) FROM parted;
SELECT compare($$SELECT id, unnest(inference_embed('words', body)) FROM parted ORDER BY 1, 2$$);
SELECT compare($$SELECT id, unnest(inference_embed('words', body)) FROM docs$$);
SELECT compare($$SELECT id, unnest(inference_embed('words', body)), inference_embed('words', body) FROM docs$$);
SELECT compare($$SELECT id, generate_series(1, 2), inference_embed('words', body) FROM parted ORDER BY 1, 2$$);
SELECT compare($$SELECT inference_embed('words', unnest(ARRAY[body, body || '!'])) FROM parted ORDER BY 1$$);
SELECT compare($$SELECT inference_embed('words', unnest(ARRAY['a', 'b']))$$);
SELECT compare($$SELECT inference_embed('words', generate_series(1, 2)::text) FROM docs$$);

-- Columns set together by a sub-select.
UPDATE docs SET (g, body) = (SELECT p.id, 'new ' || p.body FROM parted p WHERE p.id = docs.id), v = inference_embed('words', body);
SELECT bool_and(g = id AND body = 'new text ' || id AND v = inference_embed('words', 'text ' || id)) FROM docs;
UPDATE docs SET g = id % 3, body = 'text ' || id;

-- A call made of another one, in branches.
SELECT compare($$SELECT inference_embed('words', body), CASE WHEN g > 0 THEN inference_embed('words', coalesce(inference_embed('words', body)::text, 'x')) END FROM docs$$);

-- Conditions that are the same for all rows are checked by a node between.
SELECT compare($$SELECT * FROM (SELECT id, inference_embed('words', 'x')::text AS c, inference_embed('words', body)::text AS e FROM (SELECT id, body FROM docs UNION ALL SELECT id, body FROM parted) u) x WHERE x IS NOT NULL$$);
SELECT compare($$SELECT id, inference_embed('words', body) FROM docs WHERE (SELECT count(*) FROM parted) > 0$$);
SELECT compare($$SELECT id FROM docs WHERE inference_embed('words', body) IS NOT NULL AND (SELECT count(*) FROM parted) > 0$$);

-- Rows of different tables that are joined and written.
SELECT line FROM plan_of('VERBOSE', $$UPDATE parted SET body = inference_embed('words', parted.body)::text FROM docs WHERE docs.id = parted.id$$) line WHERE line ~ 'Output:.*inference_embed';
UPDATE parted SET body = inference_embed('words', parted.body)::text FROM docs WHERE docs.id = parted.id;
SELECT bool_and(body = inference_embed('words', 'text ' || id)::text) FROM parted;
UPDATE parted SET body = 'text ' || id;

-- Such conditions, and rows of different tables that are written.
CREATE TABLE parents (id int, body text, v real[]);
CREATE TABLE children () INHERITS (parents);
INSERT INTO parents SELECT id, body FROM docs WHERE id < 5;
INSERT INTO children SELECT id, body FROM docs WHERE id >= 5;
UPDATE parents SET v = inference_embed('words', body) WHERE EXISTS (SELECT FROM docs OFFSET 0);
SELECT count(*) FROM parents WHERE v = inference_embed('words', body);
UPDATE parents SET v = NULL WHERE (SELECT count(*) FROM docs) > 0 AND inference_embed('words', body) IS NOT NULL;
SELECT count(v) FROM parents;

-- WHERE CURRENT OF: the row that was handed on last, not the one that was read last.
CREATE INDEX ON parents (id);
BEGIN;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
DECLARE c SCROLL CURSOR FOR SELECT id, inference_embed('words', body) IS NULL FROM ONLY parents WHERE id > 0;
FETCH 3 FROM c;
UPDATE ONLY parents SET body = 'third' WHERE CURRENT OF c RETURNING id;
FETCH BACKWARD 2 FROM c;
DELETE FROM ONLY parents WHERE CURRENT OF c RETURNING id;
CLOSE c;
DECLARE c CURSOR FOR SELECT inference_embed('words', id::text) IS NULL FROM ONLY parents WHERE id > 0;
FETCH 2 FROM c;
UPDATE ONLY parents SET body = 'second of those left' WHERE CURRENT OF c RETURNING id;
CLOSE c;
DECLARE c CURSOR FOR SELECT id FROM parents WHERE inference_embed('words', body) IS NOT NULL;
FETCH 2 FROM c;
UPDATE parents SET body = 'second' WHERE CURRENT OF c RETURNING id;
FETCH 3 FROM c;
UPDATE parents SET body = 'fifth' WHERE CURRENT OF c RETURNING id;
MOVE ALL IN c;
UPDATE parents SET body = 'none' WHERE CURRENT OF c;
ROLLBACK;
DROP TABLE parents, children;

-- Whoever may stop early locks no rows ahead; whoever reads all may.
CREATE TABLE queue AS SELECT id, body FROM docs;
BEGIN;
DECLARE c CURSOR FOR SELECT id, inference_embed('words', body) IS NULL FROM (SELECT * FROM queue FOR UPDATE) q;
FETCH 2 FROM c;
SELECT count(*) FROM queue WHERE xmax::text = pg_current_xact_id()::text;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR WITH q AS MATERIALIZED (SELECT * FROM queue FOR UPDATE) SELECT id FROM q WHERE inference_embed('words', body) IS NOT NULL;
FETCH 2 FROM c;
SELECT count(*) FROM queue WHERE xmax::text = pg_current_xact_id()::text;
ROLLBACK;
SELECT compare($$SELECT id, inference_embed('words', body) FROM (SELECT * FROM queue LIMIT 3 FOR UPDATE SKIP LOCKED) q$$);
DROP TABLE queue;

-- Parts of calls are columns of the rows below, which have room for so many.
DO $$ BEGIN
  EXECUTE (SELECT 'SELECT inference_embed(CASE WHEN g = 1 THEN ''words'' ELSE body END, body || g)' || string_agg(', id + ' || i, '') || ' FROM docs WHERE g = 1'
           FROM generate_series(1, 1663) i);
END $$;

-- A sort below is told of the LIMIT.
SELECT substring(line, 'top-N heapsort') FROM plan_of('ANALYZE', $$SELECT id, inference_embed('words', body) FROM docs ORDER BY body DESC LIMIT 3$$) line WHERE line ~ 'Sort Method';
SELECT compare($$SELECT id, inference_embed('words', body) FROM docs ORDER BY body DESC LIMIT 2 OFFSET 3$$);
SELECT compare($$SELECT id, inference_embed('words', body) FROM docs ORDER BY g FETCH FIRST 2 ROWS WITH TIES$$);
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, inference_embed('words', body) IS NULL FROM docs ORDER BY body DESC LIMIT 3;
FETCH 2 FROM c;
FETCH ALL FROM c;
FETCH BACKWARD ALL FROM c;
FETCH 2 FROM c;
COMMIT;

--
-- A volatile function is called when its row is asked for, also in a sub-select.
--
CREATE TABLE taken (n int);
CREATE FUNCTION rows_taken() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT count(*)::text FROM taken';
CREATE FUNCTION watch(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE c refcursor; r record; seen text[] := '{}'; line text;
BEGIN
  FOREACH line IN ARRAY ARRAY['on', 'off'] LOOP
    PERFORM set_config('inference.batching', line, true);
    line := '';
    OPEN c FOR EXECUTE statement;
    LOOP
      FETCH c INTO r;
      EXIT WHEN NOT FOUND;
      line := line || ' ' || (to_jsonb(r) ->> 'n');
      INSERT INTO taken VALUES (1);
    END LOOP;
    CLOSE c;
    TRUNCATE taken;
    seen := seen || line;
  END LOOP;
  PERFORM set_config('inference.batching', 'on', true);
  RETURN CASE WHEN seen[1] = seen[2] THEN seen[1] ELSE seen::text END;
END $$;
SELECT watch($$SELECT (SELECT rows_taken() WHERE d.id > 0) AS n, inference_embed('words', body) FROM docs d WHERE id < 7$$);
SELECT watch($$SELECT rows_taken() AS n, inference_embed('words', body) FROM docs d WHERE id < 7$$);
SELECT watch($$SELECT cardinality(inference_embed('words', repeat('x', (SELECT rows_taken()::int WHERE d.id > 0) * 0) || 'x')) || (SELECT rows_taken() WHERE d.id > 0) AS n FROM docs d WHERE id < 5$$);
SELECT watch($$SELECT id - 1 AS n, inference_embed('words', body) FROM docs d WHERE id < 7 AND (SELECT rows_taken()::int WHERE d.id > 0) = id - 1$$);
SELECT watch($$SELECT id - 1 AS n, inference_embed('words', body) FROM docs d WHERE id < 7 AND (EXISTS (SELECT FROM docs x WHERE x.id = d.id AND rows_taken()::int = x.id - 1) OR g > 5)$$);
SELECT watch($$SELECT n, inference_embed('words', body) FROM docs d, LATERAL (SELECT rows_taken() AS n OFFSET 0) x WHERE id < 7$$);
SELECT watch($$SELECT n, inference_embed('words', body) FROM docs d, LATERAL (SELECT (SELECT rows_taken() WHERE d.id > 0) AS n OFFSET 0) x WHERE id < 7$$);
SELECT watch($$WITH w AS MATERIALIZED (SELECT id, body, rows_taken() AS n FROM docs WHERE id < 7) SELECT n, inference_embed('words', body) FROM w$$);
SELECT watch($$WITH w AS MATERIALIZED (SELECT id, body, rows_taken() AS n FROM docs WHERE id < 7) SELECT * FROM (SELECT n, inference_embed('words', body) FROM w OFFSET 0) x$$);
SELECT watch($$WITH w AS MATERIALIZED (SELECT id, rows_taken() AS n FROM docs WHERE id < 7) SELECT (SELECT n FROM w WHERE w.id = d.id), inference_embed('words', body) FROM docs d WHERE id < 7$$);
SELECT watch($$SELECT n, inference_embed('words', body) FROM docs d, LATERAL (SELECT d.id, rows_taken()) x(i, n) WHERE id < 7$$);
SELECT watch($$SELECT n, inference_embed('words', body) FROM docs d, LATERAL rows_taken() n WHERE id < 7$$);
SELECT watch($$SELECT max(rows_taken()) AS n, inference_embed('words', id::text) FROM (SELECT id FROM docs WHERE id < 7 ORDER BY id OFFSET 0) d GROUP BY id$$);
SELECT watch($$SELECT x.n, inference_embed('words', x.body) FROM (SELECT body, (SELECT rows_taken() WHERE docs.id > 0) AS n FROM docs WHERE id < 7) x$$);
SELECT watch($$SELECT rows_taken() AS n, unnest((inference_embed('words', body))[1:1]) FROM docs WHERE id < 7$$);
SELECT watch($$SELECT n, inference_embed('words', n) FROM (SELECT unnest(ARRAY[rows_taken()]) AS n FROM docs WHERE id < 7) x$$);

--
-- INSERT ... VALUES: a row without a call keeps its own expression.
--
CREATE TABLE filled (id int, v real[] DEFAULT '{1}', t text, b bool);
CREATE DOMAIN filled_vector AS real[] CHECK (VALUE IS NULL OR cardinality(VALUE) > 0);
CREATE TABLE filled_domain (id int, v filled_vector NOT NULL DEFAULT '{1}');
CREATE FUNCTION fill(statement text, relation regclass DEFAULT 'filled') RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; nodes int := 0; answers text[] := '{}'; answer text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
    nodes := nodes + (line ~ 'Inference Batch')::int;
  END LOOP;
  FOREACH line IN ARRAY ARRAY['on', 'off'] LOOP
    PERFORM set_config('inference.batching', line, true);
    EXECUTE statement;
    EXECUTE format('SELECT string_agg(f::text, chr(10)) FROM %s f', relation) INTO answer;
    EXECUTE format('TRUNCATE %s', relation);
    answers := answers || answer;
  END LOOP;
  PERFORM set_config('inference.batching', 'on', true);
  RETURN nodes || CASE WHEN answers[1] = answers[2] THEN ' same' ELSE ' differ: ' || answers::text END;
END $$;
SELECT fill($$INSERT INTO filled (id, v) VALUES (1, coalesce(inference_embed('words', 'a'), '{0}')), (2, NULL)$$);
SELECT fill($$INSERT INTO filled (id, b) VALUES (1, inference_embed('words', 'a') IS NULL), (2, NULL)$$);
SELECT fill($$INSERT INTO filled (id, t) VALUES (1, concat(inference_embed('words', 'a'), '!')), (2, DEFAULT)$$);
SELECT fill($$INSERT INTO filled (id, b) VALUES (1, inference_embed('words', 'a') IS NULL), (2, NULL), (3, inference_embed('words', ' ') IS NULL), (4, true)$$);
SELECT fill($$INSERT INTO filled (id, t) VALUES (1, concat(inference_embed('words', 'a'), '!')), (2, NULL), (3, concat(inference_embed('words', NULL), '!')), (4, 'plain')$$);
SELECT fill($$INSERT INTO filled (id, v) VALUES (1, inference_embed('words', 'a')), (2, DEFAULT), (3, NULL), (4, '{5,6}'), (5, inference_embed('words', 'b'))$$);
SELECT fill($$INSERT INTO filled (id, t) VALUES (1, coalesce(inference_embed('words', 'a')::text, 'x')), (2, inference_embed('words', 'b')::text), (3, DEFAULT), (4, inference_sparse('terms', 'c')::text), (5, inference_infer('text_embedding', 'words', '{"input": "d"}')::text), (6, upper(inference_embed('words', 'e')::text))$$);
SELECT fill($$INSERT INTO filled (id, t) VALUES (1, coalesce(NULL, inference_embed('words', 'a')::text)), (2, CASE WHEN random() < 2 THEN inference_embed('words', 'b')::text END)$$);
SELECT fill($$INSERT INTO filled (id, t, v) VALUES (1, 'a', inference_embed('words', (SELECT body FROM docs WHERE id = 1))), (2, 'b', (SELECT v FROM docs WHERE id = 2)), (3, 'c', inference_embed('words', (SELECT max(body) FROM docs)))$$);
SELECT fill($$INSERT INTO filled (id, b) VALUES (1, inference_embed('words', 'a') = inference_embed('words', 'b')), (2, inference_embed('words', 'a') = inference_embed('words', 'a')), (3, true)$$);
SELECT fill($$INSERT INTO filled (id, t) SELECT 1, e FROM (VALUES (inference_embed('words', 'a')::text), (NULL), ('b')) x (e) WHERE e IS NOT NULL$$);
SELECT fill($$INSERT INTO filled (id, t) SELECT 1, x::text FROM (VALUES (1, inference_embed('words', 'a')::text), (2, 'b')) x (i, e)$$);
SELECT fill($$INSERT INTO filled (id, t) SELECT i, e || i FROM (VALUES (1, inference_embed('words', 'a')::text), (2, 'b')) x (i, e)$$);
SELECT fill($$INSERT INTO filled (id, t) SELECT i, e FROM (VALUES (2, inference_embed('words', 'a')::text), (1, 'b')) x (i, e) ORDER BY e LIMIT 5$$);
SELECT fill($$INSERT INTO filled_domain VALUES (1, inference_embed('words', 'a')), (2, '{2}'), (3, DEFAULT), (4, inference_embed('words', 'b'))$$, 'filled_domain');
PREPARE filling (text, text) AS INSERT INTO filled (id, v, t) VALUES (1, inference_embed('words', $1), $2), (2, NULL, concat(inference_embed('words', $2), 'x')), (3, inference_embed('words', $2), NULL);
SET plan_cache_mode = force_generic_plan;
EXECUTE filling('a', NULL);
EXECUTE filling(NULL, 'b');
RESET plan_cache_mode;
SELECT id, v, t FROM filled;
DEALLOCATE filling;

DROP FUNCTION fill;
DROP TABLE filled, filled_domain;
DROP DOMAIN filled_vector;
DROP FUNCTION compare, plan_of, watch, rows_taken;
DROP TABLE docs, parted, taken;
SELECT inference_delete('words'), inference_delete('terms');
