# What this proves, against a provider that misbehaves on request:
#
#  1. Each kind of fault is an error with the SQLSTATE that docs/errors.md
#     promises, a detail that says what happened, and never the key.
#  2. Faults that may pass are tried again, so often and no more, and the rest
#     are not; Retry-After is kept to.
#  3. Answers that can be read are, however oddly they are sent.
#  4. No limit can be crossed: size, depth, time, redirections, addresses.
#  5. After each fault the same session goes on.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('faults',
	conf => "inference.allow_private_addresses = on\n");
my $provider = InferenceProvider->start;
my $key = 'sk-do/not+tell="me"';
my $nmodels = 0;

# A model whose provider misbehaves; its id.
sub model
{
	my ($service, $path, $options) = @_;
	my $id = 'm' . ++$nmodels;
	my $task = $service eq 'elser' || $path =~ /sparse/ ? 'sparse_embedding' : 'text_embedding';
	my $url = $path =~ /^http/ ? $path : $provider->url($path, $options);

	$node->safe_psql(
		'postgres', qq{SELECT inference_put('$task', '$id', jsonb_build_object('service', '$service',
			'service_settings', jsonb_build_object('api_key', '$key', 'url', '$url')
				|| CASE '$service' WHEN 'elser' THEN '{"num_allocations": 1, "num_threads": 1}'::jsonb ELSE '{}' END))});
	return $id;
}

sub call_of
{
	my ($id, $sparse, $texts) = @_;
	return $sparse
	  ? "SELECT * FROM inference_sparse_batch('$id', ARRAY[$texts])"
	  : "SELECT * FROM inference_embed_batch('$id', ARRAY[$texts])";
}

# Checks the error of a call: SQLSTATE and detail, requests made, no key in it.
# Two texts, then the first of them.
sub requests_until_refused
{
	my ($status) = @_;

	return $status =~ /^4(00|13|22)$/ ? 2 : 1;
}

