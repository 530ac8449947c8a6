--
-- A call without columns is made once, and never by the planner.
--

-- Whatever the configuration of the server says.
SET inference.batching = on;
SET inference.max_batch_inputs = 0;

SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 64}}') IS NOT NULL AS put;
SELECT inference_put('sparse_embedding', 'tokens', '{"service": "hashing"}') IS NOT NULL AS put;
CREATE TABLE docs (id int, body text, v real[]);
INSERT INTO docs SELECT i, 'text ' || i, inference_embed('words', 'text ' || i) FROM generate_series(1, 20) i;
CREATE INDEX ON docs (v);
ANALYZE docs;
SET enable_seqscan = off;

-- A plan as PostgreSQL 14 to 16 write it: later ones name InitPlans in other
-- ways, and say which nodes are disabled.
CREATE FUNCTION plan(options text, statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, statement) LOOP
    line := regexp_replace(line, '(Init|Sub)Plan expr_(\d)', '\1Plan \2', 'g');
    FOR n IN 1 .. 4 LOOP
      line := replace(line, format('(InitPlan %s).col1', n), '$' || n - 1);
      line := regexp_replace(line, format('InitPlan %s$', n), format('InitPlan %s (returns $%s)', n, n - 1));
    END LOOP;
    CONTINUE WHEN line ~ '^ *(Disabled|Params Evaluated):';
    RETURN NEXT line;
  END LOOP;
END $$;

-- The planner does not even look whether there is such a model.
SELECT plan('COSTS OFF', $$SELECT inference_embed('nope', 'x')$$);
SELECT plan('COSTS OFF, VERBOSE', $$SELECT inference_embed('words', 'x'), inference_sparse('tokens', 'x'), inference_infer('words', '{"input": "x"}'), inference_infer('text_embedding', 'words', '{"input": "x"}')$$);
SELECT inference_sparse('tokens', 'x'), inference_infer('tokens', '{"input": "x"}'), inference_infer('sparse_embedding', 'tokens', '{"input": "x"}');

-- Index quals, sort keys, limits, filters.
SELECT plan('COSTS OFF', $$SELECT id FROM docs WHERE v = inference_embed('words', 'text 7')$$);
SELECT id FROM docs WHERE v = inference_embed('words', 'text 7');
SELECT plan('COSTS OFF', $$SELECT id FROM docs ORDER BY inference_l2_distance(v, inference_embed('words', 'text 7')) LIMIT 1$$);
SELECT id FROM docs ORDER BY inference_l2_distance(v, inference_embed('words', 'text 7')) LIMIT 1;
SELECT plan('COSTS OFF', $$SELECT count(*) FROM docs GROUP BY v > inference_embed('words', 'x')$$);
SELECT plan('COSTS OFF', $$VALUES (inference_embed('words', 'x'))$$);
SELECT plan('COSTS OFF', $$SELECT * FROM inference_embed('words', 'x') e$$);
SELECT plan('COSTS OFF', $$INSERT INTO docs VALUES (0) RETURNING inference_embed('words', 'x')$$);
SELECT plan('COSTS OFF', $$UPDATE docs SET v = inference_embed('words', 'x')$$);
SELECT plan('COSTS OFF', $$SELECT CASE WHEN id < 0 THEN inference_embed('words', 'x') END FROM docs$$);
SELECT plan('COSTS OFF', $$SELECT inference_embed('words', upper('x') || current_user)$$);
SELECT plan('COSTS OFF', $$WITH q AS MATERIALIZED (SELECT inference_embed('words', 'x') AS e) SELECT id FROM docs, q WHERE v = e$$);
SELECT plan('COSTS OFF', $$SELECT (SELECT inference_embed('words', 'x')) FROM docs$$);

-- Constants that come late, with the arms of a UNION.
SELECT plan('COSTS OFF', $$SELECT * FROM (SELECT 'text 1' AS x UNION ALL SELECT 'text 2') s WHERE inference_embed('words', x) = '{1}'$$);
SELECT x FROM (SELECT 'text 1' AS x UNION ALL SELECT 'text 2') s WHERE inference_embed('words', x) = inference_embed('words', 'text 2');

