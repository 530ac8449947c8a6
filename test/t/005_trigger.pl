# What this proves, by counting requests at the provider:
#
#  1. The row trigger sends a text that is new or has changed, and no other:
#     not for blanks, for vectors that the statement brings, for updates of
#     other columns or to the same text.
#  2. What it stores is what a call gives, in each type of column, pgvector's
#     too where that is installed.
#  3. A provider that fails, answers nonsense or is cut off fails the statement
#     and leaves the table as it was; so does a cancel; a savepoint saves the
#     rest.
#  4. COPY, ON CONFLICT, MERGE, partitions, foreign keys and logical
#     replication's role do what docs/triggers.md says.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('trigger',
	conf => "inference.allow_private_addresses = on\ninference.max_retries = 0\n");
my $provider = InferenceProvider->start;

sub query { return $node->safe_psql('postgres', $_[0]); }

sub put
{
	my ($id, $service, $task, $url) = @_;

	query("SELECT inference_put('$task', '$id', '{\"service\": \"$service\", \"service_settings\": {\"api_key\": \"sk-trigger\", \"url\": \"$url\"}}')");
	return;
}

# Checks how many requests a statement makes, and what it answers.
sub asks
{
	my ($sql, $requests, $name, $expected) = @_;
	my $answer;

	is($provider->requests_of(sub { $answer = query($sql) }), $requests, "$name: $requests request(s)");
	is($answer, $expected, "$name: the answer") if defined $expected;
	return;
}

put('dense', 'openai', 'text_embedding', $provider->url('/v1/embeddings', 'dims=3'));
put('words', 'hugging_face', 'sparse_embedding', $provider->url('/hf/sparse'));
put('ids', 'hugging_face', 'sparse_embedding', $provider->url('/embed_sparse'));
query(q{
	CREATE TABLE docs (id int PRIMARY KEY, title text, body text, note text, v real[]);
	CREATE TRIGGER e BEFORE INSERT OR UPDATE ON docs
		FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('dense', 'v', 'title', 'body')});

# Whether every row has the vector of its text.
my $whole = q{SELECT bool_and(v IS NOT DISTINCT FROM inference_embed('dense', concat_ws(E'\n', title, body))) FROM docs};

#
# What is sent
#

asks(q{INSERT INTO docs VALUES (1, 'a', 'b'), (2, 'c', NULL), (3, NULL, 'd')}, 3, 'rows with text');
is(query($whole), 't', 'have the vectors of their texts');
is(($provider->last(6))[0]{body}{input}[0], "a\nb", 'columns are joined by a newline');
asks(q{INSERT INTO docs VALUES (4, NULL, NULL), (5, '', NULL), (6, ' ', E'\t')}, 0, 'rows without text');
is(query($whole), 't', 'have no vectors');
asks(q{INSERT INTO docs VALUES (7, 'given', NULL, NULL, '{1,2,3}')}, 0, 'a vector that is given');
asks(q{UPDATE docs SET note = 'x'}, 0, 'an update of another column');
asks(q{UPDATE docs SET title = title, body = body, id = id}, 0, 'an update to the same');
asks(q{UPDATE docs SET title = 'changed' WHERE id IN (1, 2)}, 2, 'an update of the text');
asks(q{UPDATE docs SET title = NULL, body = NULL WHERE id = 2 RETURNING v}, 0, 'text that goes', '');
asks(q{UPDATE docs SET title = 'again', v = '{3,2,1}' WHERE id = 2 RETURNING v}, 0, 'a vector that comes with its text', '{3,2,1}');
asks(q{UPDATE docs SET v = NULL WHERE id = 2 RETURNING v}, 0, 'a vector that is taken away', '');
asks(q{UPDATE docs SET title = 'x', body = NULL WHERE id = 3; UPDATE docs SET title = NULL, body = 'x' WHERE id = 3}, 1, 'the same text from another column');
query('TRUNCATE docs');

my $copy = "1\ta\tb\n2\tc\t\\N\n";
asks(qq{COPY docs (id, title, body) FROM stdin;\n$copy\\.\n}, 2, 'COPY');
asks(q{INSERT INTO docs VALUES (1, 'a', 'z') ON CONFLICT DO NOTHING}, 1, 'ON CONFLICT DO NOTHING pays all the same');
asks(q{INSERT INTO docs VALUES (1, 'a', 'z') ON CONFLICT (id) DO UPDATE SET body = excluded.body}, 2, 'DO UPDATE pays twice');
asks(q{INSERT INTO docs VALUES (1, 'a', 'y') ON CONFLICT (id) DO UPDATE SET body = excluded.body, v = excluded.v}, 1, 'unless it takes the vector, too');
asks(q{MERGE INTO docs d USING (VALUES (2, 'm'), (3, 'n')) x(id, t) ON d.id = x.id
	WHEN MATCHED THEN UPDATE SET title = t WHEN NOT MATCHED THEN INSERT (id, title) VALUES (x.id, t)}, 2, 'MERGE');