sub fails
{
	my ($id, $sqlstate, $detail, $name, %options) = @_;
	my $settings = $options{settings} // 'SET inference.max_retries = 0;';
	my $call = $options{call}
	  // call_of($id, $options{sparse}, $options{texts} // "'a text', 'another'");
	my $error;
	my $requests = $provider->requests_of(sub {
			$error = InferenceCluster::error_of($node, 'postgres', "$settings\n$call");
	});

	like($error, qr/ERROR:  $sqlstate: could not get embeddings from inference model "$id"\n/, "$name: SQLSTATE");
	like($error, qr/DETAIL:  Service "\w+" at 127\.0\.0\.1(?: (?:refuses|returned no usable embedding for) text \d)?: $detail/, "$name: detail");
	unlike($error, qr/do.not.tell|a text/, "$name: neither key nor text");
	is($requests, $options{requests} // 1, "$name: requests");
	return;
}

my %paths = (
	openai => '/v1/embeddings',
	hugging_face => '/hf/embeddings',
	sparse => '/hf/sparse',
	elser => '/_inference/sparse_embedding/elser');

#
# Statuses, with what each provider says
#

my %sqlstates = (
	400 => '38000', 401 => '28000', 403 => '28000', 404 => '38000', 408 => '08006',
	413 => '54000', 418 => '38000', 422 => '38000', 429 => '53000', 500 => '58000',
	501 => '58000', 502 => '58000', 503 => '58000', 504 => '58000', 529 => '58000');
for my $status (sort keys %sqlstates)
{
	fails(model('openai', $paths{openai}, "fault=status:$status"),
		$sqlstates{$status}, "HTTP status $status: mock says $status", "status $status",
		requests => requests_until_refused($status));
}
for my $service ('hugging_face', 'elser')
{
	fails(model($service, $paths{$service}, 'fault=status:400'),
		'38000', 'HTTP status 400: mock says 400', "$service: where it says what is wrong", requests => 2,
		sparse => $service eq 'elser');
}
fails(model('openai', "http://127.0.0.1:" . $provider->port . '/nowhere'),
	'38000', 'HTTP status 404: no such path', 'an address that is not there', requests => 1);

#
# Answers that cannot be used
#

for my $case (
	[ openai => 'count:-1', 'the number of embeddings \[1\] does not equal the number of inputs \[2\]' ],
	[ openai => 'count:1', 'the number of embeddings \[3\] does not equal' ],
	[ openai => 'width', 'embeddings of different dimensions in one answer: 8 and 7' ],
	[ openai => 'nan', 'element 0 of an embedding is not finite' ],
	[ openai => 'infinity', 'element 0 of an embedding is not finite' ],
	[ openai => 'huge_number', 'element 0 of an embedding is out of range for type real' ],
	[ openai => 'big_number', 'element 0 of an embedding is out of range for type real' ],
	[ openai => 'null_value', 'element 0 of an embedding is of type null' ],
	[ openai => 'string_value', 'element 0 of an embedding is of type string' ],
	[ openai => 'half_json', 'the answer is not valid JSON: it ends too early' ],
	[ openai => 'empty', 'the answer is empty' ],
	[ openai => 'invalid_utf8', 'the answer is not valid JSON: ' ],
	[ openai => 'lone_surrogate', 'the answer is not valid JSON: a string contains half of a surrogate pair' ],
	[ openai => 'duplicate_key', 'field \[data\] occurs twice in the answer' ],
	[ openai => 'deep:40', 'the answer is not valid JSON: it is nested too deeply' ],
	[ openai => 'deep:100000', 'the answer is not valid JSON: it is nested too deeply' ],
	[ openai => 'content_type:html', 'the answer is not valid JSON' ],
	[ openai => 'error_200', 'failed to find required field \[data\]' ],
	[ hugging_face => 'count:-1', 'the number of embeddings \[1\] does not equal' ],
	[ hugging_face => 'width', 'embeddings of different dimensions' ],
	[ hugging_face => 'error_200', 'failed to find required field \[embeddings\]' ],
	[ hugging_face => 'nan', 'element 0 of an embedding is not finite' ],
	[ sparse => 'count:1', 'the number of embeddings \[3\] does not equal' ],
	[ sparse => 'nan', 'the answer is not valid JSON: it contains NaN' ],
	[ sparse => 'big_number', 'the weight of token "a" is not a number that type real can hold' ],
	[ sparse => 'null_value', 'the weight of token "a" is not a number' ],
	[ sparse => 'nul_token', 'the answer is not valid JSON: a string contains a NUL character' ],
	[ elser => 'error_200', 'failed to find required field \[sparse_embedding\]' ],
	[ elser => 'string_value', 'the weight of token "a" is not a number' ])
{
	my ($service, $fault, $detail) = @$case;
	fails(model($service eq 'sparse' ? 'hugging_face' : $service, $paths{$service}, "fault=$fault"),
		'08P01', $detail, "$service: $fault", sparse => scalar($service =~ /sparse|elser/));
}

#
# Connections that fail
#

# What is said of them is libcurl's, and changes with its versions.
my $said_by_libcurl = '\w.*\.\n';

for my $fault (qw(close reset cut_body not_http))
{
	fails(model('openai', $paths{openai}, "fault=$fault"), '08006', $said_by_libcurl, $fault);
}
my $dead = InferenceProvider->start;
my $nobody = $dead->url($paths{openai});
$dead->kill;
fails(model('openai', $nobody), '08006', $said_by_libcurl, 'nobody listens', requests => 0);

#
# Limits
#

fails(model('openai', $paths{openai}, 'fault=giant:3000000'),
	'54000', 'the answer is larger than', 'a giant in pieces',
	settings => q{SET inference.max_response_size = '1MB'; SET inference.max_retries = 3;});
fails(model('openai', $paths{openai}, 'fault=giant_length:3000000000'),
	'54000', 'the answer is larger than', 'an announced giant',
	settings => q{SET inference.max_retries = 3;});
fails(model('openai', $paths{openai}, 'fault=stall_headers'),
	'08006', $said_by_libcurl, 'a stall before the headers',
	requests => 2,    # of two texts, then of the first alone
	settings => q{SET inference.request_timeout = '100ms'; SET inference.max_retries = 3;});
fails(model('openai', $paths{openai}, 'fault=stall_body'),
	'08006', $said_by_libcurl, 'a stall in the body',
	requests => 2,
	settings => q{SET inference.request_timeout = '100ms'; SET inference.max_retries = 3;});
for my $status (301, 302, 303, 307, 308)
{
	fails(model('openai', $paths{openai}, "fault=redirect:$status"),
		'HV00M', "HTTP status $status", "redirection $status",
		settings => 'SET inference.max_retries = 3;');
	is(($provider->last)[0]{path}, $paths{openai}, "redirection $status is not followed");
}

# Where requests may go is the superuser's to say.
for my $case (
	[ "SET inference.allow_private_addresses = off;", '' ],
	[ "SET inference.allowed_hosts = 'example.org, *.example.net';", '' ])
{
	my ($setting, $detail) = @$case;
	fails(model('openai', $paths{openai}), '42501', $detail, $setting,
		settings => $setting, requests => 0);
}
is( $node->safe_psql('postgres',
		"SET inference.allowed_hosts = 'example.org, 127.0.0.1'; SELECT count(*) FROM ("
		  . call_of(model('openai', $paths{openai}), 0, "'a'") . ') x'),
	'1', 'inference.allowed_hosts lets those through that it names');
like(
	InferenceCluster::error_of($node, 'postgres',
		"SET inference.max_retries = 3; " . call_of(model('openai', 'http://no-such-host.invalid/'), 0, "'a'")),
	qr/08001: could not get.*\nDETAIL:  Service "openai" at no-such-host\.invalid: \w.*\.\nHINT/,
	'an unknown host');

#
# Keys in what the provider says
#

for my $service ('openai', 'hugging_face', 'elser')
{
	my $id = model($service, $paths{$service}, 'fault=echo_key:400');
	fails($id, '38000', 'HTTP status 400: key \[redacted\], header (?:Bearer|ApiKey) \[redacted\], url \[redacted\], base64 \[redacted\] \[redacted\] \[redacted\], hex \[redacted\] \[redacted\], cut \[redacted\] \[redacted\], masked \[redacted\]',
		"$service: echo of the key", requests => 2, sparse => $service eq 'elser');
}

# Wherever plain text is cut, no part of the key is left.
for my $start (25, 150, 185, 195, 199, 200, 300)
{
	fails(model('openai', $paths{openai}, "fault=echo_plain:$start"), '38000',
		'HTTP status 400: (?:(?!sk-).)+\n',
		"echo of the key at byte $start", requests => 2);
}

fails(model('hugging_face', $paths{sparse}, "fault=key_token:$_"), '08P01',
	'the weight of token "(?:(?!sk-).)+\n', "a token that quotes the key at byte $_", sparse => 1) for 0, 20, 225;

#
# Where services put what is wrong
#

for my $shape (qw(fastapi detail list error_list errors list_of_errors nested fault oauth inner aws problem fields spring reason string other_name))
{
	fails(model('openai', $paths{openai}, "fault=status:404;error_shape:$shape"), '38000',
		'HTTP status 404: mock says 404\.', "an error in the shape of $shape");
}
fails(model('hugging_face', $paths{hugging_face}, 'fault=status:404;error_shape:fastapi;byte_order_mark'), '38000',
	'HTTP status 404: mock says 404\.', 'an error behind a byte order mark');

#
# Tried again
#

for my $fault ('status:429', 'status:503', 'close', 'half_json', 'cut_body')
{
	my $id = model('openai', $paths{openai}, "fault=$fault&times=1&id=$fault");
	is( $provider->requests_of(sub {
			is( $node->safe_psql('postgres', "SELECT count(embedding) FROM (" . call_of($id, 0, "'a', 'b'") . ') x'),
				'2', "$fault once: tried again");
		}),
		2, "$fault once: two requests");
}
fails(model('openai', $paths{openai}, 'fault=status:500'),
	'58000', 'HTTP status 500: mock says 500 \(2 attempts\)', 'a fault that stays', texts => "'a text'",
	settings => 'SET inference.max_retries = 1;', requests => 2);
for my $status (400, 401, 403, 404, 413, 501)
{
	fails(model('openai', $paths{openai}, "fault=status:$status"),
		$sqlstates{$status}, "HTTP status $status: mock says $status", "status $status is not tried again",
		settings => 'SET inference.max_retries = 3;', requests => requests_until_refused($status));
}
fails(model('openai', $paths{openai}, 'fault=status:429;retry_after:3600'),
	'53000', 'HTTP status 429: mock says 429', 'a Retry-After beyond inference.retry_timeout',
	settings => 'SET inference.max_retries = 3;');
fails(model('openai', $paths{openai}, 'fault=status:503'),
	'58000', 'HTTP status 503: mock says 503', 'inference.retry_timeout 0',
	settings => 'SET inference.max_retries = 3; SET inference.retry_timeout = 0;');
fails(model('openai', $paths{openai}, 'fault=quota'), '53400',
	'HTTP status 429: You exceeded your current quota\.\nHINT:  Check the plan', 'a quota that is used up',
	settings => 'SET inference.max_retries = 3;');
fails(model('openai', $paths{openai}, 'fault=status:402'), '53400',
	'HTTP status 402: mock says 402', 'a payment that is required', settings => 'SET inference.max_retries = 3;');

# A model that is being loaded is waited for, however often that takes asking.
my $loading = model('hugging_face', $paths{hugging_face}, 'fault=loading:0.1&times=2&id=loading');
is( $provider->requests_of(sub {
		is( $node->safe_psql('postgres', "SET inference.max_retries = 1; SELECT count(embedding) FROM (" . call_of($loading, 0, "'a'") . ') x'),
			'1', 'a model that is loaded after the second request');
	}), 3, 'is asked three times, though one retry is allowed');
fails(model('hugging_face', $paths{hugging_face}, 'fault=loading:61'), '58000',
	'HTTP status 503: Model mock is currently loading', 'a model that takes longer than inference.retry_timeout',
	settings => q{SET inference.max_retries = 3; SET inference.retry_timeout = '60s';});
for my $header ('ratelimit_reset:510ms', 'retry_after:1', 'retry_after:httpdate', 'ratelimit_reset:1100ms')
{
	my $id = model('openai', $paths{openai}, "fault=status:429;$header&times=1&id=$header");
	is( $node->safe_psql('postgres', "SELECT count(embedding) FROM (" . call_of($id, 0, "'a'") . ') x'),
		'1', "$header: then it works");
}

# Who waits for more than a moment is told why, once for a statement.
sub messages_of
{
	my ($sql) = @_;
	my $stderr = '';

	$node->psql('postgres', $sql, stderr => \$stderr, on_error_die => 1);
	unlike($stderr, qr/\Q$key\E/, 'no key in messages');
	return $stderr;
}

sub count_in
{
	my ($pattern, $text) = @_;
	return scalar(() = $text =~ /$pattern/g);
}

my $waiting = model('openai', $paths{openai}, 'fault=status:429;retry_after:1&times=2&id=waiting');
my $said = messages_of("SELECT inference_embed('$waiting', 'a text') IS NOT NULL");
like($said,
	qr/^psql:<stdin>:1: NOTICE:  waiting 1\.\d s before retrying a request of inference model "$waiting"\nDETAIL:  Service "openai" at 127\.0\.0\.1: HTTP status 429: mock says 429\.\nHINT:  The settings inference\.max_retries/,
	'a wait of a second is announced');
is(count_in('NOTICE', $said), 1, 'once, though there were two');
$waiting = model('openai', $paths{openai}, 'fault=status:503&times=1&id=waiting_shortly');
is(messages_of("SELECT inference_embed('$waiting', 'a text') IS NOT NULL"), '', 'a shorter one is not');
$waiting = model('openai', $paths{openai}, 'fault=status:503&times=1&id=waiting_debug');
like(messages_of("SET client_min_messages = debug1; SELECT inference_embed('$waiting', 'a text') IS NOT NULL"),
	qr/DEBUG:  retrying a request of inference model "$waiting" in 0\.\d s\nDETAIL:  Service "openai" at 127\.0\.0\.1: HTTP status 503: mock says 503\./,
	'but at level DEBUG1');
$waiting = model('openai', $paths{openai});
$node->safe_psql('postgres', qq{SELECT inference_update('$waiting', '{"service_settings": {"rate_limit": {"requests_per_minute": 50}}}')});
$said = messages_of("DO \$\$ BEGIN PERFORM inference_embed('$waiting', 'a'); PERFORM inference_embed('$waiting', 'b'); PERFORM inference_embed('$waiting', 'c'); END \$\$");
like($said, qr/NOTICE:  waiting 1\.[12] s for the rate_limit of inference model "$waiting"\n/, 'so is one for a rate limit');
is(count_in('NOTICE', $said), 1, 'once');

# The kept connection that the provider has closed meanwhile is no fault.
my $id = model('openai', $paths{openai}, 'fault=close_idle');
my $session = $node->background_psql('postgres');
$session->query('SET inference.max_retries = 0');
is($session->query("SELECT inference_embed('$id', 'text $_') IS NOT NULL"), 't', "closed between calls, call $_") for 1 .. 5;
$session->quit;

#
# Odd, and yet right
#

for my $fault ('gzip', 'byte_order_mark', 'no_length', 'content_type:none', 'slow:20')
{
	my $id = model('openai', $paths{openai}, "fault=$fault");
	is( $node->safe_psql('postgres', "SELECT inference_embed('$id', 'a text')"),
		$node->safe_psql('postgres', "SELECT '" . $provider->vector('a text') . "'::real[]"),
		"$fault is no fault");
}

#
# A batch fails as a whole, with the provider's words, and which text it is about
#

my $many = join(',', map { "'text $_'" } 1 .. 999) . ", 'arsenic'";

$id = model('openai', $paths{openai}, 'fault=poison:arsenic');
for my $case ([ 1, "'arsenic', 'bread', 'water'" ], [ 3, "'bread', NULL, 'arsenic', 'bread', 'water'" ], [ 1000, $many ])
{
	my ($position, $texts) = @$case;
	like(InferenceCluster::error_of($node, 'postgres', call_of($id, 0, $texts)),
		qr/38000: could not.*\nDETAIL:  Service "openai" at 127\.0\.0\.1 refuses text $position: HTTP status 400: one input is not acceptable\.\n/,
		"text $position is refused");
}

# A bad text is no limit on their number.
$session = $node->background_psql('postgres', on_error_stop => 0);
$session->query(call_of($id, 0, $many));
is($provider->requests_of(sub { $session->query("SELECT * FROM inference_embed_batch('$id', ARRAY(SELECT 'text ' || i FROM generate_series(1, 1000) i))") }),
	1, 'texts without it go out together as before');
$session->quit;

#
# What a service refuses is sent in another way
#

$session = $node->background_psql('postgres');
for my $fault ('no_encodings', 'no_encodings:422', 'no_encodings:500', 'no_encodings:501', 'base64_none:list', 'base64_none:null', 'base64_none:empty')
{
	my $n = 0;

	$id = model('openai', $paths{openai}, "fault=$fault");
	for my $requests (1, 2, 1)
	{
		my $text = 'text ' . ++$n;

		is($provider->requests_of(sub { is($session->query("SELECT inference_embed('$id', '$text') = '" . $provider->vector($text) . "'"), 't', "$fault, text $n"); }),
			$requests, "$fault, text $n: requests");
	}
	ok(!exists(($provider->last)[0]{body}{encoding_format}), "$fault: base64 is not asked for again");
}

$id = model('openai', $paths{openai}, 'fault=limit:5');
is( $provider->requests_of(sub {
		is( $session->query("SELECT count(embedding) FROM inference_embed_batch('$id', ARRAY(SELECT 'text ' || i FROM generate_series(1, 40) i))"),
			'40', 'a limit on the number of texts');
	}), 3 + 8, 'is found by halves');
is( $provider->requests_of(sub {
		is( $session->query("SET inference.batching = off; SELECT bool_and(embedding = inference_embed('$id', 'text ' || ordinality)) FROM inference_embed_batch('$id', ARRAY(SELECT 'text ' || i FROM generate_series(1, 40) i))"),
			't', 'each text has its vector');
	}) - 40, 8, 'and remembered');
$session->quit;

$id = model('openai', $paths{openai}, 'fault=too_long:150');
my ($long, $cut) = ('x' x 400, 'x' x 100);
my ($status, $stdout, $stderr) = $node->psql('postgres',
	"SELECT embedding = '" . $provider->vector($cut) . "' FROM inference_embed_batch('$id', ARRAY['short', '$long', 'also short']) WHERE ordinality = 2");
is($stdout, 't', 'a text that is too long is cut to half, and again');
like($stderr, qr/WARNING:  1 text was too long for inference model "$id" and was cut\n/, 'and the user is told');
fails(model('openai', $paths{openai}, 'fault=too_long:1'), '54000', 'HTTP status 413: too many tokens', 'but not cut to nothing',
	texts => "'$long'", requests => 3);

#
# The same session goes on
#

$session = $node->background_psql('postgres', on_error_stop => 0);
$session->query("SET inference.max_retries = 0; SET inference.request_timeout = '50ms'");
my $good = model('openai', $paths{openai});
for my $fault ('status:500', 'close', 'stall_headers', 'stall_body', 'half_json', 'giant:100000000', 'not_http', 'redirect:302')
{
	my $bad = model('openai', $paths{openai}, "fault=$fault");
	$session->query("SELECT * FROM inference_embed_batch('$bad', ARRAY['a', 'b'])");
	$session->query("BEGIN; SAVEPOINT s; SELECT inference_embed('$bad', 'a'); ROLLBACK TO s; COMMIT");
	is($session->query("RESET inference.request_timeout; SELECT inference_embed('$good', 'a') IS NOT NULL; SET inference.request_timeout = '50ms'"),
		't', "the session goes on after $fault");
}
$session->quit;
is($provider->wait_for(stalled => 0)->{stalled}, 0, 'nobody holds a request that was given up');
unlike(slurp_file($node->logfile), qr/do.not.tell.*HTTP status|HTTP status.*do.not.tell/, 'no answer brings the key into the log');

done_testing();
