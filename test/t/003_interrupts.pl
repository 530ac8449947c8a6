# What this proves:
#
#  1. Wherever a call waits (for a name server, a connection, a TLS handshake,
#     headers, a body, its next attempt, its rate limit), a cancel, a
#     statement_timeout and a terminated session end it at once, with the
#     ordinary error; after a cancel and a timeout the session goes on.
#  2. An interrupt that throws nothing leaves the request going.
#  3. Several requests in flight end together, and the provider notices.
#  4. A provider that dies in the middle is an error, and a session that ends
#     in the middle takes its request along.
#  5. A session of many calls, faults among them, does not grow.
#  6. When the postmaster dies, a waiting session dies with it.
#
# How long it took is printed; what is asserted leaves room for a busy machine.

use strict;
use warnings;

use IO::Socket::INET;
use Time::HiRes qw(time);

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

# Far more than it takes, far less than any of the waits.
use constant AT_ONCE_S => 5;

my $shim = $PostgreSQL::Test::Utils::tmp_check . '/slow_resolver.so';
system_or_bail('cc', '-shared', '-fPIC', '-o', $shim, 'test/shim/slow_resolver.c', '-ldl');

my $provider = InferenceProvider->start;
my $node;
{
	local $ENV{LD_PRELOAD} = $shim;
	$node = InferenceCluster::start('interrupts',
		conf => "inference.allow_private_addresses = on\ninference.request_timeout = '1h'\n"
		  . "inference.connect_timeout = '1h'\ninference.retry_timeout = '1h'\n"
		  . "restart_after_crash = off\n");
}

# Puts a model; its id.
sub put
{
	my ($id, $url, $more) = @_;
	my $settings = join(', ', qq{"api_key": "sk-interrupts"}, qq{"url": "$url"}, $more // ());

	$node->safe_psql('postgres',
		qq{SELECT inference_put('text_embedding', '$id', '{"service": "openai", "service_settings": {$settings}}')});
	return $id;
}

# A listener that never answers, and one whose queue is full.
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16) or die;
my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die;
my @fillers;
for (1 .. 8)
{
	push @fillers,
	  IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Blocking => 0);
}

put('good', $provider->url('/v1/embeddings'));
my @waits = (
	[ put('resolver', 'http://stalled.test/v1/embeddings'), 'for a name server' ],
	[ put('connect', 'http://127.0.0.1:' . $full->sockport . '/'), 'for a connection' ],
	[ put('handshake', 'https://127.0.0.1:' . $silent->sockport . '/'), 'for a TLS handshake' ],
	[ put('headers', $provider->url('/v1/embeddings', 'fault=stall_headers')), 'for headers' ],
	[ put('body', $provider->url('/v1/embeddings', 'fault=stall_body')), 'for the body' ],
	[ put('retry', $provider->url('/v1/embeddings', 'fault=status:429;retry_after:600')), 'for its next attempt' ],
	[ put('rate', $provider->url('/v1/embeddings'), '"rate_limit": {"requests_per_minute": 1}'), 'for its rate limit' ]);

my $control = $node->background_psql('postgres');
my $session;
my $pid;

sub open_session
{
	$session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe('SET inference.max_batch_inputs = 1');
	$pid = $session->query_safe('SELECT pg_backend_pid()');
	return;
}

# Starts a call and returns once it waits for the network.
sub start_call
{
	my ($sql) = @_;

	$session->{stderr} = '';
	$session->query_until(qr/started/, "\\echo started\n$sql;\n");
	$node->poll_query_until('postgres',
		"SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = $pid")
	  or die 'the call does not wait';
	return;
}

# The error that ends the call, and the seconds that it took from now on.
sub end_of_call
{
	my $start = time;

	$session->query('SELECT 1');
	my $error = $session->{stderr};
	$session->{stderr} = '';
	return ($error, time - $start);
}

sub is_at_once
{
	my ($seconds, $name) = @_;

	note sprintf('%s: %.1f ms', $name, $seconds * 1000);
	cmp_ok($seconds, '<', AT_ONCE_S, "$name: at once");
	return;
}

sub goes_on
{
	my ($name) = @_;
	is($session->query(q{SELECT cardinality(inference_embed('good', 'x'))}), '8', "$name: the session goes on");
	return;
}

#
# Cancel, timeout, termination, wherever it waits
#

for my $wait (@waits)
{
	my ($id, $where) = @$wait;

	# Two requests, one at a time where the rate limit is what it waits for.
	my $call = "SELECT * FROM inference_embed_batch('$id', ARRAY['a', 'b'])";
	my ($error, $seconds);

	open_session();
	start_call($call);
	$control->query_safe("SELECT pg_cancel_backend($pid)");
	($error, $seconds) = end_of_call();
	like($error, qr/ERROR:  canceling statement due to user request/, "waiting $where: cancelled");
	is_at_once($seconds, "waiting $where: cancelled");
	goes_on("waiting $where: cancelled");

	$session->query_safe(q{SET statement_timeout = '100ms'});
	my $start = time;
	$session->query($call);
	like($session->{stderr}, qr/ERROR:  canceling statement due to statement timeout/, "waiting $where: timed out");
	$session->{stderr} = '';
	is_at_once(time - $start - 0.1, "waiting $where: timed out");
	$session->query_safe('RESET statement_timeout');
	goes_on("waiting $where: timed out");

	start_call($call);
	$start = time;
	$control->query_safe("SELECT pg_terminate_backend($pid)");
	$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid")
	  or die 'the session does not end';
	is_at_once(time - $start, "waiting $where: terminated");
	eval { $session->quit };
	like(slurp_file($node->logfile), qr/\[$pid\] .*FATAL:  terminating connection due to administrator command/,
		"waiting $where: terminated");
}
is($provider->wait_for(stalled => 0, open_connections => 0)->{open_connections},
	0, 'the provider holds none of them');

