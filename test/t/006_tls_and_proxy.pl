# What this proves:
#
#  1. A server's certificate is checked: who signed it, for which name, until
#     when.  inference.ca_bundle admits those of one's own, and only those.
#  2. A connection over TLS is kept as one without is.
#  3. inference.proxy is used for http and https, and a proxy of the
#     environment, its netrc and its certificates are not; nor are keys of TLS
#     sessions written where it says.
#  4. Neither key nor text is sent before all that is in order.

use strict;
use warnings;

use IO::Socket::INET;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCertificates;
use InferenceCluster;
use InferenceProvider;

my $dir = InferenceCertificates::directory();

InferenceCertificates::authority('ours');
InferenceCertificates::authority('theirs');
InferenceCertificates::certificate('right', 'ours', 'IP:127.0.0.1,DNS:localhost', '-days', '30');
InferenceCertificates::certificate('other-name', 'ours', 'DNS:example.org', '-days', '30');

# Of no duration at all: it has run out before it is used.
InferenceCertificates::certificate('run-out', 'ours', 'IP:127.0.0.1', '-days', '0');

# Whatever the environment says must not matter.
my $trap = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16, Blocking => 0) or die;
my $trapped = 'http://127.0.0.1:' . $trap->sockport;
append_to_file("$dir/.netrc", "machine 127.0.0.1 login thief password stolen\n");
chmod 0600, "$dir/.netrc";
my $node;
{
	local %ENV = (
		%ENV,
		http_proxy => $trapped,
		https_proxy => $trapped,
		HTTPS_PROXY => $trapped,
		ALL_PROXY => $trapped,
		HOME => $dir,
		SSLKEYLOGFILE => "$dir/session.keys",
		SSL_CERT_FILE => "$dir/ours.crt",
		CURL_CA_BUNDLE => "$dir/ours.crt");
	$node = InferenceCluster::start('tls',
		conf => "inference.allow_private_addresses = on\ninference.max_retries = 0\n");
}

sub query { return $node->safe_psql('postgres', $_[0]); }

sub put
{
	my ($id, $url) = @_;

	query(qq{SELECT inference_put('text_embedding', '$id', '{"service": "openai", "service_settings": {"api_key": "sk-tls", "url": "$url"}}')});
	return;
}

my %providers = map { $_ => InferenceProvider->start('--tls', "$dir/$_.crt", "$dir/$_.key") } qw(right other-name run-out);
put($_, $providers{$_}->url('/v1/embeddings')) for keys %providers;
put('by-name', 'https://localhost:' . $providers{right}->port . '/v1/embeddings');
my $plain = InferenceProvider->start;
put('plain', $plain->url('/v1/embeddings'));
put('plain-as-tls', 'https://127.0.0.1:' . $plain->port . '/v1/embeddings');
put('tls-as-plain', 'http://127.0.0.1:' . $providers{right}->port . '/v1/embeddings');

my $ours = "SET inference.ca_bundle = '$dir/ours.crt';";

#
# Certificates
#

# The detail is libcurl's, and changes with its versions; the hint is ours.
for my $case (
	[ 'right', "SET inference.ca_bundle = '$dir/theirs.crt'" ],
	[ 'right', '', 'nobody known has signed it' ],
	[ 'other-name', $ours ],
	[ 'run-out', $ours ],
	[ 'right', "SET inference.ca_bundle = '$dir/no-such-file'" ],
	[ 'plain-as-tls', $ours, undef, 'Check that the server uses TLS on this port' ])
{
	my ($id, $setting, $name, $hint) = @$case;
	$name //= $setting =~ s/\Q$dir\E\///r;
	$hint //= 'The certificate must be valid for the host .* inference\.ca_bundle';
	like(
		InferenceCluster::error_of($node, 'postgres', "$setting;\nSELECT inference_embed('$id', 'a text')"),
		qr/08001: could not get embeddings from inference model "$id"\nDETAIL:  Service "openai" at 127\.0\.0\.1: \w.*\nHINT:  $hint/,
		"$id, $name: refused");
}
is($_->stats->{requests}, 0, 'nothing was sent') for values %providers, $plain;
like(
	InferenceCluster::error_of($node, 'postgres', "SELECT inference_embed('tls-as-plain', 'a text')"),
	qr/08006: could not get/, 'http where https is spoken');
