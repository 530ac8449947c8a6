# What this proves:
#
#  1. Calls in WHERE are sent in batches, for the rows that pass the other
#     conditions; the provider counts requests and texts.
#  2. The answers are those of inference.batching = off, for statements put
#     together at random; nothing is evaluated that would not be without.
#  3. What row-level security or a security barrier keeps from a role is neither
#     sent for it, nor shown to its functions.
#  4. Whoever may stop early has few texts sent ahead.
#  5. Rows that somebody else has changed meanwhile are checked as they are now.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('filters',
	conf => "inference.allow_private_addresses = on\ninference.max_batch_inputs = 16\n");
my $provider = InferenceProvider->start;
my $url = $provider->url('/v1/embeddings');

sub query { return $node->safe_psql('postgres', $_[0]); }

query(qq{
	SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "url": "$url"}}');
	SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 8}}');
	SELECT inference_put('sparse_embedding', 'terms', '{"service": "hashing"}');
	CREATE TABLE docs (id int PRIMARY KEY, g int, body text, v real[]);
	INSERT INTO docs SELECT i, i % 7, CASE WHEN i % 11 = 0 THEN NULL ELSE 'text ' || i END, inference_embed('words', 'text ' || i % 5) FROM generate_series(1, 160) i;
	CREATE INDEX ON docs (g);
	CREATE TABLE parted (id int, g int, body text, v real[]) PARTITION BY RANGE (id);
	CREATE TABLE parted1 PARTITION OF parted FOR VALUES FROM (0) TO (80);
	CREATE TABLE parted2 (v real[], id int, body text, g int);
	ALTER TABLE parted ATTACH PARTITION parted2 FOR VALUES FROM (80) TO (1000);
	INSERT INTO parted SELECT * FROM docs;
	ANALYZE;});

# Runs a statement as the first of a session.
sub asks
{
	my ($sql, $requests, $texts, $name) = @_;

	is($provider->requests_of(sub { query("BEGIN; $sql; ROLLBACK") }), $requests, "$name: $requests request(s)");
	is($provider->stats->{inputs}, $texts, "$name: $texts text(s)");
	return;
}

my $call = q{inference_embed('m', body)};
my $all = query('SELECT count(body) FROM docs');
my $of_group = query('SELECT count(body) FROM docs WHERE g = 1');

