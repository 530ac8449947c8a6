# What this proves: a model has one width of vectors.
#
#  1. The width of the first answer is kept with the model, with the similarity,
#     by whatever kind of call, and by roles that may only use the model.  It is
#     one row version for the life of the model.
#  2. A service that changes its width does not mix widths in a table: the error
#     names both, the model, and what to do; in the session that saw the first
#     answer, in others that knew the model before, after a restart and in a dump.
#  3. Nobody waits: not the owner for a transaction that found the width out, nor
#     such a transaction for the owner; nothing fails for it in any isolation
#     level, in read-only transactions, or on a standby.
#  4. What is not committed is not kept.  The session remembers all the same.
#  5. The owner takes another width by a validated update or another url.
#  6. A call that names another model for the service has no part in it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('dimensions', allows_streaming => 1,
	conf => "inference.allow_private_addresses = on\ninference.max_retries = 0\nmax_prepared_transactions = 2\nautovacuum = off\n");
my $provider = InferenceProvider->start;
my $nmodels = 0;

# A model of a service that has now this width; nobody has asked it yet.
sub model
{
	my ($dims, %settings) = @_;
	my $id = 'm' . ++$nmodels;
	my $url = $provider->url($settings{path} // '/v1/embeddings', $settings{query});
	my $service = $settings{service} // 'openai';

	$provider->dims($dims);
	$node->safe_psql('postgres', qq{SELECT inference_put('text_embedding', '$id',
		'{"service": "$service", "service_settings": {"api_key": "k", "url": "$url"}}'); GRANT USAGE ON FOREIGN SERVER $id TO app});
	return $id;
}

my $ordinal = 0;

# A call with a text that was not there before.
sub call
{
	my ($id) = @_;
	return "SELECT cardinality(inference_embed('$id', 'text " . ++$ordinal . "'))";
}

sub known
{
	my ($id, $server) = @_;
	return ($server // $node)->safe_psql('postgres', "SELECT dimensions, similarity FROM inference_models WHERE model_id = '$id'");
}

sub versions
{
	my ($id) = @_;
	return $node->safe_psql('postgres', "SELECT xmin, ctid FROM inference_model WHERE model_id = '$id'");
}

sub refuses
{
	my ($id, $is, $has, $sql, $name) = @_;
	like(InferenceCluster::error_of($node, 'postgres', $sql),
		qr/08P01: could not get embeddings from inference model "$id"\nDETAIL:  Service "\w+" answered with $is dimensions where the model has $has\.\nHINT:  .*inference_update\('$id', validate => true, config => '\{\}'\)/,
		$name);
	return;
}

$node->safe_psql('postgres', q{
	CREATE ROLE app LOGIN;
	CREATE TABLE docs (id int PRIMARY KEY, body text, v real[]);
	INSERT INTO docs SELECT i, 'body ' || i FROM generate_series(1, 200) i;
	GRANT ALL ON docs TO app;
	GRANT CREATE ON SCHEMA public TO app});

#
# The first answer
#

my $id = model(8);
is(known($id), '|', 'nothing is known of a model that nobody asked');
is($node->safe_psql('postgres', call($id), extra_params => [ '-U', 'app' ]), 8, 'a role that may use it asks it');
is(known($id), '8|dot_product', 'the width is kept, with the similarity');
my $version = versions($id);
$node->safe_psql('postgres', call($id) . ';' . call($id) . '; BEGIN;' . call($id) . ';' . call($id) . '; COMMIT');
is(versions($id), $version, 'once');
for my $case ([ $id, 'that is known' ], [ model(8), 'that is not' ])
{
	is($node->safe_psql('postgres', 'BEGIN;' . call($case->[0]) . '; SELECT pg_current_xact_id_if_assigned() IS NULL; COMMIT'),
		"8\nt", "a call of a model $case->[1] writes nothing itself");
}
$provider->dims(12);
refuses($id, 12, 8, call($id), 'another width is an error');
refuses($id, 12, 8, "UPDATE docs SET v = inference_embed('$id', body)", 'in an UPDATE');
is($node->safe_psql('postgres', 'SELECT count(v) FROM docs'), 0, 'which stores nothing');
refuses($id, 12, 8, "SELECT * FROM inference_embed_batch('$id', ARRAY['a', 'b'])", 'in a batch');
refuses($id, 12, 8, "SELECT inference_infer('$id', '{\"input\": [\"a\", \"b\"]}')", 'and from inference_infer');
$node->restart;
refuses($id, 12, 8, call($id), 'also after a restart');
is(known($id), '8|dot_product', 'the width stays');

for my $case (
	[ 'an UPDATE', "UPDATE docs SET v = inference_embed('%s', body)" ],
	[ 'an INSERT ... SELECT', "INSERT INTO docs SELECT id + 1000, body, inference_embed('%s', body) FROM docs" ],
	[ 'a trigger', "CREATE TRIGGER t BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('%s', 'v', 'body');
		INSERT INTO docs VALUES (5000, 'a body'); DROP TRIGGER t ON docs" ],
	[ 'inference_embed_batch', "SELECT * FROM inference_embed_batch('%s', '{a,b}')" ],
	[ 'inference_infer', "SELECT inference_infer('%s', '{\"input\": \"a\"}')" ],
	[ 'a cursor', "BEGIN; DECLARE c CURSOR FOR SELECT inference_embed('%s', body) FROM docs; FETCH 3 FROM c; COMMIT" ],
	[ 'a parallel plan', "SET debug_parallel_query = on; SELECT count(inference_embed('%s', body)) FROM docs" ],
	[ 'an EXCEPTION block', "DO \$\$ BEGIN BEGIN PERFORM inference_embed('%s', 'x'); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END; END \$\$" ],
	[ 'REPEATABLE READ', "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT inference_embed('%s', 'x'); COMMIT" ],
	[ 'a service of another kind', "SELECT inference_embed('%s', 'x')", service => 'hugging_face', path => '/embed' ])
{
	my ($name, $sql, %settings) = @$case;

	$id = model(8, %settings);
	$sql =~ s/debug_parallel_query/force_parallel_mode/ if $node->pg_version < 16;
	$node->safe_psql('postgres', sprintf($sql, $id), extra_params => [ '-U', $name eq 'a trigger' ? getpwuid($<) : 'app' ]);
	like(known($id), qr/^8\|/, "the first answer is kept from $name");
}

# Numbers of another service's kind, and one that answers with numbers, not base64.
$id = model(8, query => 'base64');
$node->safe_psql('postgres', call($id));
$provider->dims(16);
$node->psql('postgres', "UPDATE docs SET v = NULL");
my ($status, $stdout, $stderr) = $node->psql('postgres', call($id));
isnt($status, 0, 'base64 of double width is an error');

#
# Sessions
#

$id = model(8);
my ($one, $two) = map { $node->background_psql('postgres', on_error_stop => 0) } 1 .. 2;
$_->query("SELECT length(_inference_show_request('$id', '{a}')) > 0") for $one, $two;
is($one->query(call($id)), 8, 'one session finds the width out');
$provider->dims(12);
is($two->query(call($id)), '', 'another, which knew the model before,');
like($two->{stderr}, qr/answered with 12 dimensions where the model has 8/, 'does not take another for the first');
$provider->dims(8);
is($two->query(call($id)), 8, 'and works when the service is itself again');

$id = model(8);
$two->{stderr} = '';
$one->query('BEGIN');
$one->query(call($id));
is(known($id), '|', 'before the commit the width is not kept');
$node->safe_psql('postgres', qq{SET lock_timeout = '10s'; SELECT inference_update('$id', '{"task_settings": {"user": "x"}}')});
pass('and its owner does not wait to change the model');
is($one->query(call($id)), 8, 'the transaction goes on');
$one->query('COMMIT');
is(known($id), '8|dot_product', 'and the width is kept in the end');

$id = model(8);
$two->query('BEGIN');
$two->query(qq{SELECT inference_update('$id', '{"task_settings": {"user": "x"}}')});
$one->query(q{SET lock_timeout = '10s'});
is($one->query(call($id)), 8, 'a call does not wait for an owner who changes the model');
$two->query('ROLLBACK');
is(known($id), '|', 'and keeps nothing then');
is($one->query(call($id)), 8, 'but with the next call');
is(known($id), '8|dot_product', 'it does');

$id = model(8);
$two->query('BEGIN; LOCK TABLE inference_model IN SHARE MODE');
is($one->query(call($id)), 8, 'nor does it wait for the table');
$two->query('ROLLBACK');
is(known($id), '|', 'which keeps nothing, either');

# Two that find it out at a time: both at once, one width.
$id = model(8);
$_->query('BEGIN') for $one, $two;
$_->query(call($id)) for $one, $two;
$_->query('COMMIT') for $one, $two;
is($one->{stderr} . $two->{stderr}, '', 'two transactions at a time do not disturb each other');
is(known($id), '8|dot_product', 'and find the same out');
$id = model(8);
$one->query('BEGIN');
$one->query(call($id));
$provider->dims(12);
$two->query('BEGIN');
is($two->query(call($id)), 12, 'a second transaction meets another width before the first commits');
$one->query('COMMIT');
$two->query('COMMIT');
like($two->{stderr}, qr/answered with 12 dimensions where the model has 8/, 'and does not commit');
is(known($id), '8|dot_product', 'the first to commit has it');
$two->{stderr} = '';

# Without keeping it.
for my $case (
	[ 'ROLLBACK', 'BEGIN', 'ROLLBACK' ],
	[ 'a read-only transaction', 'BEGIN READ ONLY', 'COMMIT' ],
	[ 'a serializable transaction', 'BEGIN ISOLATION LEVEL SERIALIZABLE', 'COMMIT' ],
	[ 'PREPARE TRANSACTION', 'BEGIN', q{PREPARE TRANSACTION 'p'} ])
{
	my ($name, $begin, $end) = @$case;

	$id = model(8);
	$one->query($begin);
	$one->query(call($id));
	$one->query($end);
	is(known($id), '|', "$name keeps nothing");
	$provider->dims(12);
	$one->query(call($id));
	like($one->{stderr}, qr/answered with 12 dimensions where the model has 8/, 'but the session remembers');
	$one->{stderr} = '';
	$one->query(q{ROLLBACK PREPARED 'p'}) if $end =~ /PREPARE/;
}

# Widths that a statement meets one after the other.
$id = model(8);
$one->query(q{SET inference.batching = off});
$one->query(call($id));
$provider->dims(12);
$one->{stderr} = '';
$one->query("UPDATE docs SET v = inference_embed('$id', body)");
like($one->{stderr}, qr/answered with 12 dimensions/, 'row by row as well');
$_->quit for $one, $two;

#
# What the owner does
#

$id = model(8);
$node->safe_psql('postgres', call($id));
$provider->dims(12);
($status, $stdout, $stderr) = $node->psql('postgres', "SELECT inference_update('$id', validate => true, config => '{}') ->> 'model_id'");
is($stdout, $id, 'a validated update takes the new width');
like($stderr, qr/WARNING:  inference model "$id" now has 12 dimensions instead of 8\nHINT:  Stored texts have to be embedded again/, 'with a warning');
is(known($id), '12|dot_product', 'which is kept');
is($node->safe_psql('postgres', call($id)), 12, 'and given');
$node->safe_psql('postgres', qq{SELECT inference_update('$id', '{"task_settings": {"user": "y"}}')});
is(known($id), '12|dot_product', 'another update leaves it');
my $url = $provider->url('/v1/embeddings', 'dims=4');
$node->safe_psql('postgres', qq{SELECT inference_update('$id', '{"service_settings": {"url": "$url"}}')});
is(known($id), '|', 'another url forgets it');
is($node->safe_psql('postgres', call($id)), 4, 'the next answer');
is(known($id), '4|dot_product', 'is the first again');
$node->safe_psql('postgres', qq{BEGIN; SELECT inference_update('$id', '{"service_settings": {"url": "$url&a=b"}}');} . call($id)
	. qq{; SELECT inference_update('$id', '{"service_settings": {"url": "@{[ $provider->url('/v1/embeddings', 'dims=6') ]}"}}');} . call($id) . '; COMMIT');
is(known($id), '6|dot_product', 'within a transaction as well');
($status, $stdout, $stderr) = $node->psql('postgres', qq{SELECT inference_update('$id', validate => true, config => '{"service_settings": {"url": "@{[ $provider->url('/v1/embeddings', 'fault=status:500') ]}"}}')});
like($stderr, qr/could not get embeddings from inference model "$id"/, 'an update that does not pass the probe fails');
is($node->safe_psql('postgres', "SELECT service_settings ->> 'url' FROM inference_models WHERE model_id = '$id'") =~ /dims=6/ ? known($id) : '',
	'6|dot_product', 'and changes nothing');
my $stalls = $provider->url('/v1/embeddings', 'dims=6&fault=stall_headers&times=1&id=validate');
my $validating = $node->background_psql('postgres', on_error_stop => 0);
$validating->query('SET inference.max_retries = 1');
$validating->query_until(qr/started/, "\\echo started\n"
	  . qq{SELECT inference_update('$id', validate => true, config => '{"service_settings": {"url": "$stalls"}}');\n});
$provider->wait_for(stalled => 1);
$node->safe_psql('postgres', qq{SET lock_timeout = '10s'; SELECT inference_update('$id', '{"task_settings": {"user": "z"}}')});
$provider->release;
$validating->query('SELECT 1');
like($validating->{stderr}, qr/inference model "$id" was changed by another transaction during validation/, 'one during which the model changes fails, and locks nothing meanwhile');
$validating->quit;
like(InferenceCluster::error_of($node, 'postgres', "SET ROLE app; SELECT inference_update('$id', validate => true, config => '{}')"),
	qr/42501: must be owner/, 'nor does one by somebody else, which sends nothing');
is($provider->requests_of(sub { $node->psql('postgres', "SET ROLE app; SELECT inference_update('$id', validate => true, config => '{}')") }), 0, 'at all');

# Set is set.
$provider->dims(8);
$id = model(8, query => 'fault=dims_ignored');
$node->safe_psql('postgres', "SELECT inference_delete('$id'); " . qq{SELECT inference_put('text_embedding', '$id', '{"service": "openai",
	"service_settings": {"api_key": "k", "dimensions": 12, "url": "@{[ $provider->url('/v1/embeddings', 'fault=dims_ignored') ]}"}}')});
like(InferenceCluster::error_of($node, 'postgres', call($id)),
	qr/answered with 8 dimensions where the model has 12\.\nHINT:  Check which model the service runs/, 'dimensions that are set have their own hint');

# Another model of the service's.
$id = model(8);
is($node->safe_psql('postgres', qq{SELECT cardinality(inference_embed('$id', 'x', '{"model": "large"}'))}), 8, 'a call that names another model');
is(known($id), '|', 'finds nothing out');
$node->safe_psql('postgres', qq{SELECT inference_embed('$id', 'x', '{"user": "me"}')});
is(known($id), '8|dot_product', 'one that names a user does');
$provider->dims(16);
is($node->safe_psql('postgres', qq{SELECT cardinality(inference_embed('$id', 'x', '{"model": "large"}'))}), 16, 'and another model has its own width');

#
# Dumps and standbys
#

my ($dump) = run_command([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-t', 'inference_model', 'postgres' ]);
like($dump, qr/^$id\t.*"dimensions": 8/m, 'a dump has the width');

$id = model(8);
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
my $session = $standby->background_psql('postgres', on_error_stop => 0);
is($session->query(call($id)), 8, 'a standby asks');
$provider->dims(12);
$session->query(call($id));
like($session->{stderr}, qr/answered with 12 dimensions where the model has 8/, 'and remembers');
$session->quit;
$provider->dims(8);
$node->safe_psql('postgres', call($id));
$node->wait_for_catchup($standby, 'replay');
is(known($id, $standby), '8|dot_product', 'what the primary keeps reaches it');

done_testing();
