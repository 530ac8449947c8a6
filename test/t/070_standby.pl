# What this proves:
#
#  1. On a hot standby models can be listed and used, dense and sparse, in row
#     and batch form, inside READ COMMITTED and REPEATABLE READ transactions.
#  2. Put, update and delete are refused there with PostgreSQL's own error for
#     read-only transactions, before anything else is looked at.
#  3. A session of the standby that has used a model follows what the primary
#     does: update, delete, put under the same id, grant and revoke, DROP SERVER,
#     DROP EXTENSION and CREATE EXTENSION; also within an open transaction.
#  4. A promoted standby takes puts, with the keys that were replicated.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;

my $primary = InferenceCluster::start('primary', allows_streaming => 1,
	conf => "autovacuum = off\nhot_standby_feedback = on\n");

sub put_hashing
{
	my ($id, $dimensions) = @_;
	return qq{SELECT inference_put('text_embedding', '$id',
		'{"service": "hashing", "service_settings": {"dimensions": $dimensions}}')};
}

$primary->safe_psql('postgres', 'CREATE ROLE bob');
$primary->safe_psql('postgres', put_hashing('local', 4));
$primary->safe_psql(
	'postgres', q{
	SELECT inference_put('sparse_embedding', 'words', '{"service": "hashing"}');
	SELECT inference_put('text_embedding', 'paid',
		'{"service": "openai", "service_settings": {"api_key": "sk-standby"},
		  "task_settings": {"user": "first"}}');
});

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# Runs SQL on the primary and waits until the standby has replayed it.
sub on_primary
{
	my ($sql) = @_;
	$primary->safe_psql('postgres', $sql);
	$primary->wait_for_catchup($standby, 'replay');
	return;
}
on_primary('CREATE TABLE something_to_replay ()');

#
# Use
#

for my $sql (
	'SELECT inference_get()',
	'SELECT * FROM inference_models',
	q{SELECT inference_embed('local', 'a text')},
	q{SELECT * FROM inference_embed_batch('local', '{a,b,a}')},
	q{SELECT inference_sparse('words', 'a text of words')},
	q{SELECT * FROM inference_sparse_batch('words', '{a b,b b}')},
	q{SELECT inference_infer('local', '{"input": ["a", "b"]}')},
	q{SELECT _inference_show_request('paid', '{a}')})
{
	is( $standby->safe_psql('postgres', $sql),
		$primary->safe_psql('postgres', $sql),
		"the standby gives what the primary gives: $sql");
}

#
# No change
#

for my $case (
	[ 'inference_put', put_hashing('new', 4) ],
	[ 'inference_put', put_hashing('local', 4) ],
	[ 'inference_put', q{SELECT inference_put('no task type', 'NO ID', '{}')} ],
	[ 'inference_update', q{SELECT inference_update('paid', '{"task_settings": {"user": "x"}}')} ],
	[ 'inference_update', q{SELECT inference_update('missing', '{}')} ],
	[ 'inference_delete', q{SELECT inference_delete('local')} ],
	[ 'inference_delete', q{SELECT inference_delete('local', dry_run => true)} ])
{
	my ($function, $sql) = @$case;
	like(
		InferenceCluster::error_of($standby, 'postgres', $sql),
		qr/ERROR:  25006: cannot execute $function\(\) in a read-only transaction/,
		"refused: $sql");
}

#
# What the primary does
#

my $idle = $standby->background_psql('postgres', on_error_stop => 0);
my $reading = $standby->background_psql('postgres', on_error_stop => 0);
my $dimensions = q{SELECT array_length(inference_embed('local', 'a'), 1)};
my $user = q{SELECT substring(_inference_show_request('paid', '{a}') FROM '"user":"(\w+)"')};

sub sees
{
	my ($sql, $expected, $name) = @_;
	is($idle->query($sql), $expected, "$name: next transaction");
	is($reading->query($sql), $expected, "$name: open transaction");
	return;
}

# Errors end a transaction, so they are caught.
my $caught = q{
	DO $$ BEGIN PERFORM inference_embed('local', 'a');
	EXCEPTION WHEN OTHERS THEN PERFORM set_config('test.error', SQLERRM, false); END $$;
	SELECT current_setting('test.error')};

$reading->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
sees($dimensions, '4', 'a model is used');
sees($user, 'first', 'another is used');

on_primary(q{SELECT inference_update('paid', '{"task_settings": {"user": "second"}}')});
sees($user, 'second', 'after an update');

on_primary(q{BEGIN; SELECT inference_update('paid', '{"task_settings": {"user": "never"}}'); ROLLBACK});
sees($user, 'second', 'after an update that was rolled back');

on_primary(q{SELECT inference_delete('local');} . put_hashing('local', 8));
sees($dimensions, '8', 'after a put under the same id');

# The catalogs' rows that the open transaction still sees must stay; the
# primary's replay would wait for it to end.
$reading->query('COMMIT');
$reading->query('BEGIN');

on_primary(q{SELECT inference_delete('local')});
$idle->query(q{SELECT set_config('test.error', '', false)});
sees($caught, 'Model not found [local]', 'after a delete');
on_primary(put_hashing('local', 16));
sees($dimensions, '16', 'after a put');

$_->query('SET ROLE bob') for $idle, $reading;
sees($caught, 'permission denied for inference model "local"', 'without a grant');
on_primary('GRANT USAGE ON FOREIGN SERVER local TO bob');
sees($dimensions, '16', 'after a GRANT');
on_primary('REVOKE USAGE ON FOREIGN SERVER local FROM bob');
$_->query(q{SELECT set_config('test.error', '', false)}) for $idle, $reading;
sees($caught, 'permission denied for inference model "local"', 'after a REVOKE');
$_->query('RESET ROLE') for $idle, $reading;

on_primary('DROP SERVER local');
sees($caught, 'Model not found [local]', 'after DROP SERVER by hand');
on_primary(put_hashing('local', 32));
sees($dimensions, '32', 'after another put');

# DROP EXTENSION locks tables that an open transaction has read.
$reading->query('COMMIT');
on_primary('DROP EXTENSION inference CASCADE; CREATE SCHEMA s; CREATE EXTENSION inference SCHEMA s');
on_primary(put_hashing('local', 64) =~ s/inference_put/s.inference_put/r);
$reading->query('BEGIN');
sees($dimensions =~ s/inference_embed/s.inference_embed/r,
	'64', 'after DROP and CREATE EXTENSION');
$reading->query('COMMIT');
$_->quit for $idle, $reading;

#
# Promotion
#

on_primary(q{SET search_path = s; SELECT inference_put('text_embedding', 'paid',
	'{"service": "openai", "service_settings": {"api_key": "sk-replicated"}}')});
$primary->stop;
$standby->promote;
$standby->safe_psql('postgres', 'SET search_path = s;' . put_hashing('promoted', 2));
is( $standby->safe_psql('postgres', q{SELECT array_length(s.inference_embed('promoted', 'a'), 1)}),
	'2', 'a promoted standby takes puts');
like(
	$standby->safe_psql('postgres', q{SELECT s._inference_show_request('paid', '{a}')}),
	qr/"input":\["a"\]/,
	'keys were replicated');

done_testing();