is(query("$ours SELECT inference_embed('right', 'a text') = '" . $providers{right}->vector('a text') . "'::real[]"),
	't', 'a certificate that inference.ca_bundle knows');
is(query("$ours SELECT cardinality(inference_embed('by-name', 'a text'))"), '8', 'by name');

my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe($ours);
$providers{right}->reset;
$session->query_safe("SELECT inference_embed('right', 'text $_')") for 1 .. 20;
my $stats = $providers{right}->stats;
is("$stats->{requests} requests, $stats->{connections} connections", '20 requests, 1 connections', 'a connection over TLS is kept');

# Another authority from now on: what was kept does not count.
$session->query("SET inference.ca_bundle = '$dir/theirs.crt'");
$session->query("SELECT inference_embed('right', 'a text')");
like($session->{stderr}, qr/could not get embeddings/, 'but not for other authorities');
$session->quit;

# Keys of sessions are nobody's, whoever started libcurl.
ok(!-e "$dir/session.keys", 'SSLKEYLOGFILE of the environment does not count');
my $shim = $PostgreSQL::Test::Utils::tmp_check . '/early_curl.so';
system_or_bail('cc', '-shared', '-fPIC', '-o', $shim, 'test/shim/early_curl.c', '-lcurl');
{
	local %ENV = (%ENV, LD_PRELOAD => $shim, SSLKEYLOGFILE => "$dir/early.keys");
	$node->restart;
}
is(query("$ours SELECT cardinality(inference_embed('right', 'a text'))"), '8', 'libcurl was started early');
ok(-e "$dir/early.keys", 'and has opened the file');
ok(-z "$dir/early.keys", 'which stays empty');
$node->restart;

#
# Proxies
#

is(query("SELECT cardinality(inference_embed('plain', 'a text'))"), '8', 'http without a proxy');
ok(!$trap->accept, 'a proxy of the environment is not asked');
is(($plain->last)[0]{headers}{authorization}, 'Bearer sk-tls', 'netrc is not read');

# A proxy for http is asked for the whole address.
my $proxy = $plain->url('');
is( query("SET inference.proxy = '$proxy'; SELECT cardinality(inference_embed('plain', 'through the proxy'))"),
	'8', 'http through inference.proxy');
like(
	InferenceCluster::error_of($node, 'postgres', "SET inference.proxy = '$trapped'; SET inference.request_timeout = '200ms'; SELECT inference_embed('plain', 'a text')"),
	qr/08006/, 'a proxy that does not answer');
my $asked = $trap->accept;
ok($asked, 'is asked');
$asked->blocking(1);
like(scalar <$asked>, qr{^POST http://127\.0\.0\.1:\d+/v1/embeddings HTTP/1\.1}, 'for the whole address');
like(
	InferenceCluster::error_of($node, 'postgres', "$ours SET inference.proxy = '$trapped'; SET inference.request_timeout = '200ms'; SELECT inference_embed('right', 'a text')"),
	qr/08006/, 'https through a proxy');
$asked = $trap->accept;
$asked->blocking(1);
my $request = '';
while (defined(my $line = <$asked>))
{
	last if $line =~ /^\r?\n$/;
	$request .= $line;
}
like($request, qr{^CONNECT 127\.0\.0\.1:\d+ HTTP/1\.1\r\n}, 'asks for a tunnel');
unlike($request, qr/sk-tls|a text/, 'and sends no key into it');
like(
	InferenceCluster::error_of($node, 'postgres', "SET inference.proxy = 'socks5://user:secret-word\@127.0.0.1:1'; SELECT inference_embed('plain', 'a text')"),
	qr/ERROR:  (?:08006|22023)(?!.*secret-word)/s, 'the password of a proxy is in no error');

done_testing();