is(query($whole), 't', 'and all have the vectors of their texts');
asks(q{SET session_replication_role = replica; INSERT INTO docs VALUES (50, 'x')}, 0, 'as replication does it');
query('DELETE FROM docs WHERE id = 50');
query(q{SET inference.cache_size = '1MB'; INSERT INTO docs SELECT i, 'same' FROM generate_series(10, 30) i});
is($provider->requests_of(sub { query(q{SET inference.cache_size = '1MB'; INSERT INTO docs SELECT i, 'same' FROM generate_series(31, 50) i}) }),
	1, 'with a cache a text is sent once');

#
# Types
#

query(q{
	CREATE TABLE typed (body text, f4 real[], f8 double precision[], j jsonb);
	CREATE TRIGGER f4 BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('dense', 'f4', 'body');
	CREATE TRIGGER f8 BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('dense', 'f8', 'body');
	CREATE TRIGGER j BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'j', 'body')});
asks(q{INSERT INTO typed VALUES ('the cat')}, 3, 'three triggers');
is( query(q{SELECT f4 = inference_embed('dense', body), f8::real[] = f4, j = inference_sparse('words', body) FROM typed}),
	't|t|t', 'real[], double precision[] and jsonb');

SKIP:
{
	skip 'pgvector is not installed', 6
	  unless query(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'});
	query(q{
		CREATE SCHEMA elsewhere;
		CREATE EXTENSION vector SCHEMA elsewhere;
		CREATE TABLE vectors (body text, v elsewhere.vector(3), h elsewhere.halfvec(3), s elsewhere.sparsevec(30522));
		CREATE TRIGGER v BEFORE INSERT ON vectors FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('dense', 'v', 'body');
		CREATE TRIGGER h BEFORE INSERT ON vectors FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('dense', 'h', 'body');
		CREATE TRIGGER s BEFORE INSERT ON vectors FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('ids', 's', 'body')});
	asks(q{INSERT INTO vectors VALUES ('the cat')}, 3, 'columns of pgvector');
	is( query(q{SET search_path = elsewhere, public;
			SELECT v = inference_embed('dense', body)::vector, l2_distance(h, v::halfvec) < 0.001 FROM vectors}),
		't|t', 'vector and halfvec');
	is( query(q{SELECT array_agg(k::int + 1 ORDER BY k::int) FROM jsonb_object_keys(inference_sparse('ids', 'the cat')) k}),
		query(q{SELECT array_agg(split_part(p, ':', 1)::int ORDER BY split_part(p, ':', 1)::int)
			FROM vectors, unnest(string_to_array(trim(split_part(s::text, '/', 1), '{}'), ',')) p}),
		'sparsevec');
	asks(qq{SET search_path = elsewhere, public; CREATE INDEX ON vectors USING hnsw (v vector_cosine_ops);
		SELECT body FROM vectors ORDER BY v <=> inference_embed('dense', 'a cat')::vector LIMIT 1}, 1, 'a search in an index', 'the cat');
	query(q{ALTER TABLE vectors DROP COLUMN h, ALTER COLUMN v TYPE elsewhere.vector(4) USING NULL; DROP TRIGGER h ON vectors});
	like(
		InferenceCluster::error_of($node, 'postgres', q{INSERT INTO vectors VALUES ('x')}),
		qr/22000: column "v" of table "vectors" has 4 dimensions, but the embedding has 3/,
		'another number of dimensions');
	like(
		InferenceCluster::error_of($node, 'postgres', q{
			CREATE TRIGGER a BEFORE INSERT ON vectors FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 's', 'body');
			INSERT INTO vectors VALUES ('x')}),
		qr/42804: column "s" of table "vectors" is of type sparsevec, but the service answers with words/,
		'words do not fit a sparsevec');
}

#
# Failures
#

