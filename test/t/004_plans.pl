# What this proves, by counting requests at the provider:
#
#  1. A call without columns is one request for the statement, in whatever
#     place of whatever plan it stands, and none where nothing needs it.
#  2. Planning sends nothing: EXPLAIN, PREPARE, CREATE VIEW, a prepared
#     statement's plans.
#  3. A call that needs the row is one request for each text that differs from
#     the row before, or from all before with inference.cache_size.
#  4. Parallel workers get the value from the leader and connect to nobody.
#  5. Every result is the one that a call by itself gives.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('plans',
	conf => "inference.allow_private_addresses = on\nmax_parallel_workers = 4\n");
my $provider = InferenceProvider->start;

sub query { return $node->safe_psql('postgres', $_[0]); }

for my $id ('m', 'other')
{
	query("SELECT inference_put('text_embedding', '$id', '{\"service\": \"openai\", \"service_settings\": {\"api_key\": \"sk-plans\", \"url\": \""
		  . $provider->url('/v1/embeddings', "dims=3&of=$id") . "\"}}')");
}
query("SELECT inference_put('sparse_embedding', 's', '{\"service\": \"hugging_face\", \"service_settings\": {\"api_key\": \"sk-plans\", \"url\": \""
	  . $provider->url('/hf/sparse') . "\"}}')");
query(q{
	CREATE TABLE docs (id int PRIMARY KEY, body text, v real[]);
	INSERT INTO docs SELECT i, 'text ' || i, embedding
		FROM generate_series(1, 40) i
		JOIN inference_embed_batch('m', ARRAY(SELECT 'text ' || i FROM generate_series(1, 40) i)) ON ordinality = i;
	CREATE INDEX ON docs (v);
	CREATE TABLE parted (v real[], id int) PARTITION BY RANGE (id);
	CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (20);
	CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (20) TO (100);
	INSERT INTO parted SELECT v, id FROM docs;
	ANALYZE;
	CREATE VIEW near AS SELECT id FROM docs ORDER BY inference_l2_distance(v, inference_embed('m', 'text 7')) LIMIT 1;
	CREATE FUNCTION find(text) RETURNS SETOF int LANGUAGE sql STABLE AS
		$$ SELECT id FROM docs WHERE v = inference_embed('m', $1) $$;
	CREATE FUNCTION find_slowly(t text) RETURNS SETOF int LANGUAGE plpgsql STABLE AS
		$$ BEGIN RETURN QUERY SELECT id FROM docs WHERE v = inference_embed('m', t); END $$;
	CREATE FUNCTION embed(t text) RETURNS real[] LANGUAGE plpgsql STABLE AS
		$$ BEGIN RETURN inference_embed('m', t); END $$;
});

# Checks what a statement answers and how many requests it makes.
sub asks
{
	my ($sql, $requests, $expected, $name) = @_;
	my $answer;
	my $made = $provider->requests_of(sub { $answer = query($sql) });

	$name //= $sql;
	is($made, $requests, "$name: $requests request(s)");
	is($answer, $expected, "$name: the answer") if defined $expected;
	return;
}

my $e = q{inference_embed('m', 'text 7')};
my $nearest = "inference_l2_distance(v, $e)";

#
# Once for the statement
#

