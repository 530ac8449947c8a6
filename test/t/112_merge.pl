# What this proves:
#
#  1. Calls in the actions of MERGE are sent in batches, for the rows that come
#     to the action and for no others; the provider counts requests and texts.
#  2. What is stored is what inference.batching = off stores, for lists of
#     actions put together at random.
#  3. A row that somebody else has changed or deleted meanwhile is written as it
#     would be without batches, though it comes to another action then.
#  4. EXPLAIN lists the calls of MERGE that are not batched.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('merge',
	conf => "inference.allow_private_addresses = on\ninference.max_batch_inputs = 16\n");
my $provider = InferenceProvider->start;
my $url = $provider->url('/v1/embeddings');

sub query { return $node->safe_psql('postgres', $_[0]); }

my $version = query('SHOW server_version_num');
plan skip_all => 'MERGE came with PostgreSQL 15' if $version < 150000;

query(qq{
	SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "url": "$url"}}');
	SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 8}}');
	CREATE TABLE source (id int, kind int, body text);
	INSERT INTO source SELECT i, i % 4, CASE WHEN i % 9 = 0 THEN NULL ELSE 'text ' || i END FROM generate_series(1, 80) i;
	CREATE TABLE docs (id int PRIMARY KEY, body text, v real[]);
	INSERT INTO docs SELECT i, CASE WHEN i % 3 = 0 THEN 'old text' ELSE 'text ' || i END, '{1}' FROM generate_series(41, 120) i;
	CREATE TABLE parted (id int, body text, v real[]) PARTITION BY RANGE (id);
	CREATE TABLE parted1 PARTITION OF parted FOR VALUES FROM (0) TO (50);
	CREATE TABLE parted2 (v real[], id int, body text);
	ALTER TABLE parted ATTACH PARTITION parted2 FOR VALUES FROM (50) TO (1000);
	INSERT INTO parted SELECT id, body, v FROM docs;
	ANALYZE;});

# Runs a statement as the first of a session.
sub asks
{
	my ($sql, $requests, $texts, $name) = @_;

	is($provider->requests_of(sub { query("BEGIN; $sql; ROLLBACK") }), $requests, "$name: $requests request(s)");
	is($provider->stats->{inputs}, $texts, "$name: $texts text(s)");
	return;
}

# 40 rows of the source have none of the target, 4 of them no text; of the other
# 40, 5 have no text.
my $update = q{WHEN MATCHED THEN UPDATE SET v = inference_embed('m', s.body)};
my $insert = q{WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.body, inference_embed('m', s.body))};

asks("MERGE INTO docs d USING source s ON s.id = d.id $update", 3, 36, 'UPDATE');
asks("MERGE INTO docs d USING source s ON s.id = d.id $insert", 3, 36, 'INSERT');
asks("MERGE INTO docs d USING source s ON s.id = d.id $update $insert", 5, 72, 'both');
asks("MERGE INTO docs d USING source s ON s.id = d.id WHEN MATCHED AND d.body IS DISTINCT FROM s.body THEN UPDATE SET body = s.body, v = inference_embed('m', s.body) $insert",
	4, 36 + query('SELECT count(s.body) FROM docs d JOIN source s USING (id) WHERE d.body IS DISTINCT FROM s.body'),
	'a condition on both tables');
asks("MERGE INTO docs d USING source s ON s.id = d.id WHEN MATCHED AND s.kind = 0 THEN DELETE WHEN MATCHED AND s.kind = 1 THEN DO NOTHING $update",
	2, query('SELECT count(body) FROM source WHERE id > 40 AND kind > 1'), 'actions before it');
asks("MERGE INTO docs d USING source s ON s.id = d.id WHEN MATCHED THEN DO NOTHING $insert", 3, 36, 'an action that takes all');
asks("MERGE INTO docs d USING (SELECT id, kind, 'about ' || body AS body FROM source WHERE kind < 2 OFFSET 0) s ON s.id = d.id $update $insert",
	3, query('SELECT count(body) FROM source WHERE kind < 2'), 'a sub-select');
asks("MERGE INTO docs d USING (SELECT id, kind, 'about ' || body AS body FROM source) s ON s.id = d.id $update", 3, 36, 'a simple sub-select');
asks("MERGE INTO docs d USING (SELECT id, body, inference_embed('m', body) AS v FROM source) s ON s.id = d.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.body, s.v)",
	5, 72, 'a sub-select with the call');