asks("SELECT id FROM docs WHERE $call IS NOT NULL", 10, $all, 'a call');
asks("SELECT id FROM docs WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'and another condition');
asks("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SELECT id FROM docs WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'an index scan');
asks("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SELECT id FROM docs WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'a bitmap scan');
asks("SELECT id FROM docs WHERE ctid < '(1000,0)' AND $call IS NOT NULL AND g = 1", 2, $of_group, 'a scan of row identities');
asks("SELECT id, cardinality($call) FROM docs WHERE cardinality($call) > 1 AND cardinality($call) < 1000 ORDER BY $call LIMIT 3", 10, $all, 'one call in several places');
asks("SELECT id FROM docs WHERE $call IS NULL AND inference_embed('m', body || '!') IS NOT NULL", 10, $all, 'two conditions: none passes the first');
asks("SELECT id FROM docs WHERE $call IS NOT NULL AND inference_embed('m', body || '!') IS NOT NULL AND g = 1", 4, 2 * $of_group, 'two conditions: all pass the first');
asks("SELECT id FROM docs WHERE g <> 1 OR $call IS NOT NULL", 2, $of_group, 'OR');
asks("SELECT id FROM docs WHERE CASE WHEN g = 1 THEN $call IS NOT NULL END", 2, $of_group, 'CASE');
asks("SELECT id, inference_embed('m', body || g) FROM docs WHERE $call IS NOT NULL AND g = 1", 4, 2 * $of_group, 'another call in the list');
asks("SELECT count(*) FROM docs WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'an aggregate');
asks("SELECT id FROM parted WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'partitions');
asks("SELECT id FROM (SELECT id, g, body FROM docs UNION ALL SELECT id, g, body FROM parted) u WHERE $call IS NOT NULL AND g = 1", 4, 2 * $of_group, 'UNION ALL');
asks("SELECT id FROM (SELECT * FROM docs OFFSET 0) s WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'a sub-select');
asks("WITH w AS MATERIALIZED (SELECT * FROM docs) SELECT id FROM w WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'WITH');
asks("SELECT x FROM generate_series(1, 20) x WHERE inference_embed('m', 'text ' || x) IS NOT NULL", 2, 20, 'a function');
asks("UPDATE docs SET v = NULL WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'UPDATE');
asks("UPDATE docs SET v = $call WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'UPDATE with the same call');
asks("DELETE FROM parted WHERE $call IS NOT NULL AND g = 1", 2, $of_group, 'DELETE');
asks("SELECT id FROM docs WHERE $call IS NOT NULL AND g = 1 FOR UPDATE", 2, $of_group, 'FOR UPDATE');
asks("SET LOCAL enable_nestloop = off; SELECT a.id FROM docs a JOIN parted b USING (id) WHERE inference_embed('m', a.body) IS NOT NULL AND a.g = 1 AND b.g = 1", 5, $of_group, 'a join, which reads 1, 2, 4, ...');
asks("PREPARE w (text) AS SELECT id FROM docs WHERE inference_embed(\$1, body) IS NOT NULL AND g = 1; SET LOCAL plan_cache_mode = force_generic_plan; EXECUTE w('m')", 2, $of_group, 'prepared');
asks("SELECT id FROM docs WHERE inference_embed((SELECT 'm'), 'lit') IS NOT NULL AND $call IS NOT NULL AND g = 1", 3, $of_group + 1, 'and one that is the same for all rows');
asks("SET LOCAL enable_seqscan = off; SELECT (SELECT count(b.body) FROM docs b WHERE b.g = cardinality(inference_embed('m', a.body)) - 7) FROM docs a WHERE a.g = 1", $of_group, $of_group, 'over columns of the outer query, for an index');
asks("SET LOCAL inference.batching = off; SELECT id FROM docs WHERE $call IS NOT NULL AND g = 1", $of_group, $of_group, 'without batching');

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

sends("SELECT id FROM docs WHERE $call IS NOT NULL LIMIT 10", 12, 'LIMIT');
sends("BEGIN; DECLARE c CURSOR FOR SELECT id FROM docs WHERE $call IS NOT NULL; FETCH 1 FROM c; COMMIT", 1, 'a cursor');
sends("SELECT 1 WHERE EXISTS (SELECT 1 FROM docs WHERE $call IS NOT NULL OFFSET 0)", 1, 'EXISTS');
sends("SELECT * FROM (SELECT id FROM docs WHERE $call IS NOT NULL OFFSET 0) s LIMIT 1", 1, 'LIMIT further out');

#
# Security
#

query(q{
	CREATE ROLE reader; GRANT SELECT ON docs TO reader;
	GRANT USAGE ON FOREIGN SERVER m, words TO reader;
	CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM docs WHERE id <= 2;
	CREATE VIEW barrier_with_call WITH (security_barrier) AS SELECT * FROM docs WHERE inference_embed('words', body) IS NOT NULL AND g = 1;
	CREATE FUNCTION spy(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'spy: %', $1; RETURN true; END $$;
	ALTER FUNCTION spy STABLE;
	GRANT SELECT ON barrier, barrier_with_call TO reader;
	CREATE POLICY few ON docs TO reader USING (id <= 3);
	ALTER TABLE docs ENABLE ROW LEVEL SECURITY});
sends("SET ROLE reader; SELECT id FROM docs WHERE inference_embed('m', id::text) IS NOT NULL", 3, 'row-level security');
sends("SET ROLE reader; SELECT id FROM barrier WHERE inference_embed('m', id::text) IS NOT NULL", 2, 'a security barrier');
sub spied { my ($out, $err); $node->psql('postgres', $_[0], stdout => \$out, stderr => \$err); return scalar(() = $err =~ /spy:/g); }
is(spied("SET ROLE reader; SELECT id FROM docs WHERE inference_embed('words', body) IS NOT NULL AND spy(body)"), 3, 'what a policy hides stays hidden');
is(spied("SET ROLE reader; SELECT id FROM barrier_with_call WHERE spy(body)"), $of_group, 'so does what a barrier hides by a call');
is(spied("SET ROLE reader; SET inference.batching = off; SELECT id FROM barrier_with_call WHERE spy(body)"), $of_group, 'as without batching');
query('DROP POLICY few ON docs; CREATE POLICY by_call ON docs TO reader USING (cardinality(inference_embed(\'words\', body)) > 0 AND g = 1)');
is(spied("SET ROLE reader; SELECT id FROM docs WHERE spy(body)"), $of_group, 'a policy with a call comes first');
is(spied("SET ROLE reader; SELECT id FROM docs WHERE spy(body) AND inference_embed('words', body || g) IS NOT NULL"), $of_group, 'before another call, too');
query('ALTER TABLE docs DISABLE ROW LEVEL SECURITY');

#
# The same as without
#

my $seed = $ENV{INFERENCE_SEED} // 1848;
sub pick { $seed = ($seed * 1103515245 + 12345) % 2147483648; return $_[ ($seed >> 8) % @_ ]; }

sub condition
{
	my ($row) = @_;
	my $text = pick("$row.body", "$row.body || $row.g", "nullif($row.body, 'text 7')", "$row.g || 'x'");
	my $made = pick("inference_embed('words', $text)", "inference_embed('words', $row.body)");

	return pick(
		"$made IS NOT NULL", "inference_l2_distance($row.v, $made) < 1", "inference_cosine_similarity($row.v, $made) > 0.1",
		"$row.v = $made", "$row.v::text <> ALL (ARRAY[${made}::text, $row.body])", "NOT ($made = $row.v)",
		"($row.g = 1 OR $made IS NULL)", "CASE WHEN $row.g = 0 THEN false WHEN 12 / $row.g > 3 THEN $made IS NOT NULL ELSE $made IS NULL END",
		"COALESCE($row.g = nullif(3, $row.g), $made IS NULL)", "inference_sparse('terms', $text) ? '7'",
		"cardinality($made) > $row.g", "$row.g <> 3", "$row.id % 5 > 1", "12 / $row.g > 1 AND $made IS NOT NULL",
		"inference_embed('words', 12 / nullif($row.g, 2) || $row.body) IS NOT NULL", "$row.body LIKE '%1%'", "$row.id < 100");
}

sub generate
{
	my $from = pick('docs a', 'docs a', 'parted a', '(SELECT * FROM docs WHERE id % 2 = 0 OFFSET 0) a',
		'(SELECT id, g, body, v FROM docs UNION ALL SELECT id + 500, 2, body, v FROM parted) a', '(SELECT DISTINCT id, g, body, v FROM docs) a');
	my $join = pick('', '', '', ' JOIN docs b ON b.id = a.id + 1', ' LEFT JOIN parted b ON b.id = a.id + 1 AND ' . condition('b'),
		' JOIN LATERAL (SELECT * FROM docs d WHERE d.id IN (a.id, a.id + 1) AND ' . condition('d') . ' OFFSET 0) b ON true');
	my $where = "a.g <> 0 AND " . join(' AND ', map { condition('a') } 1 .. pick(1, 2, 3));
	$where .= ' AND ' . condition('b') if $join ne '' && pick(0, 1);
	my $list = pick('a.id', 'a.id, a.body', 'a.id, a', "a.id, inference_embed('words', a.body)", "a.id, cardinality(inference_embed('words', a.body || a.g))", 'a.id, a.ctid' x ($from =~ /^(docs|parted)/) || 'a.id');
	my $sql = "SELECT $list" . ($join ne '' ? ', b.id AS other' : '') . " FROM $from$join WHERE $where ORDER BY a.id" . ($join ne '' ? ', b.id' : '') . pick('', '', ' LIMIT 5', ' LIMIT 3 OFFSET 2');

	# Rows behind the last one may be looked at, and fail.
	$sql =~ s/ LIMIT.*// if $sql =~ m{12 /};

	$sql = "SELECT a.g, count(*) FROM $from WHERE $where GROUP BY 1 ORDER BY 1" if $join eq '' && pick(0, 0, 0, 1);
	$sql = "SELECT id FROM docs o WHERE EXISTS (SELECT 1 FROM $from WHERE a.id = o.id AND $where) ORDER BY 1" if $join eq '' && $where !~ m{12 /} && pick(0, 0, 0, 0, 1);
	return $sql;
}

query(q{
	CREATE FUNCTION answer_of(sql text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE answer text;
	BEGIN
		EXECUTE format('SELECT md5(string_agg(r::text, chr(10))) FROM (%s) r', sql) INTO answer;
		RETURN COALESCE(answer, 'none');
	EXCEPTION WHEN others THEN RETURN SQLERRM;
	END $$;
	CREATE FUNCTION compare(sql text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE batched text; plain text; line text; nodes int := 0;
	BEGIN
		batched := answer_of(sql);
		SET LOCAL inference.batching = off;
		plain := answer_of(sql);
		SET LOCAL inference.batching = on;
		FOR line IN EXECUTE 'EXPLAIN ' || sql LOOP
			nodes := nodes + (line ~ 'Inference Batch')::int;
		END LOOP;
		RETURN nodes || CASE WHEN batched = plain THEN ' same ' ELSE ' differ ' END || batched || ' ' || plain;
	END $$;});
my @queries = map { generate() } 1 .. $ENV{INFERENCE_GENERATED} // 150;
my @settings = ('', 'SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;', 'SET LOCAL enable_hashjoin = off; SET LOCAL enable_nestloop = off;',
	'SET LOCAL enable_seqscan = off;', "SET LOCAL inference.max_batch_inputs = 3; SET LOCAL work_mem = '64kB';", 'SET LOCAL enable_partitionwise_join = on;');
my @answers = split(/\n/, query(join('', map { 'BEGIN;' . pick(@settings) . "SELECT compare(\$q\$$_\$q\$); ROLLBACK;" } @queries)));

is(scalar(@answers), scalar(@queries), 'generated queries');
is(join("\n", map { "$queries[$_]: $answers[$_]" } grep { $answers[$_] !~ /^\d+ same/ } 0 .. $#answers), '', 'give the same answers');
cmp_ok(scalar(grep { /^[1-9]/ } @answers), '>', @answers / 2, 'and most are batched');

for my $sql (
	q{UPDATE docs SET body = body || '!' WHERE inference_embed('words', body) IS NOT NULL AND g > 2},
	q{UPDATE parted SET v = inference_embed('words', body) WHERE inference_l2_distance(v, inference_embed('words', body)) > 0.5},
	q{UPDATE docs SET v = NULL FROM parted p WHERE p.id = docs.id AND inference_embed('words', p.body) = p.v AND inference_embed('words', docs.body) IS NOT NULL},
	q{DELETE FROM parted WHERE inference_l2_distance(v, inference_embed('words', body)) > 0.5},
	q{INSERT INTO docs SELECT id + 1000, g, body, v FROM parted WHERE inference_l2_distance(v, inference_embed('words', body)) > 0.5},
	q{WITH w AS (DELETE FROM docs WHERE inference_embed('words', body) = v RETURNING *) INSERT INTO parted SELECT * FROM w})
{
	my @stored = map {
		query("BEGIN; SET LOCAL inference.batching = $_; $sql; SELECT md5(string_agg(d::text, '' ORDER BY d.id)) FROM docs d; SELECT md5(string_agg(p::text, '' ORDER BY p.id)) FROM parted p; ROLLBACK")
	} ('on', 'off');

	is($stored[0], $stored[1], "stores the same: $sql");
}
my $moves = q{BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id FROM docs WHERE inference_l2_distance(v, inference_embed('words', body)) > 0.9 ORDER BY id;
	FETCH 3 FROM c; FETCH BACKWARD 2 FROM c; FETCH 4 FROM c; FETCH LAST FROM c; FETCH BACKWARD 3 FROM c; FETCH FIRST FROM c; FETCH ABSOLUTE 5 FROM c; COMMIT;
	SET enable_sort = off; SET enable_seqscan = off;
	BEGIN; DECLARE c CURSOR FOR SELECT id FROM docs WHERE inference_l2_distance(v, inference_embed('words', body)) > 0.9;
	FETCH 3 FROM c; FETCH BACKWARD 2 FROM c; FETCH 4 FROM c; FETCH ALL FROM c; FETCH BACKWARD 3 FROM c; FETCH NEXT FROM c; COMMIT};
is(query($moves), query("SET inference.batching = off; $moves"), 'cursors go back and forth');

#
# Somebody else was faster
#

my $other = $node->background_psql('postgres');
my $mine = $node->background_psql('postgres');
$other->query_safe(q{BEGIN; UPDATE docs SET body = NULL WHERE id = 3; UPDATE docs SET body = 'changed' WHERE id = 4; UPDATE docs SET body = 'no longer null' WHERE id = 11});
$mine->query_until(qr/go/, q{
	\echo go
	UPDATE docs SET v = inference_embed('words', body), g = 100 WHERE inference_embed('words', body) IS NOT NULL AND id < 12;
});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
$other->query_safe('COMMIT');
is( $mine->query_safe(q{SELECT string_agg(id || ':' || (v = inference_embed('words', body)), ' ' ORDER BY id) FROM docs WHERE g = 100}),
	join(' ', map { "$_:true" } 1, 2, 4 .. 10), 'a row that was changed meanwhile is checked as it is now');
$other->query_safe(q{BEGIN; SELECT id FROM docs WHERE id IN (1, 2) FOR UPDATE});
is( $mine->query_safe(q{SELECT id FROM docs WHERE inference_embed('words', body) IS NOT NULL ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED}),
	"4\n5\n6", 'SKIP LOCKED goes on to others');
$other->query_safe('COMMIT');
$_->quit for ($other, $mine);

done_testing();