asks("SELECT count($e) FROM docs", 1, '40');
asks("SELECT id FROM docs WHERE v = $e", 1, '7');
asks("SET enable_seqscan = off; SELECT id FROM docs WHERE v = $e", 1, '7');
asks("SET enable_seqscan = off; SET enable_indexscan = off; SELECT id FROM docs WHERE v = $e", 1, '7');
asks("SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT id FROM docs WHERE v = $e", 1, '7');
asks("SELECT id FROM docs ORDER BY $nearest LIMIT 1", 1, '7');
asks("SELECT id FROM docs ORDER BY $nearest, id DESC OFFSET 1 LIMIT 0", 0, '');
asks("SELECT id, $nearest FROM docs ORDER BY 2 LIMIT 1", 1, '7|0');
asks("SELECT id FROM docs ORDER BY $nearest, inference_dot_product(v, $e) LIMIT 1", 1, '7', 'two calls of one text');
asks("SELECT count(*) FROM docs GROUP BY v = $e ORDER BY 1", 1, "1\n39");
asks("SELECT count(*) FROM docs HAVING max(v) > $e OR true", 0, '40');
asks("SELECT count(*) FILTER (WHERE v = $e) FROM docs", 1, '1');
asks("SELECT rank() OVER (ORDER BY $nearest) FROM docs LIMIT 1", 1, '1');
asks("SELECT DISTINCT $e = v FROM docs ORDER BY 1", 1, "f\nt");
asks("SELECT a.id FROM docs a JOIN docs b ON a.v = b.v AND b.v = $e", 1, '7');
asks("SET enable_hashjoin = off; SET enable_mergejoin = off; SELECT a.id FROM docs a, docs b WHERE a.id = b.id AND a.v = $e AND b.body LIKE '%7'", 1, '7');
asks("SELECT id FROM docs WHERE v IN ($e, inference_embed('m', 'text 8')) ORDER BY 1", 2, "7\n8");
asks("SELECT id FROM docs WHERE id = 7 AND EXISTS (SELECT 1 FROM docs WHERE v = $e)", 1, '7');
asks("SELECT id FROM docs WHERE v = (SELECT $e)", 1, '7');
asks("SELECT id FROM docs d WHERE id < 4 AND (SELECT count(*) FROM docs x WHERE x.id > d.id AND x.v = $e) = 1 ORDER BY 1", 1, "1\n2\n3", 'in a correlated sub-select');
asks("WITH q AS (SELECT $e AS e) SELECT id FROM docs, q WHERE v = e", 1, '7');
asks("WITH q AS MATERIALIZED (SELECT $e AS e) SELECT id FROM docs, q WHERE v = e", 1, '7');
asks("SELECT id FROM docs, (SELECT $e AS e) q WHERE v = e", 1, '7');
asks("SELECT id FROM docs, LATERAL (SELECT $e AS e OFFSET 0) q WHERE v = e", 1, '7');
asks("SELECT id FROM docs JOIN inference_embed('m', 'text 7') q ON v = q", 1, '7');
asks("VALUES ($e = $e), ($e IS NULL)", 1, "t\nf", 'VALUES of two rows and three calls');
asks("SELECT id FROM docs WHERE v = $e UNION ALL SELECT id FROM docs WHERE v = inference_embed('m', 'text 8')", 2, "7\n8");
asks("SELECT id FROM parted WHERE v = $e", 1, '7');
asks("SELECT id FROM parted ORDER BY $nearest LIMIT 1", 1, '7');
asks('SELECT * FROM near', 1, '7');
asks("SELECT find('text 7')", 1, '7');
asks("SELECT * FROM find('text 7')", 1, '7');
asks("SELECT find_slowly('text 7')", 1, '7');
asks("SELECT count(embed('text 7')) FROM docs", 40, '40', 'a PL/pgSQL function hides its call');
asks("SELECT inference_sparse_dot(inference_sparse('s', 'text'), inference_sparse('s', 'text ' || 7)) > 0 FROM docs LIMIT 1", 2, 't');
asks(q{SELECT count(inference_infer('m', '{"input": "x"}')) FROM docs}, 1, '40');
asks("SELECT inference_cosine_similarity($e, $e) FROM docs LIMIT 1", 1, '1', 'two calls of one text in a row');
asks(q{SELECT id FROM docs WHERE v = inference_embed('m', 'te' || 'xt ' || 7)}, 1, '7');
asks(q{SELECT count(inference_embed('m', current_user::text)) FROM docs}, 1, '40');
asks("SET inference.cache_size = '1MB'; SELECT id FROM docs WHERE v = $e ORDER BY $nearest", 1, '7');