asks("MERGE INTO docs d USING (VALUES (1, 'a'), (2, 'b'), (50, 'c')) s (id, body) ON s.id = d.id $update $insert", 1, 3, 'VALUES');
asks("MERGE INTO docs d USING source s ON s.id = d.id WHEN MATCHED THEN UPDATE SET v = CASE WHEN s.kind = 1 THEN inference_embed('m', s.body) ELSE d.v END $insert",
	4, 36 + query('SELECT count(body) FROM source WHERE id > 40 AND kind = 1'), 'CASE in an action');
asks("MERGE INTO docs d USING source s ON s.id = d.id WHEN MATCHED AND inference_embed('m', s.body) IS NOT NULL THEN DELETE", 3, 36, 'a call in a condition');
asks("MERGE INTO parted d USING source s ON s.id = d.id $update $insert", 5, 72, 'a partitioned table');
asks("PREPARE m (text) AS MERGE INTO docs d USING source s ON s.id = d.id WHEN MATCHED AND s.kind = 1 THEN UPDATE SET v = inference_embed(\$1, s.body); SET LOCAL plan_cache_mode = force_generic_plan; EXECUTE m('m')",
	1, query('SELECT count(body) FROM source WHERE id > 40 AND kind = 1'), 'prepared');
asks("MERGE INTO docs d USING source s ON s.id = d.id WHEN MATCHED THEN UPDATE SET v = inference_embed('m', 'constant')", 1, 1, 'a call without columns');
asks("SET LOCAL inference.batching = off; MERGE INTO docs d USING source s ON s.id = d.id $update", 36, 36, 'without batching');

#
# What is not batched
#