#
# An interrupt that does not throw
#

put('slow', $provider->url('/v1/embeddings', 'fault=slow:500'));
open_session();
is( $provider->requests_of(sub {
		start_call(q{SELECT cardinality(inference_embed('slow', 'x')) AS dimensions});
		for (1 .. 5)
		{
			$control->query_safe("SELECT pg_log_backend_memory_contexts($pid)");
			$control->query_safe('SELECT pg_reload_conf()');
		}
		is($session->query('SELECT 1'), "8\n1", 'interrupts that throw nothing do not disturb a call');
	}),
	1, 'nor its request');

#
# Many in flight
#

put('eight', $provider->url('/v1/embeddings', 'fault=stall_headers&after=1&id=eight'));
$session->query(q{SELECT inference_embed('eight', 'a text')});
start_call(q{SELECT * FROM inference_embed_batch('eight', ARRAY(SELECT 'text ' || i FROM generate_series(1, 20) i))});
is($provider->wait_for(stalled => 8)->{stalled}, 8, 'eight requests in flight');
$control->query_safe("SELECT pg_cancel_backend($pid)");
my ($error, $seconds) = end_of_call();
like($error, qr/canceling statement due to user request/, 'are cancelled together');
is_at_once($seconds, 'eight requests');
is($provider->wait_for(stalled => 0)->{stalled}, 0, 'and the provider notices');
goes_on('eight requests');

# One of them fails while others still wait.
put('mixed', $provider->url('/v1/embeddings', 'fault=stall_headers'));
$session->query(q{SET inference.max_retries = 0});
start_call(q{SELECT * FROM inference_embed_batch('mixed', ARRAY['a', 'b'])});
$provider->wait_for(stalled => 2);
$provider->release;
($error) = end_of_call();
like($error, qr/could not get embeddings from inference model "mixed"/, 'a provider that hangs up is an error');
goes_on('after it');
$session->quit;

#
# A provider that dies
#

my $mortal = InferenceProvider->start;
put('mortal', $mortal->url('/v1/embeddings', 'fault=stall_body'));
open_session();
$session->query('SET inference.max_retries = 0');
start_call(q{SELECT inference_embed('mortal', 'x')});
$mortal->wait_for(stalled => 1);
$mortal->kill;
($error, $seconds) = end_of_call();
like($error, qr/could not get embeddings from inference model "mortal"\n.*DETAIL:  Service "openai" at 127/s,
	'a provider that dies in the middle is an error');
is_at_once($seconds, 'a provider that dies');
goes_on('after its death');

# A cursor that is closed, and a session that ends, while rows are to come.
$session->query(q{BEGIN; DECLARE c CURSOR FOR SELECT inference_embed('good', 'text ' || i) FROM generate_series(1, 100) i; FETCH 3 FROM c});
# Four, give or take those that are on their way when counting begins or ends.
cmp_ok($provider->requests_of(sub { $session->query('FETCH 2 FROM c; CLOSE c; COMMIT') }), '<=', 8, 'a cursor asks for few more rows than are fetched');
$session->quit;

#
# Growth
#

SKIP:
{
	skip 'no /proc', 1 unless -r "/proc/$$/status";
	put('faulty', $provider->url('/v1/embeddings', 'fault=half_json'));
	open_session();
	$session->query('SET inference.max_retries = 0');

	sub resident_kb
	{
		return slurp_file("/proc/$pid/status") =~ /VmRSS:\s+(\d+) kB/ ? $1 : die;
	}
	my $work = q{DO $$ BEGIN FOR i IN 1 .. %d LOOP
			PERFORM inference_embed('good', 'text ' || i);
			IF i %% 10 = 0 THEN
				BEGIN
					PERFORM inference_embed('faulty', 'text ' || i);
				EXCEPTION WHEN protocol_violation THEN NULL;
				END;
			END IF;
		END LOOP; END $$};
	$session->query_safe(sprintf($work, 500));
	my $before = resident_kb();
	$session->query_safe(sprintf($work, 3000));
	my $growth = resident_kb() - $before;
	note "3300 requests: $growth kB more";
	cmp_ok($growth, '<', 1024, 'a session of many calls does not grow');
	$session->quit;
}

#
# The postmaster dies
#

open_session();
start_call(q{SELECT * FROM inference_embed_batch('headers', ARRAY['a', 'b'])});
$provider->wait_for(stalled => 2);
my $start = time;
$node->kill9;
is($provider->wait_for(stalled => 0)->{stalled}, 0, 'when the postmaster dies, so do its sessions');
is_at_once(time - $start, 'the death of the postmaster');
eval { $session->quit };
eval { $control->quit };

done_testing();
