# What this proves, against a provider that speaks the real wire formats:
#
#  1. Each service sends what its provider asks for, and nothing else: method,
#     headers, members of the body.
#  2. Each form of answer becomes the vectors that the provider meant, in the
#     order of the inputs, by every function that calls.
#  3. Nulls and blanks cost nothing, equal texts are sent once, and a batch is
#     cut to what the service takes.
#  4. inference_put(validate => true) sends one probe, remembers the dimensions
#     that come back, and stores nothing if it fails.
#  5. A session's requests share a connection, over many statements.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('wire',
	conf => "inference.allow_private_addresses = on\n");
my $provider = InferenceProvider->start;

sub put
{
	my ($task, $id, $service, $settings, $task_settings) = @_;

	$node->safe_psql('postgres',
		    "SELECT inference_put('$task', '$id', '{\"service\": \"$service\", "
		  . "\"service_settings\": {$settings}, \"task_settings\": {"
		  . ($task_settings // '') . "}}')");
	return;
}

sub query { return $node->safe_psql('postgres', $_[0]); }

# Whether each text of a batch has its own vector, as computed apart.
sub is_batch
{
	my ($id, $texts, $dims, $name) = @_;
	my $array = join(',', map { "'$_'" } @$texts);
	my $expected = join("\n", map { $provider->vector($_, $dims) } @$texts);

	is( query("SELECT embedding FROM inference_embed_batch('$id', ARRAY[$array]) ORDER BY ordinality"),
		query(join(' UNION ALL ', map { "SELECT '$_'::real[]" } split(/\n/, $expected))),
		$name);
	return;
}

sub is_request
{
	my ($request, $path, $headers, $body, $name) = @_;

	is("$request->{method} $request->{path}", "POST $path", "$name: where to");
	for my $header (sort keys %$headers)
	{
		is($request->{headers}{$header}, $headers->{$header}, "$name: $header");
	}
	is_deeply($request->{body}, $body, "$name: body");
	return;
}

my $key = '"api_key": "sk-wire-key"';
my @texts = ('first text', 'second', 'third, longer than the others');

#
# OpenAI
#

put('text_embedding', 'oa', 'openai', "$key, \"url\": \"" . $provider->url('/v1/embeddings') . '"');
put('text_embedding', 'oa-all', 'openai',
	"$key, \"organization_id\": \"org-7\", \"dimensions\": 5, \"url\": \""
	  . $provider->url('/v1/embeddings') . '"',
	'"model": "text-embedding-3-small", "user": "me"');
put('text_embedding', 'oa-base64', 'openai',
	"$key, \"url\": \"" . $provider->url('/v1/embeddings', 'base64') . '"');

# Until the width of the vectors is known, they are asked for as plain numbers.
my $session = $node->background_psql('postgres');
is($session->query("SELECT inference_embed('oa', 'before') = '" . $provider->vector('before') . "'::real[]"),
	't', 'openai: one text');
is_deeply(($provider->last)[0]{body}, { input => ['before'] }, 'openai: of a model of unknown width');
is($session->query("SELECT inference_embed('oa', 'first text') = '" . $provider->vector('first text') . "'::real[]"),
	't', 'openai: another');
$session->quit;
my ($request) = $provider->last;
is_request(
	$request,
	'/v1/embeddings',
	{
		'authorization' => 'Bearer sk-wire-key',
		'content-type' => 'application/json',
		'openai-organization' => undef
	},
	{ input => ['first text'], encoding_format => 'base64' },
	'openai, least');
ok(!exists $request->{headers}{expect}, 'nobody waits for 100 Continue');
like($request->{headers}{'user-agent'}, qr/^inference\/\d/, 'it says who asks');

query("SELECT inference_embed('oa-all', 'first text')");
is_request(
	($provider->last)[0],
	'/v1/embeddings',
	{ 'openai-organization' => 'org-7' },
	{
		input => ['first text'],
		model => 'text-embedding-3-small',
		user => 'me',
		dimensions => 5,
		encoding_format => 'base64'
	},
	'openai, all');
query(q{SELECT inference_embed('oa-all', 'first text', '{"user": "you"}')});
is(($provider->last)[0]{body}{user}, 'you', 'task settings of a call come before those of the model');
query(q{SELECT inference_infer('oa-all', '{"input": "x", "task_settings": {"user": "them"}}')});
is(($provider->last)[0]{body}{user}, 'them', 'those of inference_infer too');

is_batch('oa', \@texts, 8, 'openai: a batch');
is_batch('oa-all', \@texts, 5, 'openai: a batch of the dimensions asked for');
is_batch('oa-base64', \@texts, 8, 'openai: a batch as base64');
is( query(q{SELECT inference_infer('oa-base64', '{"input": ["first text", "second"]}')
	= jsonb_build_object('text_embedding', jsonb_build_array(
		jsonb_build_object('embedding', to_jsonb(inference_embed('oa', 'first text'))),
		jsonb_build_object('embedding', to_jsonb(inference_embed('oa', 'second')))))}),
	't', 'openai: inference_infer answers as Elasticsearch does');

# An index decides which text a vector belongs to; one that cannot is an error,
# and nothing is stored.
query('CREATE TABLE indexed (id int, v real[])');
for my $fault ('shuffle', 'index_same', 'index_from:1', 'index_from:7', 'index_gap', 'index_twice', 'index_missing')
{
	put('text_embedding', 'oa-index', 'openai',
		"$key, \"url\": \"" . $provider->url('/v1/embeddings', "fault=$fault") . '"');
	if ($fault !~ /:|gap|twice|missing/)
	{
		is_batch('oa-index', \@texts, 8, "openai: order of the answer: $fault");
	}
	else
	{
		like(
			InferenceCluster::error_of($node, 'postgres',
				"SET inference.max_retries = 0; INSERT INTO indexed SELECT i, inference_embed('oa-index', 'text ' || i) FROM generate_series(1, 300) i"),
			qr/08P01: could not get embeddings from inference model "oa-index"\nDETAIL:  Service "openai" at 127\.0\.0\.1: field \[index\] must number the embeddings from 0 to \d+, or be the same for all, but embedding \d+ of the answer has (?:\d+|\d+ a second time|none)\./,
			"openai: no order in the answer: $fault");
		is(query('SELECT count(*) FROM indexed'), '0', "$fault: nothing is stored");
	}
	query(q{SELECT inference_delete('oa-index')});
}

# Other types of numbers in base64 are decoded, or not taken.
for my $encoding ('<f', '<d', '>f', '>d', '<e', 'b')
{
	my $options = 'dims=64&encoding=' . ($encoding =~ s/([<>])/sprintf('%%%X', ord($1))/er);
	my $rows = q{SELECT i, 'text ' || i AS text FROM generate_series(1, 300) i};

	put('text_embedding', 'oa-plain', 'openai', "$key, \"encoding_format\": \"float\", \"url\": \"" . $provider->url('/v1/embeddings', $options) . '"');
	for my $known ('', '"dimensions": 64, ')
	{
		put('text_embedding', 'oa-typed', 'openai', "$key, $known\"url\": \"" . $provider->url('/v1/embeddings', $options) . '"');
		is( query(qq{SET inference.max_batch_inputs = 16; SET inference.max_concurrent_requests = 2;
				SELECT count(*) FROM (SELECT inference_embed('oa-plain', text) AS plain, inference_embed('oa-typed', text) AS typed FROM ($rows) t) v
				WHERE plain = typed}),
			'300', "openai: numbers of type $encoding" . ($known && ', dimensions set'));
		query(q{SELECT inference_delete('oa-typed')});
	}
	query(q{SELECT inference_delete('oa-plain')});

	# who sends nothing else is refused
	put('text_embedding', 'oa-typed', 'openai', "$key, \"dimensions\": 64, \"url\": \"" . $provider->url('/v1/embeddings', "base64&$options") . '"');
	if ($encoding =~ /^<[fd]$/)
	{
		is( query("SELECT inference_embed('oa-typed', 'a text') = '" . $provider->vector('a text', 64) . "'::real[]"),
			't', "openai: nothing but base64 of type $encoding");
	}
	else
	{
		like(
			InferenceCluster::error_of($node, 'postgres',
				"SET inference.max_retries = 0; INSERT INTO indexed SELECT i, inference_embed('oa-typed', text) FROM ($rows) t"),
			qr/08P01: could not get embeddings from inference model "oa-typed"\nDETAIL:  .*(?:not base64 of 32-bit floats|dimensions)/,
			"openai: nothing but base64 of type $encoding");
		is(query('SELECT count(*) FROM indexed'), '0', "$encoding: nothing is stored");
	}
	query(q{SELECT inference_delete('oa-typed')});
}

# A model that names its format is asked for that, from the first request on.
for my $format ('float', 'base64')
{
	put('text_embedding', 'oa-format', 'openai', "$key, \"encoding_format\": \"$format\", \"url\": \"" . $provider->url('/v1/embeddings') . '"');
	is_batch('oa-format', \@texts, 8, "openai: encoding_format $format");
	is(($provider->last)[0]{body}{encoding_format}, $format, "encoding_format $format is sent");
	query(q{SELECT inference_delete('oa-format')});
	put('text_embedding', 'oa-format', 'openai', "$key, \"encoding_format\": \"$format\", \"url\": \"" . $provider->url('/v1/embeddings', 'fault=no_encodings') . '"');
	is( $provider->requests_of(sub {
			like(InferenceCluster::error_of($node, 'postgres', "SELECT inference_embed('oa-format', 'a text')"),
				qr/HTTP status 400: unknown argument/, 'and nothing else is tried');
		}), 1, 'with one request');
	query(q{SELECT inference_delete('oa-format')});
}
put('text_embedding', 'oa-format', 'openai', "$key, \"encoding_format\": \"base64\", \"url\": \"" . $provider->url('/v1/embeddings', 'dims=64&encoding=%3Cd') . '"');
like(InferenceCluster::error_of($node, 'postgres', "SET inference.max_retries = 0; SELECT inference_embed('oa-format', 'a text')"),
	qr/an embedding is not base64 of 32-bit floats, but seemingly of 64-bit ones/, 'base64 of doubles, and no width to tell');
query(q{SELECT inference_delete('oa-format')});

#
# Hugging Face and text-embeddings-inference
#

for my $case (
	[ '/hf/embeddings', '' ],
	[ '/hf/embeddings', 'shape=object' ],
	[ '/embed', '' ])
{
	my ($path, $options) = @$case;
	put('text_embedding', 'hf', 'hugging_face', "$key, \"url\": \"" . $provider->url($path, $options) . '"');
	is_batch('hf', \@texts, 8, "hugging_face: $path $options");
	is_request(
		($provider->last)[0],
		$path,
		{ 'authorization' => 'Bearer sk-wire-key' },
		{ inputs => \@texts },
		"hugging_face: $path $options");
	query(q{SELECT inference_delete('hf')});
}
put('sparse_embedding', 'hf-words', 'hugging_face', "$key, \"url\": \"" . $provider->url('/hf/sparse') . '"');
put('sparse_embedding', 'hf-ids', 'hugging_face', "$key, \"url\": \"" . $provider->url('/embed_sparse') . '"');
is( query(q{SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(inference_sparse('hf-words', 'the cat the hat')) k}),
	'{cat,hat,the}', 'hugging_face: tokens are words');
is( query(q{SELECT bool_and(k ~ '^[0-9]+$') FROM jsonb_object_keys(inference_sparse('hf-ids', 'the cat the hat')) k}),
	't', 'text-embeddings-inference: tokens are ids');
is( query(q{SELECT array_agg(w.value ORDER BY w.value) = array_agg(i.value ORDER BY i.value)
	FROM jsonb_each(inference_sparse('hf-words', 'the cat the')) w
	FULL JOIN jsonb_each(inference_sparse('hf-ids', 'the cat the')) i ON i.value = w.value}),
	't', 'and their weights are the same');

#
# ELSER over HTTP
#

put('sparse_embedding', 'el', 'elser',
	'"num_allocations": 1, "num_threads": 1, "url": "'
	  . $provider->url('/_inference/sparse_embedding/elser', 'truncated=1') . '"');
is( query(q{SELECT inference_infer('el', '{"input": ["the cat"]}') #> '{sparse_embedding,0,is_truncated}'}),
	'true', 'elser: Elasticsearch says that it has cut the text');
is_request(
	($provider->last)[0],
	'/_inference/sparse_embedding/elser',
	{ 'authorization' => undef },
	{ input => ['the cat'] },
	'elser without key');
query(q{SELECT inference_delete('el')});
put('sparse_embedding', 'el', 'elser',
	"\"num_allocations\": 1, \"num_threads\": 1, $key, \"url\": \""
	  . $provider->url('/_inference/sparse_embedding/elser', 'auth=required') . '"');
is( query(q{SELECT inference_sparse('el', 'the cat the') = inference_sparse('hf-words', 'the cat the')}),
	't', 'elser: the answer of Elasticsearch');
is(($provider->last(2))[0]{headers}{authorization}, 'ApiKey sk-wire-key', 'elser: its kind of key');
put('sparse_embedding', 'el-hf', 'elser',
	"\"num_allocations\": 1, \"num_threads\": 1, $key, \"url\": \"" . $provider->url('/hf/sparse') . '"');
is( query(q{SELECT inference_sparse('el-hf', 'the cat the') = inference_sparse('hf-words', 'the cat the')}),
	't', 'elser: the answer of a Hugging Face server');
put('sparse_embedding', 'el-any', 'elser', '"num_allocations": 1, "num_threads": 1');
is( query(q{SET inference.elser_url = '} . $provider->url('/_inference/elser')
	  . q{'; SELECT inference_sparse('el-any', 'the cat') IS NOT NULL}),
	't', 'elser: the server that inference.elser_url names');
is( query(q{SELECT string_agg(token, ' ') FROM inference_sparse_batch('el', ARRAY['dog dog cat'])}),
	'dog cat', 'the heaviest token comes first');

#
# The key in another header, with another word before it, or none
#

my $elser = '"num_allocations": 1, "num_threads": 1';
for my $case (
	[ openai => '/v1/embeddings', '"api_key_header": "api-key"', 'api-key', 'sk-wire-key' ],
	[ openai => '/v1/embeddings', '"api_key_header": "X-Key", "api_key_scheme": "Token"', 'x-key', 'Token sk-wire-key' ],
	[ openai => '/v1/embeddings', '"api_key_scheme": ""', 'authorization', 'sk-wire-key' ],
	[ openai => '/v1/embeddings', '"api_key_header": "authorization"', 'authorization', 'Bearer sk-wire-key' ],
	[ openai => '/v1/embeddings', '"api_key_scheme": "Basic"', 'authorization', 'Basic sk-wire-key' ],
	[ hugging_face => '/hf/embeddings', '"api_key_header": "api-key"', 'api-key', 'sk-wire-key' ],
	[ hugging_face => '/hf/embeddings', '"api_key_scheme": "Token"', 'authorization', 'Token sk-wire-key' ],
	[ elser => '/_inference/elser', "$elser, \"api_key_header\": \"x-key\"", 'x-key', 'sk-wire-key' ],
	[ elser => '/_inference/elser', "$elser, \"api_key_scheme\": \"Bearer\"", 'authorization', 'Bearer sk-wire-key' ],
	[ elser => '/hf/sparse', "$elser, \"api_key_scheme\": \"Token\"", 'authorization', 'Token sk-wire-key' ])
{
	my ($service, $path, $settings, $header, $value) = @$case;
	my ($task, $call) = $service eq 'elser' ? ('sparse_embedding', 'inference_sparse') : ('text_embedding', 'inference_embed');

	put($task, 'keyed', $service, "$key, $settings, \"url\": \"" . $provider->url($path, "key=$header") . '"');
	$node->psql('postgres', "SET inference.max_retries = 0; SELECT $call('keyed', 'a text')");
	my ($request) = $provider->last;
	is($request->{headers}{$header}, $value, "$service: $settings");
	is(scalar(grep { /sk-wire-key/ } values %{ $request->{headers} }), 1, "$service: and in no other header");
	query(q{SELECT inference_delete('keyed')});
}

# What quotes such a header does not quote the key.
put('text_embedding', 'keyed', 'openai', "$key, \"api_key_header\": \"api-key\", \"url\": \""
	  . $provider->url('/v1/embeddings', 'key=api-key&fault=echo_key:400') . '"');
my $echo = InferenceCluster::error_of($node, 'postgres', "SELECT inference_embed('keyed', 'a text')");
like($echo, qr/HTTP status 400: key \[redacted\], header \[redacted\],/, 'a key in a header of its own, quoted by the provider');
unlike($echo, qr/sk-wire-key/, 'is not shown');
query(q{SELECT inference_delete('keyed')});

#
# Ollama's own interface
#

put('text_embedding', 'ollama', 'openai', "$key, \"model_id\": \"all-minilm\", \"url\": \"" . $provider->url('/api/embed') . '"');
is_batch('ollama', \@texts, 8, 'openai: the answer of Ollama');
is(($provider->last)[0]{body}{model}, 'all-minilm', 'which wants the name of a model');

#
# What a text is
#

for my $text (
	"quotes \" and \\ and /",
	"tab\tnewline\nreturn\r",
	"\x{1f600} \x{6771}\x{4eac} gr\x{fc}\x{df}e \x{2028}",
	"\x01\x1f\x7f",
	'x' x 100000)
{
	my $literal = $text =~ s/\\/\\\\/gr =~ s/'/''/gr;
	utf8::encode($literal);
	utf8::encode(my $sent = $text);
	query("SET client_encoding = UTF8; SELECT inference_embed('oa', E'$literal')");
	my ($request) = $provider->last;
	utf8::encode(my $received = $request->{body}{input}[0]);
	ok($received eq $sent, 'a text of ' . length($text) . ' characters arrives as it is');
}

#
# What max_input_tokens leaves of a text: three UTF-16 units for each token
#

put('text_embedding', 'short', 'openai', "$key, \"max_input_tokens\": 2, \"url\": \"" . $provider->url('/v1/embeddings') . '"');
for my $case (
	[ 'abcdef', 'abcdef', 'a text that fits' ],
	[ 'abcdefg', 'abcdef', 'a text that does not' ],
	[ "\x{6771}\x{4eac}\x{fc}", "\x{6771}\x{4eac}\x{fc}", 'one whose bytes are more than its units' ],
	[ "abcde\x{6771}x", "abcde\x{6771}", 'between characters of several bytes' ],
	[ "abcde\x{1f600}x", 'abcde', 'never within a surrogate pair' ])
{
	my ($text, $left, $name) = @$case;
	utf8::encode($text);
	query("SET client_encoding = UTF8; SELECT inference_embed('short', '$text')");
	ok(($provider->last)[0]{body}{input}[0] eq $left, "max_input_tokens: $name");
}

#
# How many requests
#

is( $provider->requests_of(sub {
		query(q{SELECT inference_embed('oa', NULL), inference_embed('oa', ''), inference_embed('oa', E' \n');
			SELECT * FROM inference_embed_batch('oa', ARRAY[NULL, '', ' ']);
			SELECT * FROM inference_sparse_batch('el', '{}')});
	}),
	0, 'nulls and blanks cost nothing');
is( $provider->requests_of(sub {
		query(q{SELECT * FROM inference_embed_batch('oa', ARRAY['a', 'b', 'a', NULL, 'b', ' '])});
	}),
	1, 'a batch is one request');
is($provider->stats->{inputs}, 2, 'and equal texts are sent once');
is( $provider->requests_of(sub {
		query(q{SELECT count(*) FROM inference_embed_batch('oa', ARRAY(SELECT 'text ' || i FROM generate_series(1, 1000) i))});
	}),
	3, 'openai: 1000 texts, two requests of 64 before anything is known of the server');
is( $provider->requests_of(sub {
		query(q{SELECT inference_embed('oa', 'a text');
			SELECT count(*) FROM inference_embed_batch('oa', ARRAY(SELECT 'text ' || i FROM generate_series(1, 300) i))});
	}),
	2, 'and as many as it takes, once it has answered');
is( $provider->requests_of(sub {
		query(q{SET inference.max_batch_inputs = 64;
			SELECT count(*) FROM inference_embed_batch('oa', ARRAY(SELECT 'text ' || i FROM generate_series(1, 1000) i))});
	}),
	16, 'inference.max_batch_inputs cuts them');
is($provider->stats->{max_inputs_per_request}, 64, 'to so many');
is( $provider->requests_of(sub {
		query(q{SELECT count(*) FROM inference_embed_batch('oa', ARRAY(SELECT repeat('text ', 20000) || i FROM generate_series(1, 20) i))});
	}),
	3, 'openai: two million letters, of which a request takes 900,000');
put('text_embedding', 'slow', 'openai', "$key, \"url\": \"" . $provider->url('/v1/embeddings', 'fault=slow:20') . '"');
$provider->requests_of(sub {
		query(q{SET inference.max_batch_inputs = 8;
			SELECT count(*) FROM inference_embed_batch('slow', ARRAY(SELECT 'text ' || i FROM generate_series(1, 200) i))});
	});
cmp_ok($provider->stats->{max_concurrent}, '>', 2, 'several requests are in flight at once');
cmp_ok($provider->stats->{max_concurrent}, '<=', 8, 'no more than inference.max_concurrent_requests');
put('text_embedding', 'tei', 'hugging_face', "$key, \"url\": \"" . $provider->url('/embed') . '"');
is( $provider->requests_of(sub {
		is( query(q{SET inference.batching = off;
				SELECT count(*) FROM inference_embed_batch('tei', ARRAY(SELECT 'text ' || i FROM generate_series(1, 100) i)) b
			WHERE embedding = inference_embed('oa', 'text ' || ordinality)}),
			'100', 'text-embeddings-inference: 100 texts, each with its vector');
	}) - 100,
	4, 'in batches of 32');

is( $provider->requests_of(sub {
		query(q{SET inference.cache_size = '1MB';
			SELECT count(inference_embed('oa', 'text ' || i % 5)) FROM generate_series(1, 50) i;
			SELECT count(*) FROM inference_embed_batch('oa', ARRAY['text 1', 'text 2', 'new'])});
	}),
	2, 'inference.cache_size: what was asked before is not asked again');
is( $provider->requests_of(sub {
		query(q{SET inference.cache_size = '1MB';
			SELECT inference_embed('oa-all', 'x'), inference_embed('oa-all', 'x', '{"user": "other"}'), inference_embed('oa', 'x')});
	}),
	3, 'but the answer to other settings is another answer');

#
# Connections
#

$provider->reset;
$session = $node->background_psql('postgres');
$session->query("SELECT inference_embed('oa', 'text $_'), inference_sparse('el', 'text $_')") for 1 .. 50;
$session->query(q{BEGIN; SELECT inference_embed('oa', 'x'); ROLLBACK});
my $stats = $provider->stats;
is("$stats->{requests} requests, $stats->{connections} connections",
	'101 requests, 1 connections', 'statements share a connection');
$session->quit;
$provider->wait_for(open_connections => 0);
pass('which ends with the session');

#
# A probe
#

my $url = $provider->url('/v1/embeddings');
is( $provider->requests_of(sub {
		query("SELECT inference_put('text_embedding', 'unproved', '{\"service\": \"openai\", \"service_settings\": {$key, \"url\": \"$url\"}}')");
	}),
	0, 'a put sends nothing');
is( $provider->requests_of(sub {
		query("SELECT inference_put('text_embedding', 'proved', '{\"service\": \"openai\", \"service_settings\": {$key, \"url\": \"$url\"}}', validate => true)");
	}),
	2, 'unless it is asked to: one probe, as numbers and as base64');
is( query(q{SELECT model_id, dimensions, similarity FROM inference_models WHERE model_id LIKE '%proved' ORDER BY 1}),
	"proved|8|dot_product\nunproved||", 'which tells the dimensions');
like(
	InferenceCluster::error_of($node, 'postgres',
		"SELECT inference_put('text_embedding', 'refused', '{\"service\": \"openai\", \"service_settings\": {\"api_key\": \"bad-key\", \"url\": \"$url\"}}', validate => true)"),
	qr/28000: could not get embeddings from inference model "refused"\nDETAIL:  Service "openai" at 127\.0\.0\.1: HTTP status 401: Incorrect API key.*\nHINT:  Put the model with another key\./,
	'a probe that fails is an error, which does not speak of a change');
query("SELECT inference_put('text_embedding', 'stored', '{\"service\": \"openai\", \"service_settings\": {\"api_key\": \"bad-key\", \"url\": \"$url\"}}')");
like(
	InferenceCluster::error_of($node, 'postgres', "SELECT inference_embed('stored', 'a text')"),
	qr/28000: .*\nDETAIL: .*\nHINT:  Set a new key with inference_update\(\)\./,
	'as that of a stored model does');
like(
	InferenceCluster::error_of($node, 'postgres',
		"SELECT inference_put('text_embedding', 'refused', '{\"service\": \"openai\", \"service_settings\": {$key, \"dimensions\": 4, \"url\": \""
		  . $provider->url('/v1/embeddings', 'fault=dims_ignored') . '"}}\', validate => true)'),
	qr/22023: The retrieved embeddings size \[8\] does not match the size specified in the settings \[4\]/, 'and so are other dimensions than the settings say');
like(
	InferenceCluster::error_of($node, 'postgres',
		"SELECT inference_put('text_embedding', 'refused', '{\"service\": \"openai\", \"service_settings\": {$key, \"url\": \""
		  . $provider->url('/v1/embeddings', 'scale=2') . '"}}\', validate => true)'),
	qr/08P01: inference model "refused" returns different embeddings as base64 and as plain numbers\n.*HINT:  Set encoding_format to "float"/s, 'and other numbers as base64');
is(query(q{SELECT count(*) FROM inference_models WHERE model_id = 'refused'}), '0', 'after which there is no model');

done_testing();