my $explains = $node->background_psql('postgres');
$explains->query_safe(q{SELECT inference_embed('words', 'a call that loads the library')});
for my $case (
	[ "$update $insert", '' ],
	[ q{WHEN MATCHED THEN UPDATE SET v = inference_embed('m', d.body)}, 'inference_embed' ],
	[ "WHEN MATCHED AND random() < 1 THEN DELETE $update", 'inference_embed' ],
	[ "WHEN MATCHED AND inference_embed('m', s.body || '!') IS NULL THEN DELETE $update", 'inference_embed' ])
{
	my ($actions, $calls) = @$case;
	my ($found) = $explains->query_safe("EXPLAIN MERGE INTO docs d USING source s ON s.id = d.id $actions") =~ /^Calls Not Batched: (.*)$/m;
	is($found // '', $calls, "EXPLAIN says what is not batched: $actions");
}
$explains->quit;

#
# The same as without
#

# Actions put together by a generator of our own: the same each time.
my $seed = $ENV{INFERENCE_SEED} // 815;
sub pick { $seed = ($seed * 1103515245 + 12345) % 2147483648; return $_[ ($seed >> 8) % @_ ]; }

sub generate
{
	my $table = pick('docs', 'docs', 'parted');
	my $source = pick('source', 'source', '(SELECT * FROM source WHERE kind > 0)', '(SELECT id, kind, lower(body) AS body FROM source ORDER BY id LIMIT 70)',
		'(SELECT id, kind, body, random() AS r FROM source)');
	my $value = sub {
		my ($columns) = @_;
		my $text = pick(@$columns, 's.body', 's.body', "s.body || s.kind", "'x' || 12 / nullif(s.kind, 0)");
		return pick("inference_embed('words', $text)", "inference_embed('words', $text)",
			"COALESCE(inference_embed('words', $text), '{3}')",
			"CASE WHEN s.kind > 0 THEN inference_embed('words', 'y' || 12 / s.kind) END",
			"CASE s.kind WHEN 1 THEN inference_embed('words', $text) ELSE inference_embed('words', s.body) END", "'{2}'");
	};
	my @actions;
	for (1 .. pick(1, 2, 3, 4))
	{
		my $matched = pick(0, 1);
		my @conditions = ('', '', ' AND s.kind = 1', ' AND s.kind <> 0 AND 12 / s.kind > 5', ' AND s.body IS NULL',
			" AND cardinality(inference_embed('words', s.body)) > 0");
		push @conditions, (' AND d.body IS DISTINCT FROM s.body', " AND d.id % 5 = s.kind", ' AND d IS NOT NULL', ' AND d.ctid IS NOT NULL') if $matched;
		my $condition = pick(@conditions);
		my $action = !$matched
		  ? pick("INSERT VALUES (s.id, s.body, " . $value->([]) . ")", "INSERT (v, id) VALUES (" . $value->([]) . ", s.id)", 'DO NOTHING')
		  : pick('UPDATE SET v = ' . $value->([ 'd.body', "d.body || s.kind" ]), 'UPDATE SET body = s.body, v = ' . $value->([]),
			'UPDATE SET (body, v) = (s.kind::text, ' . $value->([]) . ')', 'DELETE', 'DO NOTHING');
		push @actions, "WHEN " . ($matched ? 'MATCHED' : 'NOT MATCHED') . "$condition THEN $action";
	}
	if ($version >= 170000 && pick(0, 0, 1))
	{
		push @actions, 'WHEN NOT MATCHED BY SOURCE' . pick('', ' AND d.id > 100', " AND d.body LIKE '%1%'") . ' THEN '
		  . pick('DELETE', "UPDATE SET v = inference_embed('words', d.body)", "UPDATE SET v = '{9}'");
	}
	return ($table, "MERGE INTO $table d USING $source s ON s.id = d.id " . join(' ', @actions));
}

query(q{
	CREATE FUNCTION stored(relation text, sql text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE answer text;
	BEGIN
		EXECUTE sql;
		EXECUTE format('SELECT md5(string_agg(d::text, chr(10) ORDER BY d.id)) FROM %s d', relation) INTO answer;
		RAISE EXCEPTION USING MESSAGE = answer, ERRCODE = 'RB000';
	EXCEPTION
		-- unreachable actions are an error since 15
		WHEN SQLSTATE 'RB000' OR SQLSTATE '42601' THEN RETURN SQLERRM;
		WHEN OTHERS THEN RETURN SQLSTATE || SQLERRM;
	END $$;
	CREATE FUNCTION compare(relation text, sql text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE batched text; plain text; line text; nodes int := 0;
	BEGIN
		batched := stored(relation, sql);
		SET LOCAL inference.batching = off;
		plain := stored(relation, sql);
		SET LOCAL inference.batching = on;
		BEGIN
			FOR line IN EXECUTE 'EXPLAIN ' || sql LOOP
				nodes := nodes + (line ~ 'Inference Batch')::int;
			END LOOP;
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
		RETURN nodes || CASE WHEN batched = plain THEN ' same ' ELSE ' differ ' END || batched || ' ' || plain;
	END $$;});
my @statements = map { [ generate() ] } 1 .. $ENV{INFERENCE_GENERATED} // 150;
my @answers = split(/\n/, query(join('', map { "BEGIN; SELECT compare('$_->[0]', \$q\$$_->[1]\$q\$); ROLLBACK;" } @statements)));
is(scalar(@answers), scalar(@statements), 'generated actions');
is(join("\n", map { "$statements[$_]->[1]: $answers[$_]" } grep { $answers[$_] !~ /^\d+ same/ } 0 .. $#answers), '', 'store the same');
cmp_ok(scalar(grep { /^[1-9]/ } @answers), '>', @answers / 3, 'and many are batched');

#
# Somebody else was faster
#

my $other = $node->background_psql('postgres');
my $mine = $node->background_psql('postgres');
$other->query_safe(q{BEGIN; DELETE FROM docs WHERE id = 41; UPDATE docs SET body = 'changed' WHERE id = 43; UPDATE docs SET id = 1000 WHERE id = 44; UPDATE docs SET body = 'text 42' WHERE id = 42});
$mine->query_until(qr/go/, q{
	\echo go
	MERGE INTO docs d USING source s ON s.id = d.id
		WHEN MATCHED AND d.body IS DISTINCT FROM s.body THEN UPDATE SET body = d.body || ' is not ' || s.body, v = inference_embed('words', s.body)
		WHEN MATCHED THEN UPDATE SET body = d.body || ' is fine'
		WHEN NOT MATCHED AND s.id > 40 THEN INSERT VALUES (s.id, s.body || ' is new', inference_embed('words', s.body));
});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
$other->query_safe('COMMIT');
is( $mine->query_safe(q{SELECT d.id, d.body, d.v = inference_embed('words', s.body) FROM docs d JOIN source s USING (id) WHERE id BETWEEN 41 AND 44 ORDER BY 1}),
	"41|text 41 is new|t\n42|text 42 is fine|f\n43|changed is not text 43|t\n44|text 44 is new|t", 'rows that were changed meanwhile come to other actions');
$_->quit for ($other, $mine);

done_testing();