# Equal calls share one request, wherever they stand.
asks("SELECT id, $nearest AS d FROM docs ORDER BY $nearest LIMIT 1", 1, '7|0', 'in the list and in ORDER BY');
asks("SELECT id, inference_dot_product(v, $e) > 0 FROM docs ORDER BY $nearest LIMIT 1", 1, '7|t', 'in two expressions');
asks("SELECT a.id FROM docs a WHERE a.v = $e AND EXISTS (SELECT 1 FROM docs b WHERE b.v = $e AND b.id = a.id)", 1, '7', 'in a sub-select, too');
asks("WITH q AS MATERIALIZED (SELECT id FROM docs WHERE v = $e) SELECT id FROM q JOIN docs USING (id) WHERE v = $e AND $e IS NOT NULL", 1, '7', 'in WITH, too');
asks("SELECT id FROM docs WHERE v = $e UNION ALL SELECT id FROM docs WHERE v = $e", 1, "7\n7", 'in both arms of a UNION ALL');
asks("SET enable_material = off; SELECT count(*) FROM docs, LATERAL (SELECT 'text 7' AS x UNION ALL SELECT 'text 7') u WHERE inference_embed('m', x) IS NOT NULL AND id > length(x)", 1, '68', 'constants that come late');
asks("SELECT $e = inference_embed('other', 'text 7'), inference_embed('m', 'text 8') = $e", 3, 't|f', 'calls that differ in model or text');
asks(q{SELECT inference_infer('m', '{"input": "x"}') = inference_infer('m', '{"input":"x"}'), inference_infer('text_embedding', 'm', '{"input": "x"}') = inference_infer('text_embedding', 'm', '{"input": "x"}')}, 2, 't|t', 'two functions');
asks("BEGIN; DECLARE c CURSOR FOR SELECT id FROM docs WHERE v = $e UNION ALL SELECT id FROM docs WHERE v = $e; FETCH 1 FROM c; FETCH 1 FROM c; ROLLBACK", 1, "7\n7", 'fetched one by one');
asks("BEGIN; DECLARE c CURSOR FOR SELECT id FROM docs WHERE v = $e; DECLARE d CURSOR FOR SELECT id FROM docs WHERE v = $e; FETCH 1 FROM c; FETCH 1 FROM d; ROLLBACK", 2, "7\n7", 'two cursors are two statements');
asks("BEGIN; UPDATE docs SET v = $e WHERE v = $e OR id = 8 RETURNING v = $e; ROLLBACK", 1, "t\nt", 'UPDATE');
asks("SELECT id FROM docs WHERE v = $e; SELECT id FROM docs WHERE v = $e", 2, "7\n7", 'but statements do not');
for my $mode ('force_custom_plan', 'force_generic_plan')
{
	asks("SET plan_cache_mode = $mode; PREPARE p(text, text) AS SELECT id FROM docs WHERE v = inference_embed('m', \$1) ORDER BY inference_l2_distance(v, inference_embed('m', \$2));"
		  . "EXECUTE p('text 7', 'text 7'); EXECUTE p('text 7', 'text 7'); EXECUTE p('text 8', 'text 8')",
		3, "7\n7\n8", "equal parameters, $mode");
	asks("SET plan_cache_mode = $mode; PREPARE p(text, text) AS SELECT inference_embed('m', \$1) = inference_embed('m', \$2), 1; EXECUTE p('text 7', 'text 8')",
		2, 'f|1', "different ones, $mode");
}

