# What this proves:
#
#  1. Calls over rows are sent in batches, for every shape of statement named
#     here, the first of a session included; the provider counts requests.
#  2. The answers are those of inference.batching = off: over a list of shapes,
#     and over a few hundred generated queries.
#  3. Whoever may stop early (LIMIT, cursor, EXISTS) has few texts sent ahead.
#  4. Calls that might not be made are left alone, and calls over rows that
#     volatile functions make.
#  5. UPDATE, INSERT and the like store the same; rows that somebody else has
#     changed meanwhile are embedded as they are now; SKIP LOCKED locks no more.
#  6. A failure half way leaves nothing behind, nor does a cancel.
#  7. The privileges are those of a single call.
#  8. EXPLAIN sends nothing and says what is batched; EXPLAIN ANALYZE counts.

use strict;
use warnings;

use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('batching',
	conf => "inference.allow_private_addresses = on\ninference.max_retries = 0\n");
my $provider = InferenceProvider->start;
my $url = $provider->url('/v1/embeddings');

sub query { return $node->safe_psql('postgres', $_[0]); }

sub put
{
	my ($task, $id, $path) = @_;

	query("SELECT inference_put('$task', '$id', '{\"service\": \"hugging_face\", \"service_settings\": {\"api_key\": \"k\", \"url\": \""
		  . $provider->url($path) . "\"}}')");
	return;
}

query(qq{
	SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "url": "$url"}}');
	SELECT inference_put('text_embedding', 'poisoned', '{"service": "openai", "service_settings": {"api_key": "k", "url": "$url?fault=poison:arsenic"}}');
	SELECT inference_put('text_embedding', 'stalled', '{"service": "openai", "service_settings": {"api_key": "k", "url": "$url?fault=stall_headers"}}');
	SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 16}}');
	SELECT inference_put('sparse_embedding', 'terms', '{"service": "hashing"}');
	CREATE TABLE docs (id int PRIMARY KEY, g int, body text, v real[]);
	INSERT INTO docs SELECT i, i % 7,
		CASE WHEN i % 11 = 0 THEN NULL WHEN i % 13 = 0 THEN ' ' ELSE 'text ' || i % 60 END
		FROM generate_series(1, 160) i;
	CREATE TABLE parted (id int, body text, v real[]) PARTITION BY RANGE (id);
	CREATE TABLE parted1 PARTITION OF parted FOR VALUES FROM (0) TO (80);
	CREATE TABLE parted2 PARTITION OF parted FOR VALUES FROM (80) TO (1000);
	INSERT INTO parted SELECT id, body FROM docs;
	CREATE TABLE copies (id int GENERATED ALWAYS AS IDENTITY, body text, v real[]);
	ANALYZE docs, parted;});
put('sparse_embedding', 'sparse', '/hf/sparse');
put('text_embedding', 'tei', '/embed');

#
# How many requests
#

# All texts of docs that are embedded, and of those the different ones of each
# sixteen rows: what the provider gets to see.
my $texts = query(q{SELECT count(*) FROM docs WHERE body ~ '\S'});
my $distinct = query(q{SELECT sum(n) FROM (SELECT count(DISTINCT body) n FROM docs WHERE body ~ '\S' GROUP BY (id - 1) / 16) s});

