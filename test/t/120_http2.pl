# What this proves:
#
#  1. Where a server offers HTTP/2, the requests of a statement travel on one
#     connection, several at a time; the connection is kept for the next ones.
#  2. Interrupts and errors of one request leave that connection in order.
#  3. A connection that must be made anew takes up the TLS session of the last,
#     but not under another inference.ca_bundle.
#
# The server is nghttpx, in front of the loopback provider.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCertificates;
use InferenceCluster;
use InferenceProvider;

my ($nghttpx) = grep { -x } map { "$_/nghttpx" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'nghttpx is not installed' unless $nghttpx;

my $dir = InferenceCertificates::directory();
InferenceCertificates::authority('ours');
InferenceCertificates::certificate('right', 'ours', 'IP:127.0.0.1', '-days', '30');

my $node = InferenceCluster::start('http2',
	conf => "inference.allow_private_addresses = on\ninference.max_retries = 0\ninference.ca_bundle = '$dir/ours.crt'\n");
my $provider = InferenceProvider->start;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $log = "$dir/access.log";
my $proxy = fork() // die "cannot fork: $!";

if ($proxy == 0)
{
	open(STDERR, '>', "$dir/nghttpx.log");
	exec($nghttpx, '--conf=/dev/null', "--frontend=127.0.0.1,$port", '--backend=127.0.0.1,' . $provider->port,
		'--workers=1', "--accesslog-file=$log", '--accesslog-format=$alpn $remote_port $status',
		"$dir/right.key", "$dir/right.crt") or exit 1;
}
END { if ($proxy) { my $status = $?; kill 'TERM', $proxy; waitpid($proxy, 0); $? = $status; } }

sub query { return $node->safe_psql('postgres', $_[0]); }

sub put
{
	my ($id, $url) = @_;

	query(qq{SELECT inference_put('text_embedding', '$id', '{"service": "openai", "service_settings": {"api_key": "sk-h2", "url": "$url"}}')});
	return;
}

put('h2', "https://127.0.0.1:$port/v1/embeddings");
put('h2-slow', "https://127.0.0.1:$port/v1/embeddings?fault=slow:30");
put('h2-stalled', "https://127.0.0.1:$port/v1/embeddings?fault=stall_headers");
put('h2-broken', "https://127.0.0.1:$port/v1/embeddings?fault=status:500");
ok($node->poll_query_until('postgres', q{SELECT inference_embed('h2', 'x') IS NOT NULL}), 'nghttpx is there');

# What has come to nghttpx since the last look: protocols, connections, requests.
my $seen = length(slurp_file($log));
sub traffic
{
	my $new = substr(slurp_file($log), $seen);
	my (%protocols, %ports);

	$seen += length($new);
	for (split(/\n/, $new))
	{
		my ($alpn, $remote_port) = split(/ /);
		$protocols{$alpn} = 1;
		$ports{$remote_port} = 1;
	}
	return sprintf('%s: %d connections, %d requests', join(' ', sort keys %protocols), scalar(keys %ports), scalar(split(/\n/, $new)));
}

my $session = $node->background_psql('postgres', on_error_stop => 0);
my $many = q{SELECT count(embedding) FROM inference_embed_batch('h2-slow', ARRAY(SELECT 'text ' || i FROM generate_series(1, 64) i))};

$provider->reset;
is($session->query("SET inference.max_batch_inputs = 4; SET inference.max_concurrent_requests = 16; $many"), '64', 'many requests');
is(traffic(), 'h2: 1 connections, 16 requests', 'on one connection');
cmp_ok($provider->stats->{max_concurrent}, '>', 4, 'at the same time');
$session->query("SELECT inference_embed('h2', 'text $_')") for 1 .. 5;
is($session->query($many), '64', 'and again');
is(traffic(), 'h2: 1 connections, 21 requests', 'on one connection');

$session->query(q{SET statement_timeout = '100ms'; SELECT inference_embed('h2-stalled', 'x'); RESET statement_timeout});
like($session->{stderr}, qr/canceling statement due to statement timeout/, 'a stream that stalls can be cancelled');
$session->{stderr} = '';
$session->query(q{SELECT inference_embed('h2-broken', 'x')});
like($session->{stderr}, qr/HTTP status 500/, 'an error of one stream');
$session->{stderr} = '';
is($session->query($many), '64', 'and the session goes on');
like(traffic(), qr/^h2: [12] connections, /, 'over HTTP/2');
$session->quit;

#
# TLS sessions
#

my $tls = InferenceProvider->start('--tls', "$dir/right.crt", "$dir/right.key");
put('closing', $tls->url('/v1/embeddings', 'fault=close_idle'));
$session = $node->background_psql('postgres', on_error_stop => 0);
$session->query("SELECT inference_embed('closing', 'text $_')") for 1 .. 5;
my $stats = $tls->stats;
is("$stats->{connections} connections, $stats->{resumed} resumed", '5 connections, 4 resumed', 'a TLS session is taken up again');
system_or_bail('cp', "$dir/ours.crt", "$dir/same.crt");
$session->query("SET inference.ca_bundle = '$dir/same.crt'; SELECT inference_embed('closing', 'x')");
$stats = $tls->stats;
is("$stats->{connections} connections, $stats->{resumed} resumed", '6 connections, 4 resumed', 'but not under another CA file');
$session->quit;

done_testing();
