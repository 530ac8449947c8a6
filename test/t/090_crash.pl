# What this proves:
#
#  1. When a backend is killed in the middle of a transaction that put, updated
#     or deleted a model, recovery leaves no half of it: no row without server,
#     no server without row, no key without model; and the same after an
#     immediate shutdown of the server.  What was committed is all there.
#  2. The locks and the ids of the lost transactions are free: the same put,
#     update and delete work after recovery.
#  3. A transaction that is prepared (PREPARE TRANSACTION) keeps its puts
#     through a crash: another put of the id waits for it, and finds what it
#     commits.
#  4. A put that is cancelled, or whose session is terminated, while it waits
#     for another leaves nothing behind either.
#
# The kill is a SIGKILL, as from the kernel when memory is out.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;

my $node = InferenceCluster::start('crash',
	conf => "restart_after_crash = on\nmax_prepared_transactions = 2\n");

sub put
{
	my ($id) = @_;
	return qq{SELECT inference_put('text_embedding', '$id',
		'{"service": "openai", "service_settings": {"api_key": "sk-$id"},
		  "task_settings": {"user": "first"}}');};
}
my $state_sql = q{
	SELECT model_id, task_settings, owner, srvversion,
		(SELECT convert_from(value, 'UTF8') FROM inference_secret k WHERE k.model_id = m.model_id)
	FROM inference_models m JOIN pg_foreign_server ON srvname = model_id ORDER BY 1};

sub state_of_models
{
	return $node->safe_psql('postgres', $state_sql);
}

# A session in the middle of changing everything, and its process id.
sub open_transaction
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query('SELECT pg_backend_pid()');

	$session->query('BEGIN');
	$session->query(put('put'));
	$session->query(q{SELECT inference_update('updated', '{"task_settings": {"user": "lost"}}')});
	$session->query(q{SELECT inference_update('rekeyed', '{"service_settings": {"api_key": "sk-lost"}}')});
	$session->query(q{SELECT inference_delete('deleted')});
	$session->query('DROP SERVER dropped');

	# On disk, all of it, so that recovery has something to leave out.
	$node->safe_psql('postgres', 'CHECKPOINT');
	return ($session, $pid);
}

# Waits until someone waits for a lock.
sub wait_for_waiter
{
	$node->poll_query_until('postgres',
		q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND locktype = 'object'})
	  or die 'nobody waits';
	return;
}

$node->safe_psql('postgres', join('', map { put($_) } qw(updated rekeyed deleted dropped kept)));
my $before = state_of_models();

#
# A backend is killed
#

my ($session, $pid) = open_transaction();
is(kill('KILL', $pid), 1, 'a backend is killed in the middle of its transaction');

# Gone from the process table only once the postmaster has noticed.
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
eval { $session->quit };
is(state_of_models(), $before, 'recovery leaves what was committed');
is(InferenceCluster::halves($node, 'postgres'), '', 'and no halves');

#
# The server goes down at once
#

($session, $pid) = open_transaction();
$node->stop('immediate');
eval { $session->quit };
$node->start;
is(state_of_models(), $before, 'after an immediate shutdown, too');
is(InferenceCluster::halves($node, 'postgres'), '', 'and no halves');

#
# All works again
#

$node->safe_psql('postgres', put('put'));
$node->safe_psql(
	'postgres', q{
	SELECT inference_update('updated', '{"task_settings": {"user": "second"}}');
	SELECT inference_update('rekeyed', '{"service_settings": {"api_key": "sk-second"}}');
	SELECT inference_delete('deleted');
	DROP SERVER dropped;
});
is( state_of_models(), q{kept|{"user": "first"}|} . join("\n",
		'postgres|1|sk-kept',
		'put|{"user": "first"}|postgres|1|sk-put',
		'rekeyed|{"user": "first"}|postgres|2|sk-second',
		'updated|{"user": "second"}|postgres|2|sk-updated') =~ s/postgres/getpwuid($<)/ger,
	'put, update, delete and DROP SERVER of the same ids work');
my $after = state_of_models();
$node->stop('immediate');
$node->start;
is(state_of_models(), $after, 'and outlive the next immediate shutdown');

#
# Prepared transactions
#

$node->safe_psql('postgres', 'BEGIN;' . put('prepared') . q{PREPARE TRANSACTION 'p'});
$node->stop('immediate');
$node->start;
is(state_of_models(), $after, 'a prepared put does not show yet after a crash');
$session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_until(qr/started/, "\\echo started\n" . put('prepared') . "\n");
wait_for_waiter();
$node->safe_psql('postgres', q{COMMIT PREPARED 'p'});
$session->query('SELECT 1');
like($session->{stderr}, qr/Model \[prepared\] already exists/,
	'another put of its id has waited');
$session->quit;
like(state_of_models(), qr/^prepared\|.*\|sk-prepared$/m, 'once committed it is there with its key');
is(InferenceCluster::halves($node, 'postgres'), '', 'and no halves');
$node->safe_psql('postgres', q{SELECT inference_delete('prepared')});

#
# Waiting in vain
#

for my $case (
	[ 'pg_cancel_backend', 'cancelled' ],
	[ 'pg_terminate_backend', 'terminated' ])
{
	my ($function, $name) = @$case;
	my $holder = $node->background_psql('postgres');
	my $waiter = $node->background_psql('postgres', on_error_stop => 0);

	$pid = $waiter->query('SELECT pg_backend_pid()');
	$holder->query('BEGIN');
	$holder->query(put('contended'));
	$waiter->query_until(qr/started/, "\\echo started\n" . put('contended') . "\n");
	wait_for_waiter();
	$node->safe_psql('postgres', "SELECT $function($pid)");
	$node->poll_query_until('postgres',
		q{SELECT count(*) = 0 FROM pg_locks WHERE NOT granted AND locktype = 'object'});
	eval { $waiter->quit };
	$holder->query('ROLLBACK');
	$holder->quit;
	is(state_of_models(), $after, "a put that is $name while it waits leaves nothing");
	is(InferenceCluster::halves($node, 'postgres'), '', 'and no halves');
}
$node->safe_psql('postgres', put('contended'));
like(state_of_models(), qr/^contended\|/, 'the id is free');

done_testing();