my $before = query('SELECT count(*), sum(hashtext(docs::text)) FROM docs');
for my $case (
	[ 'status:500', '58000' ],
	[ 'close', '08006' ],
	[ 'half_json', '08P01' ],
	[ 'count:-1', '08P01' ],
	[ 'poison:three', '38000' ],
	[ 'status:429', '53000' ])
{
	my ($fault, $sqlstate) = @$case;
	put('failing', 'openai', 'text_embedding', $provider->url('/v1/embeddings', "dims=3&fault=$fault"));
	query(q{DROP TRIGGER e ON docs; CREATE TRIGGER e BEFORE INSERT OR UPDATE ON docs
		FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('failing', 'v', 'title', 'body')});
	like(
		InferenceCluster::error_of($node, 'postgres',
			q{INSERT INTO docs SELECT i, 'number ' || CASE i WHEN 103 THEN 'three' ELSE 'x' END FROM generate_series(101, 105) i}),
		qr/ERROR:  $sqlstate: could not get embeddings from inference model "failing"/,
		"$fault fails an INSERT");
	like(InferenceCluster::error_of($node, 'postgres', q{UPDATE docs SET body = 'number three'}),
		qr/ERROR:  $sqlstate: could not get embeddings.*\n.*\n(?:HINT.*\n)?CONTEXT:  inference model "failing", task type text_embedding\ntrigger "e" on table "docs", row with key \(id\)=\(\d+\)/,
		"$fault fails an UPDATE, and the error names the row");
	is(query('SELECT count(*), sum(hashtext(docs::text)) FROM docs'), $before, "$fault leaves the table as it was");
	query(q{SELECT inference_delete('failing', force => true)});
}
put('failing', 'openai', 'text_embedding', $provider->url('/v1/embeddings', 'dims=3&fault=poison:three'));
my (undef, undef, $stderr) = $node->psql('postgres', q{
	BEGIN;
	INSERT INTO docs VALUES (201, 'one');
	SAVEPOINT s;
	INSERT INTO docs VALUES (202, 'two'), (203, 'three');
	ROLLBACK TO s;
	INSERT INTO docs VALUES (204, 'four');
	COMMIT}, on_error_stop => 0);
like($stderr, qr/one input is not acceptable/, 'one text that is refused');
is(query('SELECT string_agg(id::text, \' \' ORDER BY id) FROM docs WHERE id > 200 AND v IS NOT NULL'),
	'201 204', 'a savepoint saves the rest');

# One row of many is named, by a refusal as by a vector of another width.
put('narrow', 'openai', 'text_embedding', $provider->url('/v1/embeddings', 'dims=3&fault=poison:three'));
for my $case (
	[ 'failing', qr/38000: could not get embeddings/ ],
	[ 'narrow', qr/23514: value for domain four violates check constraint/ ])
{
	my ($model, $error) = @$case;
	my $text = $model eq 'narrow' ? 'some' : 'three';
	query(qq{
		CREATE DOMAIN four AS real[] CHECK (cardinality(VALUE) = 4 OR '$model' = 'failing');
		CREATE TABLE many (a int, b text, body text, v four, PRIMARY KEY (a, b));
		CREATE TRIGGER m BEFORE INSERT ON many FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('$model', 'v', 'body')});
	my $stderr = InferenceCluster::error_of($node, 'postgres', qq{
		INSERT INTO many SELECT i, 'k' || i, CASE WHEN i = 7 THEN 'a secret $text' END FROM generate_series(1, 10) i});
	like($stderr, qr/$error/, "$model: a row that fails");
	like($stderr, qr/^(?:CONTEXT:  )?trigger "m" on table "many", row with key \(a, b\)=\(7, k7\)$/m, "$model: is named by its key");
	unlike($stderr, qr/secret/, "$model: not by its text");
	query('DROP TABLE many; DROP DOMAIN four');
}
query(q{SELECT inference_delete('narrow')});

# Cancelled in the middle.
put('stalled', 'openai', 'text_embedding', $provider->url('/v1/embeddings', 'dims=3&fault=stall_headers'));
query(q{DROP TRIGGER e ON docs; CREATE TRIGGER e BEFORE INSERT OR UPDATE ON docs
	FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('stalled', 'v', 'title', 'body')});
$before = query('SELECT count(*), sum(hashtext(docs::text)) FROM docs');
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');
$session->query_until(qr/started/, "\\echo started\nUPDATE docs SET title = 'new';\n");
$provider->wait_for(stalled => 1);
query("SELECT pg_cancel_backend($pid)");
$session->query('SELECT 1');
like($session->{stderr}, qr/canceling statement due to user request/, 'an UPDATE that is cancelled');
$session->quit;
is(query('SELECT count(*), sum(hashtext(docs::text)) FROM docs'), $before, 'leaves the table as it was');

#
# Partitions and foreign keys
#

query(q{
	CREATE TABLE parent (id int PRIMARY KEY);
	INSERT INTO parent VALUES (1);
	CREATE TABLE parted (id int REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE, body text, v real[]) PARTITION BY RANGE (id);
	CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10);
	CREATE TABLE high PARTITION OF parted FOR VALUES FROM (10) TO (20);
	CREATE TRIGGER e BEFORE INSERT OR UPDATE ON parted
		FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('dense', 'v', 'body')});
asks(q{INSERT INTO parted VALUES (1, 'one')}, 1, 'a partition');
asks(q{UPDATE parent SET id = 2}, 0, 'a key that cascades');
asks(q{UPDATE parent SET id = 12}, 0, 'a row that moves to another partition');
is(query(q{SELECT tableoid::regclass, v = inference_embed('dense', body) FROM parted}), 'high|t', 'keeps its vector');
asks(qq{COPY low (id, body) FROM stdin;\n\\.\nINSERT INTO high VALUES (12, 'direct')}, 1, 'a partition by its own name');

done_testing();