# Runs a statement as the first of a session.
sub asks
{
	my ($sql, $requests, $name) = @_;
	my $result;
	my $got = $provider->requests_of(sub {
			$result = query("SET inference.max_batch_inputs = 16; BEGIN; $sql; ROLLBACK") });

	is($got, $requests, $name // $sql);
	return $result;
}

asks(q{SELECT inference_embed('m', body) FROM docs}, 10);
is($provider->stats->{inputs}, $distinct, 'equal texts of a batch are sent once');
asks(q{SELECT id, inference_embed('m', body)::text, body FROM docs ORDER BY id}, 10);
asks(q{SELECT inference_sparse('sparse', body) FROM docs}, 10);
asks(q{SELECT inference_infer('m', jsonb_build_object('input', id::text)) FROM docs}, 10);
asks(q{SELECT inference_infer('text_embedding', 'm', jsonb_build_object('input', jsonb_build_array(id::text, id || 'x'))) FROM docs}, 20, 'two texts a row');
asks(q{SELECT inference_embed('m', body), inference_embed('m', body || '!'), inference_sparse('sparse', body) FROM docs}, 30, 'three calls a row');
asks(q{SELECT inference_embed('m', body), inference_embed('m', body) FROM docs}, 10, 'the same call twice');
asks(q{UPDATE docs SET v = inference_embed('m', body)}, 10);
asks(q{UPDATE docs SET v = inference_embed('m', d.body) FROM docs d WHERE d.id = docs.id}, 10, 'UPDATE ... FROM');
asks(q{UPDATE parted SET v = inference_embed('m', body)}, 10 + 1, 'UPDATE of a partitioned table');
asks(q{INSERT INTO copies (body, v) SELECT body, inference_embed('m', body) FROM docs}, 10, 'INSERT ... SELECT, with an identity column');
asks(q{CREATE TABLE made AS SELECT id, inference_embed('m', body) AS v FROM docs}, 10, 'CREATE TABLE AS');
asks(q{CREATE MATERIALIZED VIEW made AS SELECT id, inference_embed('m', body) AS v FROM docs}, 10, 'CREATE MATERIALIZED VIEW');
asks(q{COPY (SELECT inference_embed('m', body) FROM docs) TO '/dev/null'}, 10, 'COPY');
asks(q{SELECT count(e) FROM (SELECT inference_embed('m', body) AS e FROM docs OFFSET 0) s}, 10, 'a sub-select');
asks(q{WITH q AS MATERIALIZED (SELECT inference_embed('m', body) AS e FROM docs) SELECT count(e) FROM q}, 10, 'WITH');
asks(q{SELECT inference_embed('m', body) FROM docs UNION ALL SELECT inference_embed('m', body) FROM parted}, 10 + 10 + 1, 'UNION ALL, each arm and partition for itself');
asks(q{SELECT inference_embed('m', body) FROM docs EXCEPT SELECT v FROM docs}, 10, 'EXCEPT');
asks(q{SELECT inference_embed('m', body) FROM parted}, 10, 'a partitioned table: batches of all partitions');
asks(q{SELECT inference_embed('m', x) FROM (SELECT body AS x FROM docs UNION ALL SELECT body FROM parted) u}, 20, 'over a UNION ALL');
asks(q{SELECT inference_embed('m', x) FROM (VALUES ('a'), ('b'), (NULL), ('c')) v (x)}, 1, 'VALUES');
asks(q{INSERT INTO copies (body, v) VALUES ('a', inference_embed('m', 'a')), ('b', inference_embed('m', 'b')), ('n', NULL), ('c', inference_embed('m', upper('c')))}, 1, 'INSERT of several rows');
asks(q{PREPARE i (text, text) AS INSERT INTO copies (body, v) VALUES ($1, inference_embed('m', $1)), ($2, inference_embed('m', $2)); EXECUTE i('x', 'y')}, 1, 'with parameters');
asks(q{INSERT INTO copies (body, v) VALUES ('a', inference_embed('m', 'a')), ('b', inference_embed('tei', 'b'))}, 2, 'of different models');
asks(q{INSERT INTO copies (body, v) VALUES ('a', inference_embed('m', 'a')), ('b', '{1}'), ('c', inference_embed('m', 'c')), ('d', DEFAULT)}, 1, 'of calls and other values');
asks(q{INSERT INTO copies (body, v) VALUES ('a', coalesce(inference_embed('m', 'a'), '{0}')), ('b', coalesce(inference_embed('m', 'b'), '{0}')), ('c', NULL)}, 1, 'of expressions over calls');
asks(q{INSERT INTO copies (body, v) VALUES (inference_embed('m', 'a')::text, inference_embed('m', 'b')), (inference_embed('m', 'c')::text, inference_embed('m', 'd'))}, 1, 'of calls in two columns');
asks(q{INSERT INTO copies (body, v) VALUES ('a', inference_embed('m', 'a')), ('b', inference_embed('m', 'b')) RETURNING inference_embed('m', 'other')}, 2, 'beside a call without columns in RETURNING');
asks(q{ALTER TABLE copies ALTER COLUMN v SET DEFAULT inference_embed('m', 'other'); INSERT INTO copies (body) VALUES (inference_embed('m', 'a')::text), (inference_embed('m', 'b')::text)}, 2, 'and in a default');
asks(q{CREATE UNIQUE INDEX ON copies (body); INSERT INTO copies (body, v) VALUES ('a', NULL), ('b', NULL); INSERT INTO copies (body, v) VALUES ('a', inference_embed('m', 'a')), ('b', inference_embed('m', 'b')) ON CONFLICT (body) DO UPDATE SET v = inference_embed('m', 'other')}, 2, 'and in ON CONFLICT');
asks(q{SELECT count(inference_embed('m', body)) FROM docs}, 10, 'the argument of an aggregate');
asks(q{SELECT g, max(inference_embed('m', body)) FROM docs GROUP BY g HAVING max(inference_embed('m', body)) IS NOT NULL}, 10, 'an aggregate by groups');
asks(q{SELECT g, inference_embed('m', string_agg(body, ',')) FROM docs GROUP BY g}, 1, 'over groups');
asks(q{SELECT max(id), CASE WHEN g < 3 THEN inference_embed('m', g::text) END FROM docs GROUP BY g}, 1, 'in a branch over groups');
asks(q{SELECT inference_embed('m', unnest(ARRAY[body, body || '!'])) FROM docs}, 20, 'over rows of a function');
asks(q{SELECT inference_embed('m', a.body || b.body) FROM docs a JOIN docs b ON b.id = a.id + 1}, 10, 'a join');
asks(q{SELECT id FROM docs ORDER BY inference_cosine_similarity(inference_embed('m', body), inference_embed('m', 'query')) LIMIT 3}, 11, 'a search without stored vectors');
asks(q{PREPARE p (text) AS SELECT inference_embed($1, body) FROM docs; EXECUTE p('m')}, 10, 'a prepared statement');
asks(q{SET LOCAL plan_cache_mode = force_generic_plan; PREPARE p2 (text) AS SELECT inference_embed($1, body) FROM docs; EXECUTE p2('m')}, 10, 'with a generic plan');
asks(q{DO $$ DECLARE r record; BEGIN FOR r IN SELECT inference_embed('m', body) AS e FROM docs LOOP END LOOP; END $$}, 10, 'a loop of PL/pgSQL');
asks(q{SELECT inference_embed('m', body) FROM docs WHERE id <= 16 FOR UPDATE}, 1, 'FOR UPDATE');
asks(q{SELECT inference_embed('tei', body) FROM docs}, 10, 'another service');
asks(q{SET LOCAL inference.batching = off; SELECT inference_embed('m', body) FROM docs}, $texts, 'inference.batching = off');
asks(q{SELECT count(inference_embed('m', 'kind ' || i % 5)) FROM generate_series(1, 10000) i}, 16, 'texts that come again are remembered by the statement');
is( $provider->requests_of(sub {
		query("SET inference.cache_size = '1MB'; SET inference.max_batch_inputs = 16; SELECT inference_embed('m', body) FROM docs; SELECT inference_embed('m', body) FROM docs");
	}), 10, 'what the session remembers is not sent');

#
# Calls in branches: made for the rows that come to them
#

asks(q{SELECT CASE WHEN g = 1 THEN inference_embed('m', body) END FROM docs}, 2, 'CASE');
is($provider->stats->{inputs}, query(q{SELECT count(DISTINCT body) FROM docs WHERE g = 1 AND body ~ '\S'}), 'sends texts of its branch only');
asks(q{SELECT CASE g WHEN 0 THEN '{1}' WHEN 1 THEN inference_embed('m', body) ELSE inference_embed('m', body || '!') END FROM docs}, 9, 'CASE of a value, with two calls');
asks(q{SELECT CASE WHEN g < 3 THEN CASE WHEN g > 1 THEN inference_embed('m', body) END END FROM docs}, 2, 'CASE in CASE');
asks(q{SELECT COALESCE(v, inference_embed('m', body)) FROM docs}, 10, 'COALESCE');
asks(q{SELECT COALESCE(CASE WHEN g > 1 THEN '{1}'::real[] END, inference_embed('m', body)) FROM docs}, 3, 'COALESCE after CASE');
asks(q{SELECT g = 1 AND inference_embed('m', body) IS NOT NULL FROM docs}, 2, 'AND');
asks(q{SELECT g > 1 OR inference_embed('m', body) IS NOT NULL FROM docs}, 3, 'OR');
asks(q{SELECT greatest(inference_embed('m', body), '{1}'), least('{1}', inference_embed('m', body)) FROM docs}, 10, 'GREATEST and LEAST');
asks(q{SELECT jsonb_build_object('id', id, 'e', inference_embed('m', body)), to_jsonb(inference_embed('m', body)) FROM docs}, 10, 'functions that make JSON');
asks(q{SELECT CASE WHEN g = 1 THEN inference_embed('m', body) END, CASE WHEN g = 2 THEN inference_embed('m', body) END FROM docs}, 3, 'one call in two branches');
asks(q{SELECT CASE WHEN g = 1 THEN inference_embed('m', body) END, inference_embed('m', body) FROM docs}, 10, 'and where it is made for all rows');
asks(q{SELECT CASE WHEN g < 2 THEN inference_embed('m', body) WHEN inference_embed('m', body || '!') IS NULL THEN NULL ELSE inference_embed('m', body || '?') END FROM docs WHERE g < 3 AND body ~ '\S'}, 4 + query(q{SELECT count(*) FROM docs WHERE g = 2 AND body ~ '\S'}), 'a branch that another call decides about is left alone');
asks(q{UPDATE docs SET v = COALESCE(v, inference_embed('m', body)), body = CASE g WHEN 1 THEN inference_embed('m', body)::text ELSE body END}, 10, 'UPDATE');
asks(q{INSERT INTO docs SELECT id + 1000, g, body, CASE WHEN g = 1 THEN inference_embed('m', body) END FROM docs}, 2, 'INSERT ... SELECT');
asks(q{SELECT id FROM docs ORDER BY CASE WHEN g = 1 THEN inference_embed('m', body) END, id LIMIT 3}, 2, 'ORDER BY');
asks(q{SELECT CASE WHEN g = 1 THEN inference_embed('m', body) END FROM (SELECT 1 AS g, body FROM parted UNION ALL SELECT g, body FROM docs) u}, 12, 'over a UNION ALL');
asks(q{SELECT count(inference_embed('m', body)) FILTER (WHERE g = 1) FROM docs}, 2, 'FILTER');
asks(q{SELECT count(inference_embed('m', body)) FILTER (WHERE g = 1), count(inference_embed('m', body)) FILTER (WHERE g = 2) FROM docs}, 3, 'two of them');
asks(q{SELECT count(*) FILTER (WHERE inference_embed('m', body) IS NOT NULL) FROM docs}, 10, 'in a FILTER');
asks(q{SELECT count(CASE WHEN g = 1 THEN inference_embed('m', body) END) FROM docs}, 2, 'CASE in an aggregate');
if (query('SHOW server_version_num') >= 160000)
{
	asks(q{SELECT JSON_OBJECT('id': id, 'e': inference_embed('m', body)), JSON_ARRAY(inference_embed('m', body) NULL ON NULL) FROM docs}, 10, 'JSON constructors');
	asks(q{SELECT JSON_OBJECTAGG(id: inference_embed('m', body)), JSON_ARRAYAGG(inference_embed('m', body)) FROM docs}, 10, 'JSON aggregates');
	asks(q{SELECT inference_embed('m', body)::text IS JSON FROM docs}, 10, 'IS JSON');
}
asks(q{PREPARE pc (int) AS SELECT CASE WHEN g = $1 THEN inference_embed('m', body) END FROM docs; SET LOCAL plan_cache_mode = force_generic_plan; EXECUTE pc(1); EXECUTE pc(2)}, 4, 'a prepared statement');
asks(q{SELECT CASE WHEN inference_sparse('sparse', 'constant') IS NOT NULL AND g = 1 THEN inference_embed('m', body) END FROM docs}, 3, 'a condition with a call without columns');

#
# Whoever may stop
#

sub sends
{
	my ($sql, $most, $name) = @_;

	$provider->reset;
	query($sql);
	cmp_ok($provider->stats->{inputs}, '<=', $most, "$name: no more than $most texts");
	return;
}

sends(q{SELECT inference_embed('m', id::text) FROM docs LIMIT 10}, 10, 'LIMIT');
is($provider->stats->{requests}, 1, 'in one request');
sends(q{SELECT inference_embed('m', id::text) FROM docs LIMIT 10 OFFSET 5}, 15, 'OFFSET');
sends(q{BEGIN; DECLARE c CURSOR FOR SELECT inference_embed('m', id::text) FROM docs; FETCH 1 FROM c; COMMIT}, 1, 'FETCH 1');
sends(q{BEGIN; DECLARE c CURSOR FOR SELECT inference_embed('m', id::text) FROM docs; FETCH 10 FROM c; COMMIT}, 20, 'FETCH 10');
sends(q{WITH w AS MATERIALIZED (SELECT inference_embed('m', id::text) FROM docs) SELECT * FROM (SELECT * FROM w LIMIT 1) s}, 1, 'a LIMIT of a sub-select over WITH');
sends(q{WITH w AS MATERIALIZED (SELECT inference_embed('m', id::text) FROM docs) SELECT 1 WHERE EXISTS (SELECT FROM w)}, 1, 'EXISTS over WITH');
sends(q{DO $$ DECLARE v real[]; BEGIN SELECT inference_embed('m', id::text) INTO v FROM docs; END $$}, 1, 'SELECT INTO of PL/pgSQL');
sends(q{DO $$ DECLARE v int; BEGIN SELECT id INTO v FROM docs WHERE inference_embed('m', id::text) IS NOT NULL; END $$}, 1, 'with a call in WHERE');
sends(q{DO $$ DECLARE v real[]; BEGIN SELECT e INTO v FROM (SELECT inference_embed('m', id::text) AS e FROM docs OFFSET 0) s; END $$}, 1, 'from a sub-select');
sends(q{CREATE FUNCTION first_of_all() RETURNS real[] LANGUAGE sql STABLE AS $$ SELECT inference_embed('m', id::text) FROM docs $$; SELECT first_of_all(); DROP FUNCTION first_of_all}, 1, 'a function in SQL');
asks(q{DO $$ DECLARE v text; BEGIN SELECT count(e), ARRAY(SELECT inference_embed('m', body) FROM docs WHERE body ~ '\\S') INTO v FROM (SELECT inference_embed('m', body) AS e FROM docs OFFSET 0) s; END $$}, 19, 'SELECT INTO of what reads all rows');
sends(q{SELECT 1 WHERE EXISTS (SELECT inference_embed('m', id::text) FROM docs OFFSET 0)}, 1, 'EXISTS');
sends(q{SELECT * FROM (SELECT inference_embed('m', id::text) FROM docs OFFSET 0) s LIMIT 1}, 1, 'LIMIT further out');
sends(q{SELECT inference_embed('m', id::text) FROM docs ORDER BY random() LIMIT 5}, 5, 'random rows');

#
# Calls that are left alone
#

sends(q{SELECT CASE WHEN id = 1 THEN inference_embed('m', id::text) END FROM docs}, 1, 'CASE');
sends(q{SELECT COALESCE(v, inference_embed('m', id::text)) FROM (SELECT id, CASE WHEN id > 2 THEN '{1}'::real[] END AS v FROM docs) s}, 2, 'COALESCE');
sends(q{SELECT id = 1 AND inference_embed('m', id::text) IS NOT NULL FROM docs}, 1, 'AND');
sends(q{SELECT count(inference_embed('m', id::text)) FILTER (WHERE id = 1) FROM docs}, 1, 'FILTER');
for my $sql (
	q{SELECT inference_embed('m', random()::text) FROM docs},
	q{SELECT inference_embed('m', body) FROM docs WHERE random() < 2},
	q{SELECT CASE WHEN random() < 1 THEN inference_embed('m', body) END FROM docs},
	q{SELECT CASE WHEN EXISTS (SELECT 1 FROM parted p WHERE p.id = docs.id) THEN inference_embed('m', body) END FROM docs},
	q{SELECT inference_embed('m', 'a constant')})
{
	unlike(query("EXPLAIN $sql"), qr/Inference Batch/, "not batched: $sql");
}

#
# The same answers
#

# Both ways, with the number of batch nodes in front.
query(q{
	CREATE FUNCTION compare(sql text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE answers text[] := '{}'; answer text; line text; nodes int := 0;
	BEGIN
		FOREACH line IN ARRAY ARRAY['on', 'off'] LOOP
			PERFORM set_config('inference.batching', line, true);
			BEGIN
				EXECUTE format('SELECT md5(string_agg(r::text, chr(10))) FROM (%s) r', sql) INTO answer;
			EXCEPTION WHEN others THEN
				answer := SQLERRM;
			END;
			answers := answers || COALESCE(answer, 'none');
		END LOOP;
		PERFORM set_config('inference.batching', 'on', true);
		FOR line IN EXECUTE 'EXPLAIN ' || sql LOOP
			nodes := nodes + (line ~ 'Inference Batch')::int;
		END LOOP;
		RETURN nodes || CASE WHEN answers[1] = answers[2] THEN ' same' ELSE ' differ: ' || answers::text END;
	END $$});

for my $sql (
	q{SELECT inference_embed('words', body) e, id FROM docs ORDER BY e, id LIMIT 10},
	q{SELECT DISTINCT inference_embed('words', body) e FROM docs ORDER BY e},
	q{SELECT DISTINCT ON (g) g, inference_embed('words', body) FROM docs ORDER BY g, id},
	q{SELECT g || 'x', inference_embed('words', g || 'x') FROM docs GROUP BY g || 'x' ORDER BY 1},
	q{SELECT g, grouping(g), inference_embed('words', g::text) FROM docs GROUP BY GROUPING SETS ((g), ()) ORDER BY 1},
	q{SELECT inference_embed('words', lag(body) OVER (ORDER BY id)) FROM docs},
	q{SELECT inference_embed('words', body) IS NULL, (inference_embed('words', body))[1] FROM docs ORDER BY id},
	q{SELECT random() < 2, inference_embed('words', body) FROM docs ORDER BY id},
	q{SELECT inference_embed('words', inference_embed('words', body)::text) FROM docs WHERE id < 20 ORDER BY id},
	q{SELECT inference_embed('words', max(inference_embed('words', body))::text) FROM docs},
	q{SELECT tableoid::regclass, ctid, inference_embed('words', body), parted FROM parted ORDER BY id},
	q{SELECT a.id, s.e FROM docs a JOIN LATERAL (SELECT inference_embed('words', a.body || b.body) e FROM docs b WHERE b.id IN (a.id, a.id + 1) OFFSET 0) s ON true WHERE a.id < 20 ORDER BY 1, 2},
	q{SELECT a.id, (SELECT inference_embed('words', a.body || b.body) FROM docs b WHERE b.id >= a.id ORDER BY id LIMIT 1) FROM docs a WHERE a.id < 20 ORDER BY 1},
	q{SELECT inference_embed('words', body) AS e, count(*) FROM docs GROUP BY 1 ORDER BY 1},
	q{SELECT inference_embed('words', body) IS NULL AS e, count(inference_embed('words', body || g)) FROM docs GROUP BY 1 ORDER BY 1},
	q{WITH RECURSIVE r (id, e) AS (SELECT 1, inference_embed('words', 'a') UNION ALL SELECT r.id + 1, inference_embed('words', d.body) FROM r JOIN docs d ON d.id = r.id + 1 WHERE r.id < 10) SELECT * FROM r},
	q{SELECT inference_embed(CASE WHEN g = 1 THEN 'words' ELSE 'other' END, body) FROM docs},
	q{SELECT inference_embed('words', body, CASE g WHEN 1 THEN '{}' ELSE '{"x": 1}' END::jsonb) FROM docs},
	q{SELECT inference_infer(CASE WHEN g = 1 THEN 'words' ELSE 'terms' END, jsonb_build_object('input', coalesce(nullif(body, ' '), 'none'))) FROM docs ORDER BY id},
	q{SELECT inference_infer('words', jsonb_build_object('inputs', body)) FROM docs},
	q{SELECT inference_embed('nope', body) FROM docs},
	q{SELECT inference_sparse('words', body) FROM docs},
	q{SELECT CASE WHEN id % 3 = 0 THEN NULL WHEN 1 / (id % 3) = 1 THEN inference_embed('words', (1 / (id % 3))::text || body) END FROM docs ORDER BY id},
	q{SELECT CASE id % 3 WHEN 0 THEN '{7}' WHEN 1 / (id % 3) THEN inference_embed('words', body || 1 / (id % 3)) ELSE inference_embed('words', body) END FROM docs ORDER BY id},
	q{SELECT COALESCE(nullif(g, 3)::text, 'n' || 1 / (g - 3), inference_embed('words', body)::text) FROM docs WHERE g <> 3 ORDER BY id},
	q{SELECT id % 3 <> 0 AND 1 / (id % 3) > 0 AND inference_embed('words', body) IS NOT NULL, id % 3 = 0 OR 1 / (id % 3) > 1 OR inference_embed('words', body) IS NULL FROM docs ORDER BY id},
	q{SELECT CASE WHEN nullif(g, 2) > 3 THEN inference_embed('words', body) WHEN (nullif(g, 2) > 1) IS NULL THEN inference_embed('words', 'null' || id) ELSE inference_embed('words', body) END FROM docs ORDER BY id},
	q{SELECT CASE WHEN inference_embed('words', body) IS NULL THEN inference_embed('words', 'none') WHEN g = 1 THEN inference_embed('words', body || 1) ELSE inference_embed('words', body) END FROM docs ORDER BY id},
	q{SELECT CASE WHEN g = 1 THEN inference_embed('words', body) END, CASE WHEN inference_sparse('terms', body) IS NULL THEN '{1}' ELSE inference_embed('words', body) END FROM docs ORDER BY id},
	q{SELECT CASE WHEN g = 1 THEN inference_embed('nope', body) WHEN g = 9 THEN inference_embed('words', g / (g - g) || body) END IS NULL FROM docs WHERE g <> 1},
	q{SELECT CASE CASE g WHEN 1 THEN 'a' ELSE body END WHEN 'a' THEN inference_embed('words', CASE g WHEN 1 THEN 'x' ELSE 'y' END) ELSE inference_embed('words', CASE body WHEN 'a' THEN 'b' ELSE body END) END FROM docs ORDER BY id},
	q{SELECT (CASE WHEN g > 2 THEN inference_embed('words', body) ELSE inference_embed('words', body) END)[1], inference_embed('words', body)::text::real[] FROM docs ORDER BY id},
	q{SELECT count(CASE WHEN g = 1 THEN inference_embed('words', body) END), sum(cardinality(COALESCE(inference_embed('words', body), '{}'))) FROM docs},
	q{SELECT count(inference_embed('words', body || 1 / (id % 3))) FILTER (WHERE id % 3 > 0), max(inference_embed('words', body)) FILTER (WHERE g = 1), max(inference_embed('words', body)) FILTER (WHERE g = 2) FROM docs},
	q{SELECT max(inference_embed('words', body)) FILTER (WHERE g = 1), max(inference_embed('words', body)) FILTER (WHERE inference_embed('words', body || g) IS NULL) FROM docs},
	q{SELECT max(CASE WHEN g = 1 THEN inference_embed('words', body) END), max(CASE WHEN inference_sparse('terms', body) IS NULL THEN '{1}' ELSE inference_embed('words', body) END) FROM docs},
	q{SELECT g, count(CASE WHEN id % 3 > 0 THEN CASE WHEN 1 / (id % 3) > 0 THEN inference_embed('words', body) END END) FROM docs GROUP BY g ORDER BY g})
{
	like(query("SELECT compare(\$q\$$sql\$q\$)"), qr/^[12] same$/, "the same: $sql");
}

# Queries put together at random, by a generator of our own: the same each time.
my $seed = 4711;
sub pick { $seed = ($seed * 1103515245 + 12345) % 2147483648; return $_[ ($seed >> 8) % @_ ]; }

sub call
{
	my ($row) = @_;
	my $input = pick("$row.body", "$row.body || $row.g", "upper($row.body)", "$row.g::text", "nullif($row.body, 'text 7')");

	return pick(
		"inference_embed('words', $input)", "inference_embed('words', $input)",
		"inference_sparse('terms', $input)", "cardinality(inference_embed('words', $input))",
		"inference_embed('words', $input)::text", "inference_infer('words', jsonb_build_object('input', $row.id::text))",
		"inference_embed(CASE WHEN $row.g > 3 THEN 'words' ELSE 'words' END, $input)",
		"COALESCE(inference_embed('words', $input), '{1}')", "CASE WHEN $row.g = 2 THEN inference_embed('words', $input) END",
		"COALESCE(CASE WHEN $row.g > 3 THEN '{2}'::real[] END, inference_embed('words', $input), '{1}')",
		"CASE $row.g WHEN 0 THEN '{1}' WHEN 12 / nullif($row.g, 0) THEN inference_embed('words', $input || 12 / $row.g) ELSE inference_embed('words', $input) END",
		"CASE WHEN $row.g < 3 THEN CASE WHEN $row.body LIKE '%1%' THEN inference_embed('words', $input) ELSE inference_embed('words', 'else') END WHEN inference_embed('words', $input) IS NULL THEN '{3}' END",
		"($row.g = 1 OR $row.g < 5 AND inference_embed('words', $input) IS NOT NULL)");
}

sub generate
{
	my $from = pick(
		'docs d', 'docs d', '(SELECT id, id % 7 AS g, body FROM parted) d', "(SELECT * FROM docs WHERE id < 60 OFFSET 0) d",
		'(SELECT a.id, b.g, a.body FROM docs a JOIN docs b ON b.id = a.id + 3) d',
		'(SELECT id, g, body FROM docs UNION ALL SELECT id + 1000, 1, body FROM parted) d',
		'(SELECT DISTINCT id, g, body FROM docs) d');
	my $where = pick('', '', ' WHERE d.g <> 3', ' WHERE d.id % 5 = 1', ' WHERE d.id < 0', " WHERE d.body LIKE '%1%'");
	my $calls = join(', ', map { call('d') . " AS c$_" } 1 .. pick(1, 1, 2, 3));
	my $sql = "SELECT d.id, $calls FROM $from$where";
	my $limit = pick('', '', ' LIMIT 7', ' LIMIT 50 OFFSET 3');

	$sql .= " ORDER BY d.id$limit";
	$sql = "SELECT * FROM ($sql) s WHERE c1 IS NOT NULL" if pick(0, 0, 1);
	$sql = "WITH w AS MATERIALIZED ($sql) SELECT w.*, x.g FROM w LEFT JOIN docs x ON x.id = w.id ORDER BY 1" if pick(0, 0, 0, 1);
	$sql = "SELECT max(d.id), count(" . call('d') . "), " . call('d') . " IS NULL AS n FROM $from$where GROUP BY 3 ORDER BY 1" if pick(0, 0, 0, 0, 1);
	return $sql;
}

my @queries = map { generate() } 1 .. 400;
my $settings = join('', map { "SET LOCAL $_;" }
	  'inference.max_batch_inputs = 5', 'inference.max_concurrent_requests = 2', "work_mem = '64kB'");
my @answers = split(/\n/, query('BEGIN;' . $settings . join('', map { "SELECT compare(\$q\$$_\$q\$);" } @queries) . 'COMMIT;'));
my @different = grep { $answers[$_] !~ /^\d same$/ } 0 .. $#queries;

is(scalar(@answers), 400, 'generated queries');
is(join("\n", map { "$queries[$_]: $answers[$_]" } @different), '', 'give the same answers');
cmp_ok(scalar(grep { /^[1-9]/ } @answers), '>', 200, 'and most are batched');

#
# What is stored
#

for my $sql (
	q{UPDATE docs SET v = inference_embed('words', body) WHERE g > 2},
	q{UPDATE docs SET v = inference_embed('words', body), body = body || '!' WHERE id % 2 = 0},
	q{UPDATE parted SET v = inference_embed('words', body)},
	q{UPDATE parted SET id = id + 40, v = inference_embed('words', body)},
	q{DELETE FROM docs WHERE id < 10 RETURNING inference_embed('words', body)},
	q{INSERT INTO docs SELECT id + 1000, g, body, inference_embed('words', body) FROM docs},
	q{INSERT INTO docs SELECT id, g, body, inference_embed('words', body || 'x') FROM docs ON CONFLICT (id) DO UPDATE SET v = excluded.v},
	q{INSERT INTO docs SELECT id + 80, g, body, inference_embed('words', body) FROM docs ON CONFLICT DO NOTHING},
	q{INSERT INTO docs VALUES (501, 1, 'a', inference_embed('words', 'a')), (502, 1, NULL, NULL), (503, 2, 'c', inference_embed('words', upper('c') || 1))},
	q{INSERT INTO docs (id, v, body) VALUES (501, inference_embed('words', 'a'), inference_embed('words', 'b')::text), (502, inference_embed('words', 'x y'), 'plain'), (503, inference_embed('words', ' '), NULL) ON CONFLICT DO NOTHING},
	q{INSERT INTO docs (id, body) VALUES (501, inference_sparse('terms', 'a b')::text), (502, inference_sparse('terms', NULL)::text)},
	q{INSERT INTO docs (id, body) VALUES (501, inference_infer('words', '{"input": "a"}')::text), (502, inference_infer('words', '{"input": ["b", "c"]}')::text)},
	q{INSERT INTO docs (id, body) VALUES (501, inference_infer('text_embedding', 'words', '{"input": "a"}')::text), (502, inference_infer('text_embedding', 'words', '{"input": "b"}')::text)},
	q{WITH w AS (INSERT INTO docs (id, v) VALUES (501, inference_embed('words', 'a')), (502, inference_embed('words', 'b')) RETURNING *) INSERT INTO parted SELECT id, 'from w', v FROM w},
	q{WITH w AS (UPDATE docs SET v = inference_embed('words', body) RETURNING id, v) INSERT INTO docs SELECT id + 500, 1, 'w', v FROM w},
	q{MERGE INTO docs USING (SELECT id, inference_embed('words', body) e FROM parted) p ON p.id = docs.id WHEN MATCHED THEN UPDATE SET v = p.e})
{
	my @stored = map {
		query("BEGIN; SET LOCAL inference.batching = $_; $sql; SELECT md5(string_agg(d::text, '' ORDER BY d.id)) FROM docs d; SELECT md5(string_agg(p::text, '' ORDER BY p.id)) FROM parted p; ROLLBACK")
	} ('on', 'off');

	is($stored[0], $stored[1], "stores the same: $sql");
}
is( query(q{BEGIN; DECLARE c CURSOR FOR SELECT id, inference_embed('words', body) FROM docs ORDER BY id;
		FETCH 5 FROM c; FETCH BACKWARD 3 FROM c; FETCH 2 FROM c; FETCH ALL FROM c; FETCH BACKWARD 2 FROM c; FETCH PRIOR FROM c; FETCH NEXT FROM c; COMMIT}),
	query(q{SET inference.batching = off; BEGIN; DECLARE c CURSOR FOR SELECT id, inference_embed('words', body) FROM docs ORDER BY id;
		FETCH 5 FROM c; FETCH BACKWARD 3 FROM c; FETCH 2 FROM c; FETCH ALL FROM c; FETCH BACKWARD 2 FROM c; FETCH PRIOR FROM c; FETCH NEXT FROM c; COMMIT}),
	'a cursor goes back and forth');
is( query(q{BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id, inference_embed('words', body) FROM docs ORDER BY g, id;
		FETCH LAST FROM c; FETCH FIRST FROM c; FETCH ABSOLUTE 7 FROM c; FETCH RELATIVE -3 FROM c; COMMIT}),
	query(q{SET inference.batching = off; BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id, inference_embed('words', body) FROM docs ORDER BY g, id;
		FETCH LAST FROM c; FETCH FIRST FROM c; FETCH ABSOLUTE 7 FROM c; FETCH RELATIVE -3 FROM c; COMMIT}),
	'and jumps');

# Somebody else changes a row that was read ahead.
my $other = $node->background_psql('postgres');
my $mine = $node->background_psql('postgres', on_error_stop => 0);
$other->query_safe(q{BEGIN; UPDATE docs SET body = 'changed meanwhile' WHERE id = 3});
$mine->query_until(qr/go/, q{
	\echo go
	UPDATE docs SET v = inference_embed('words', body) WHERE id < 6;
});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
$other->query_safe('COMMIT');
is( $mine->query_safe(q{SELECT v = inference_embed('words', 'changed meanwhile') FROM docs WHERE id = 3}),
	't', 'a row that was changed meanwhile is embedded as it is now');
$other->query_safe(q{BEGIN; SELECT id FROM docs WHERE id IN (1, 2) FOR UPDATE});
is( $mine->query_safe(q{BEGIN; SELECT id FROM (SELECT id, inference_embed('words', body) FROM docs WHERE id < 20 ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED) s}),
	"3\n4\n5", 'SKIP LOCKED goes on to others');
$other->query_safe('COMMIT');
is( $other->query_safe(q{SELECT count(*) FROM (SELECT id FROM docs WHERE id < 20 FOR UPDATE SKIP LOCKED) s}),
	'16', 'and no more than the LIMIT are locked');
$mine->query_safe('COMMIT');
$other->quit;

#
# Failures
#

query(q{UPDATE docs SET v = NULL; UPDATE docs SET body = 'arsenic' WHERE id = 150});
my $error = InferenceCluster::error_of($node, 'postgres',
	q{SET inference.max_batch_inputs = 16; UPDATE docs SET v = inference_embed('poisoned', body)});
like($error, qr/ERROR:  38000: could not get embeddings from inference model "poisoned"/, 'one bad text');
is(query(q{SELECT count(v) FROM docs}), '0', 'leaves the table as it was');
is( $mine->query(q{SET statement_timeout = '200ms'; SET inference.max_batch_inputs = 16;
		SELECT inference_embed('stalled', body) FROM docs;
		RESET statement_timeout; SELECT count(inference_embed('m', body)) FROM docs}),
	$texts, 'a timeout in the middle, and the session goes on');
$mine->query(q{DO $$ BEGIN PERFORM inference_embed('poisoned', body) FROM docs; EXCEPTION WHEN others THEN NULL; END $$});
is($mine->query(q{SELECT count(inference_embed('m', body)) FROM docs}), $texts, 'after an error that is caught too');
is($provider->wait_for(stalled => 0)->{stalled}, 0, 'nobody holds a request that was given up');
$mine->quit;

#
# Privileges
#

query(q{CREATE ROLE nobody_much; CREATE ROLE no_functions; GRANT SELECT ON docs TO nobody_much, no_functions;
	GRANT USAGE ON FOREIGN SERVER words TO no_functions;
	REVOKE EXECUTE ON FUNCTION inference_embed FROM PUBLIC});
like(InferenceCluster::error_of($node, 'postgres', q{SET ROLE no_functions; SELECT inference_embed('words', body) FROM docs}),
	qr/42501: permission denied for function inference_embed/, 'without EXECUTE');
query(q{GRANT EXECUTE ON FUNCTION inference_embed TO PUBLIC});
like(InferenceCluster::error_of($node, 'postgres', q{SET ROLE nobody_much; SELECT inference_embed('words', body) FROM docs}),
	qr/42501: permission denied for.*words/, 'without USAGE');
is(query(q{SET ROLE no_functions; SELECT count(inference_embed('words', body)) FROM docs}), $texts, 'with both');

# What a role may not see is not sent for it, however cheap the condition.
query(q{GRANT USAGE ON FOREIGN SERVER m TO no_functions;
	ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
	CREATE POLICY few ON docs USING (id <= 3);
	CREATE VIEW barrier WITH (security_barrier) AS SELECT id, body FROM docs WHERE id <= 2;
	GRANT SELECT ON barrier TO no_functions});
sends(q{SET ROLE no_functions; SELECT inference_embed('m', id::text) FROM docs}, 3, 'row-level security');
sends(q{SET ROLE no_functions; SELECT inference_embed('m', id::text) FROM docs WHERE length(body) > 0 ORDER BY id LIMIT 50}, 3, 'row-level security with a condition');
sends(q{SET ROLE no_functions; SELECT inference_embed('m', id::text) FROM barrier WHERE body IS NOT NULL}, 2, 'a security barrier');
query('ALTER TABLE docs DISABLE ROW LEVEL SECURITY');

#
# EXPLAIN
#

is($provider->requests_of(sub { query(q{EXPLAIN (VERBOSE) SELECT inference_embed('m', body) FROM docs}) }), 0, 'EXPLAIN sends nothing');
my $plan = query(q{SET inference.max_batch_inputs = 16; EXPLAIN (COSTS OFF) SELECT inference_embed('m', body), inference_sparse('terms', body) FROM docs});
like($plan, qr/Custom Scan \(Inference Batch\)\n\s+Models: m, terms\n\s+Services: openai, hashing\n\s+Batch Size: 16\n/, 'it shows models, services and batch size');
my $explains = $node->background_psql('postgres');
$explains->query_safe('SELECT inference_embed(\'words\', \'a call that loads the library\')');
for my $case (
	[ q{SELECT inference_embed('m', body) FROM docs}, '' ],
	[ q{SELECT inference_embed('m', body) FROM parted}, '' ],
	[ q{SELECT count(inference_embed('m', body)) FROM docs}, '' ],
	[ q{SELECT inference_embed('m', 'a constant') FROM docs}, '' ],
	[ q{SELECT inference_embed('m', body) FROM docs WHERE inference_embed('m', body) IS NULL}, '' ],
	[ q{SELECT a.id FROM docs a JOIN docs b ON inference_embed('m', a.body) = inference_embed('m', b.body || a.g)}, 'inference_embed, inference_embed' ],
	[ q{SELECT g FROM docs GROUP BY g HAVING inference_embed('m', max(body)) IS NULL}, 'inference_embed' ],
	[ q{SELECT max(inference_embed('m', body)) OVER (ORDER BY id) FROM docs}, 'inference_embed' ],
	[ q{SELECT CASE WHEN g = 1 THEN inference_embed('m', body) END, inference_sparse('terms', body) FROM docs}, '' ],
	[ q{SELECT CASE WHEN random() < 1 THEN inference_embed('m', body) END, inference_sparse('terms', body) FROM docs}, 'inference_embed' ],
	[ q{SELECT inference_embed('m', body), inference_sparse('terms', body) FROM docs WHERE random() < 2}, 'inference_embed, inference_sparse' ],
	[ q{UPDATE docs SET v = inference_embed('m', body) RETURNING inference_embed('m', body)}, 'inference_embed' ],
	[ q{SELECT * FROM (SELECT COALESCE(inference_embed('m', body), inference_embed('m', body || '!')) FROM docs OFFSET 0) s}, 'inference_embed' ])
{
	my ($sql, $calls) = @$case;
	my ($found) = $explains->query_safe("EXPLAIN $sql") =~ /^Calls Not Batched: (.*)$/m;
	is($found // '', $calls, "EXPLAIN says what is not batched: $sql");
}
my $not_batched = q{SELECT COALESCE(inference_embed('m', body), inference_sparse('terms', body)::text::real[]) FROM docs WHERE random() < 2};
for my $options ('', 'ANALYZE, ', 'COSTS OFF, SUMMARY ON, VERBOSE, ')
{
	my $batched = q{SELECT inference_embed('words', body) FROM docs};
	(my $runs = $not_batched) =~ s/'m'/'words'/;
	my $json = decode_json($explains->query_safe("EXPLAIN (${options}FORMAT JSON) $runs"));
	is_deeply($json->[0]{'Calls Not Batched'}, [ 'inference_embed', 'inference_sparse' ], "in JSON: $options");
	is(scalar(@$json), 1, 'beside the plan');
	is(decode_json($explains->query_safe("EXPLAIN (${options}FORMAT JSON) $batched"))->[0]{'Calls Not Batched'}, undef, 'or not there');
	like($explains->query_safe("EXPLAIN (${options}FORMAT YAML) $runs"), qr/^  Calls Not Batched: \n    - "inference_embed"\n    - "inference_sparse"\z/m, "in YAML: $options");
	like($explains->query_safe("EXPLAIN (${options}FORMAT XML) $runs"),
		qr{<explain [^<]*<Query>.*<Calls-Not-Batched>\s*<Item>inference_embed</Item>\s*<Item>inference_sparse</Item>\s*</Calls-Not-Batched>\s*</Query>\s*</explain>\s*\z}s, "in XML: $options");
}
$explains->quit;
for my $case ([ $not_batched, 'NOTICE:  calls not batched: inference_embed, inference_sparse' ], [ q{SELECT inference_embed('m', body) FROM docs}, '' ],
	[ "SELECT * FROM ($not_batched OFFSET 0) s", 'NOTICE:  calls not batched: inference_embed, inference_sparse' ])
{
	my ($sql, $expected) = @$case;
	my ($out, $err);
	$node->psql('postgres', "EXPLAIN $sql; EXPLAIN $sql", stdout => \$out, stderr => \$err);
	like($err, qr/^(?:psql:<stdin>:1: )?\Q$expected\E(?:\nDETAIL: .*)?$/, "the first of a session: $sql");
	is(scalar(() = $out =~ /Calls Not Batched/g), $expected eq '' ? 0 : 1, 'and the second');
}
my $analyzed = decode_json(query(q{SET inference.max_batch_inputs = 16; EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) SELECT inference_embed('m', body) FROM docs}))->[0]{Plan};
is($analyzed->{'Custom Plan Provider'}, 'Inference Batch', 'the node');
is($analyzed->{Inputs}, $texts, 'its inputs');
is($analyzed->{Deduplicated}, $texts - $distinct, 'equal ones');
is($analyzed->{Requests}, 10, 'its requests');
is($analyzed->{Retries}, 0, 'its retries');
cmp_ok($analyzed->{$_}, '>', 0, $_) for ('Bytes Sent', 'Bytes Received', 'Tokens', 'Network Wait Time');

done_testing();