# What changes in the middle of a statement is seen.
query(q{
	CREATE ROLE late_user;
	CREATE FUNCTION calls_around(sql text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		c CURSOR FOR SELECT inference_embed('m', 'text 7')::text FROM docs WHERE id < 2
			UNION ALL SELECT inference_embed('m', 'text 7')::text FROM docs WHERE id < 2;
		one text;
		two text;
	BEGIN
		OPEN c;
		FETCH c INTO one;
		EXECUTE sql;
		FETCH c INTO two;
		RETURN CASE WHEN one = two THEN 'same' ELSE 'other' END;
	END $$;});
my $moved = $provider->url('/v1/embeddings', 'dims=4&of=m');
asks("SELECT calls_around('SELECT 1')", 1, 'same');
asks("BEGIN; SELECT calls_around(\$q\$SELECT inference_update('m', '{\"service_settings\": {\"url\": \"$moved\", \"api_key\": \"k\"}}')\$q\$); ROLLBACK",
	2, 'other', 'a model that is updated meanwhile is asked anew');
query('GRANT USAGE ON FOREIGN SERVER m TO late_user; GRANT SELECT ON docs TO late_user');
like( InferenceCluster::error_of($node, 'postgres', q{
		BEGIN; SET ROLE late_user;
		DECLARE c CURSOR FOR SELECT 1 FROM docs WHERE v = inference_embed('m', 'text 7')
			UNION ALL SELECT 2 FROM docs WHERE v = inference_embed('m', 'text 7');
		FETCH 1 FROM c;
		RESET ROLE; REVOKE USAGE ON FOREIGN SERVER m FROM late_user; SET ROLE late_user;
		FETCH 1 FROM c}),
	qr/42501: permission denied for inference model "m"/, 'a right that is taken away meanwhile is gone');

# Statements that write.
asks("BEGIN; UPDATE docs SET v = $e; ROLLBACK", 1, '');
asks("BEGIN; DELETE FROM docs WHERE v = $e RETURNING id; ROLLBACK", 1, '7');
asks("BEGIN; INSERT INTO docs SELECT id + 100, body, $e FROM docs; ROLLBACK", 1, '');
asks("BEGIN; INSERT INTO docs VALUES (101, 'x', $e), (102, 'y', $e) RETURNING v = $e; ROLLBACK", 2, "t\nt");
asks("BEGIN; INSERT INTO docs VALUES (1) ON CONFLICT (id) DO UPDATE SET v = $e RETURNING v = docs.v; ROLLBACK", 1, 't');
asks("BEGIN; CREATE TABLE made AS SELECT id, $e AS e FROM docs; SELECT count(DISTINCT e) FROM made; ROLLBACK", 1, '1');
asks("BEGIN; MERGE INTO docs d USING (VALUES (7)) x(id) ON d.id = x.id AND d.v = $e WHEN MATCHED THEN UPDATE SET v = NULL; ROLLBACK", 1, '');
asks("COPY (SELECT id FROM docs WHERE v = $e) TO STDOUT", 1, '7');
asks("BEGIN; DECLARE c CURSOR FOR SELECT id FROM docs ORDER BY $nearest; FETCH 1 FROM c; MOVE 5 IN c; ROLLBACK", 1, '7');
asks("BEGIN; CREATE MATERIALIZED VIEW mat AS SELECT id FROM docs WHERE v = $e; SELECT * FROM mat; ROLLBACK", 1, '7');

#
# Never
#

asks("SELECT id FROM docs WHERE id < 0 AND v = $e", 0, '');
asks("SELECT CASE WHEN id < 0 THEN $e END IS NULL FROM docs LIMIT 1", 0, 't');
asks("SELECT coalesce(v, $e) IS NULL FROM docs LIMIT 1", 0, 'f');
asks("EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM docs WHERE v = $e ORDER BY $nearest", 0);
asks("EXPLAIN SELECT id FROM parted WHERE v = $e", 0);
asks("EXPLAIN UPDATE docs SET v = $e", 0);
asks("EXPLAIN SELECT inference_embed('m', body) FROM docs", 0);
asks("EXPLAIN SELECT $e", 0);
asks("EXPLAIN SELECT 1 LIMIT cardinality($e)", 0);
asks("EXPLAIN SELECT x FROM (SELECT 'a' AS x UNION ALL SELECT 'b') u WHERE inference_embed('m', x) = '{1}'", 0);
asks("BEGIN; CREATE VIEW v AS SELECT $e AS e; ROLLBACK", 0, '');
asks("PREPARE p AS SELECT id FROM docs WHERE v = $e", 0, '');
asks("SELECT id FROM docs WHERE v = inference_embed('m', NULL)", 0, '');

#
# Prepared statements
#

for my $mode ('force_custom_plan', 'force_generic_plan', 'auto')
{
	asks("SET plan_cache_mode = $mode; PREPARE p(text) AS SELECT id FROM docs WHERE v = inference_embed('m', \$1);"
		  . join('', map { "EXECUTE p('text $_');" } 1 .. 8),
		8, join("\n", 1 .. 8), "prepared, $mode");
}
asks(q{DO $$ DECLARE t text; n int; e real[]; BEGIN FOR i IN 1 .. 8 LOOP
		t := 'text ' || i;
		SELECT id INTO n FROM docs WHERE v = inference_embed('m', t);
		ASSERT n = i;
		e := inference_embed('m', t);
		ASSERT e = (SELECT v FROM docs WHERE id = i);
		IF inference_embed('m', t) IS NULL THEN RAISE 'null'; END IF;
	END LOOP; END $$}, 24, '', 'PL/pgSQL');

#
# Rows
#

asks(q{SELECT bool_and(v = inference_embed('m', body)) FROM docs}, 1, 't', 'a call that needs the row');
asks(q{SELECT bool_and(v = inference_embed('m', body)) FROM docs, generate_series(1, 3)}, 2, 't', 'a text that comes again');
asks(q{SET inference.cache_size = '1MB'; SELECT bool_and(v = inference_embed('m', body)) FROM docs, generate_series(1, 3)},
	2, 't', 'the same with a cache');
asks(q{SELECT bool_and(v = inference_embed(CASE id % 2 WHEN 0 THEN 'm' ELSE 'other' END, body)) FROM docs}, 2, 't', 'a model of each row');
asks(q{SELECT id FROM docs WHERE id < 5 AND v = inference_embed('m', 'text ' || id)}, 1, "1\n2\n3\n4", 'quals in the order of their cost');
asks(q{SELECT inference_embed('m', body) IS NOT NULL FROM docs LIMIT 3}, 1, "t\nt\nt", 'LIMIT');

#
# Parallel plans
#

my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'
  . 'SET max_parallel_workers_per_gather = 2; SET enable_indexscan = off; SET enable_bitmapscan = off;'
  . 'SET enable_indexonlyscan = off;';
like(query("$parallel EXPLAIN (ANALYZE, COSTS OFF) SELECT id FROM docs WHERE v = $e"), qr/Gather .*Workers Launched: [12]/s, 'workers run');
asks("$parallel SELECT id FROM docs WHERE v = $e", 1, '7', 'workers get the value');
asks("$parallel SELECT id FROM docs ORDER BY $nearest LIMIT 1", 1, '7', 'workers get the sort key');
asks("$parallel SELECT count(*) FROM docs WHERE v = $e OR v IS NULL", 1, '1', 'a partial aggregate');
is($provider->stats->{connections}, 1, 'one connection');
asks("$parallel SELECT bool_and(v = inference_embed('m', body)) FROM docs", 1, 't', 'rows are left to the leader');

done_testing();