-- Left alone: columns, outer columns, volatile arguments.
SELECT plan('COSTS OFF, VERBOSE', $$SELECT inference_embed('words', body) FROM docs$$);
SELECT plan('COSTS OFF, VERBOSE', $$SELECT (SELECT inference_embed('words', d.body)) FROM docs d$$);
SELECT plan('COSTS OFF, VERBOSE', $$SELECT e FROM docs d, LATERAL inference_embed('words', d.body) e$$);
SELECT plan('COSTS OFF, VERBOSE', $$SELECT inference_embed('words', random()::text)$$);
SELECT count(DISTINCT inference_embed('words', random()::text)) > 1 AS each_row FROM generate_series(1, 5);
SELECT bool_and(v = inference_embed('words', body)) AS as_called, bool_and(v = (SELECT inference_embed('words', d.body))) AS as_correlated FROM docs d;

-- Parameters.
PREPARE q(text) AS SELECT id FROM docs WHERE v = inference_embed('words', $1);
SET plan_cache_mode = force_generic_plan;
SELECT plan('COSTS OFF, VERBOSE', $$EXECUTE q('text 3')$$);
EXECUTE q('text 3');
EXECUTE q(NULL);
SET plan_cache_mode = force_custom_plan;
SELECT plan('COSTS OFF, VERBOSE', $$EXECUTE q('text 3')$$);
EXECUTE q('text 3');
EXECUTE q(NULL);
RESET plan_cache_mode;
DEALLOCATE q;
DO $$
DECLARE t text; n int;
BEGIN
	FOR i IN 1 .. 8 LOOP
		t := 'text ' || i;
		SELECT id INTO n FROM docs WHERE v = inference_embed('words', t);
		ASSERT n = i;
		ASSERT inference_embed('words', t) = (SELECT v FROM docs WHERE id = i);
	END LOOP;
END $$;
CREATE FUNCTION inlined(text) RETURNS real[] LANGUAGE sql STABLE AS $$ SELECT inference_embed('words', $1) $$;
SELECT id FROM docs WHERE v = inlined('text 5');
SELECT count(*) FROM docs WHERE v = inlined(body);
DROP FUNCTION inlined;
CREATE VIEW near AS SELECT id FROM docs WHERE v = inference_embed('words', 'text 2');
SELECT * FROM near;
DROP VIEW near;

-- Where there is no query to plan a sub-select in.
CREATE TABLE defaulted (v real[] DEFAULT inference_embed('words', 'x'), CHECK (v IS NULL OR v <> inference_embed('words', 'bad')));
INSERT INTO defaulted DEFAULT VALUES RETURNING v = inference_embed('words', 'x') AS embedded;
\set VERBOSITY terse
INSERT INTO defaulted SELECT inference_embed('words', 'bad');
\set VERBOSITY default
DROP TABLE defaulted;
CREATE INDEX ON docs (inference_embed('words', body));

-- Partitions are pruned when the statement runs.
CREATE TABLE parted (v real[]) PARTITION BY LIST (v);
CREATE TABLE p1 PARTITION OF parted FOR VALUES IN ('{1,2,3}');
CREATE TABLE p2 PARTITION OF parted DEFAULT;
SELECT plan('COSTS OFF', $$SELECT * FROM parted WHERE v = inference_embed('nope', 'x')$$);
DROP TABLE parted;

-- Parallel plans leave calls to the leader.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET enable_seqscan = on;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT plan('COSTS OFF', $$SELECT id FROM docs WHERE v = inference_embed('words', 'text 7')$$);
SELECT id FROM docs WHERE v = inference_embed('words', 'text 7');
SELECT plan('COSTS OFF', $$SELECT id FROM docs WHERE v = inference_embed('words', body) ORDER BY id$$);
RESET ALL;
DROP TABLE docs;
SELECT inference_delete('words'), inference_delete('tokens');
