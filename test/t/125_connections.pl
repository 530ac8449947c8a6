# What this proves, of connections that are kept and used again:
#
#  1. An answer that a server sends before it is asked is never taken, whenever
#     it arrives: behind the answer before it, a moment later, half and half,
#     over TLS, over chunks, behind an answer without a body; for the same model
#     or for another one of the same origin.
#  2. The next request has a connection of its own, and the session goes on.
#  3. A server that does nothing of the kind keeps its connection.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCertificates;
use InferenceCluster;
use InferenceProvider;

my $dir = InferenceCertificates::directory();
InferenceCertificates::authority('ours');
InferenceCertificates::certificate('right', 'ours', 'IP:127.0.0.1', '-days', '30');

my $node = InferenceCluster::start('connections',
	conf => "inference.allow_private_addresses = on\ninference.max_retries = 0\n"
	  . "inference.ca_bundle = '$dir/ours.crt'\n");
my %providers = (
	http => InferenceProvider->start,
	https => InferenceProvider->start('--tls', "$dir/right.crt", "$dir/right.key"));
my $nmodels = 0;

# A model of a provider; its id.
sub model
{
	my ($provider, $query) = @_;
	my $id = 'm' . ++$nmodels;
	my $url = $provider->url('/v1/embeddings', $query);

	$node->safe_psql('postgres', qq{SELECT inference_put('text_embedding', '$id',
		'{"service": "openai", "service_settings": {"api_key": "sk", "url": "$url"}}')});
	return $id;
}

# Whether a call of a session has the vector of its text.
sub is_right
{
	my ($session, $provider, $id, $text) = @_;

	return $session->query("SELECT inference_embed('$id', '$text') = '"
		  . $provider->vector($text) . "'::real[]");
}

# Each kind of unasked answer, then calls of two models of the same origin.
for my $scheme ('http', 'https')
{
	my $provider = $providers{$scheme};
	my $other = model($provider);

	for my $fault (
		(map { my $how = $_; map { "unasked:$how$_" } '', ';chunked' } qw(behind apart half later)),
		(map { "unasked:$_;no_body:204" } qw(behind half later)),
		'unasked:behind;no_body:200', 'unasked:behind;both_lengths')
	{
		my $name = "$scheme, $fault";
		my ($how) = $fault =~ /unasked:(\w+)/;
		my $id = model($provider, "fault=$fault&times=1&id=$fault");

		# To be embedded together when the server has learnt nothing from it.
		my $session = $node->background_psql('postgres', on_error_stop => 0);
		$provider->reset;
		if ($fault =~ /no_body/)
		{
			$session->query("SELECT inference_embed('$id', 'the first')");
		}
		else
		{
			is(is_right($session, $provider, $id, 'the first'), 't', "$name: the answer before it");
		}
		if ($how =~ /half|later/)
		{
			$provider->wait_for(holding => 1);
			$provider->control('POST', 'release');
		}
		$provider->wait_for(unasked => 1);
		is(is_right($session, $provider, $other, 'the second'), 't', "$name: another model's answer");
		is(is_right($session, $provider, $id, 'the third'), 't', "$name: the same model's answer");
		$session->quit;
		my $stats = $provider->stats;
		is("$stats->{requests} requests, $stats->{connections} connections",
			'3 requests, 2 connections', "$name: a connection of its own");
	}

	# The one that is held back comes in the middle of the next requests: none is
	# spoilt that travels on another connection.
	my $id = model($provider, "fault=unasked:later&times=1&id=several");
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$provider->reset;
	is(is_right($session, $provider, $id, 'the first'), 't', "$scheme: before several at a time");
	$provider->wait_for(holding => 1);
	$provider->control('POST', 'release');
	$provider->wait_for(unasked => 1);
	is( $session->query("SELECT count(DISTINCT e.embedding) FROM inference_embed_batch('$other',
			ARRAY(SELECT 'text ' || i FROM generate_series(1, 500) i)) e"),
		'500', "$scheme: several at a time");
	is(is_right($session, $provider, $id, 'the last'), 't', "$scheme: after several at a time");
	$session->quit;
}

# Before a request is out, on a new connection.
my $greeting = InferenceProvider->start('--greet');
my $greeted = model($greeting);
like(
	InferenceCluster::error_of($node, 'postgres', "SELECT inference_embed('$greeted', repeat('much ', 3000000))"),
	qr/08006: .*\nDETAIL:  .*: the service answered before it was asked\./,
	'an answer before the end of a request');
$greeting->kill;

# Honest servers keep their connections, with chunks and without.
for my $scheme ('http', 'https')
{
	my $provider = $providers{$scheme};
	my @ids = (model($provider), model($provider, 'fault=chunked'), model($provider, 'fault=status:400&times=2&id=refused'));
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$provider->reset;
	$session->query("SELECT inference_embed('$_', 'text $nmodels')") for map { ($_) x 5 } @ids;
	my $stats = $provider->stats;
	is("$stats->{requests} requests, $stats->{connections} connections", '15 requests, 1 connections', "$scheme: one connection for all");
	$session->quit;
}

done_testing();
