# What this proves, of inference-engine fetch:
#
#  1. It brings what the engine needs, and no more, says under which licence,
#     and what it has brought runs.  What is there already is not fetched again.
#  2. The token goes to the hub and to nobody else, and is never shown.
#  3. A transfer that breaks off goes on where it was, in the same run and in the
#     next, whatever the storage makes of that.
#  4. What is not what the hub promised never gets its name.
#  5. Failures that pass are tried again, others not; each is said in words.
#  6. A hostile hub cannot write outside of the folder, nor fill memory, nor send
#     us round in circles or from https to http.
#  7. A proxy is used if it is named.
#
# The hub is test/mock/hub.py.

use strict;
use warnings;

use Cwd qw(abs_path);
use Fcntl qw(:flock);
use File::Path qw(make_path);
use HTTP::Tiny;
use IO::Select;
use IPC::Run qw(run timeout);
use JSON::PP qw(decode_json encode_json);
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCertificates;

my $engine = abs_path($ENV{INFERENCE_ENGINE} || './inference-engine');
plan skip_all => 'inference-engine was not built' unless $engine && -x $engine;

my $temp = PostgreSQL::Test::Utils::tempdir;
my $repositories = "$temp/repositories";
my $http = HTTP::Tiny->new(timeout => 60, proxy => undef, http_proxy => undef);
my @hubs;
my $nfolders = 0;

# The user's own settings must not matter.
delete @ENV{ grep { /^(HF_|.*_proxy$|.*_PROXY$|CURL_|SSL_)/ } keys %ENV };
$ENV{HOME} = $temp;

END
{
	my $exit = $?;
	kill 'KILL', map { $_->{pid} } @hubs;
	$? = $exit;
}

sub start_hub
{
	my ($scheme, @options) = @_;
	my $pid = open(my $out, '-|', 'python3', abs_path('test/mock/hub.py'), $repositories, '--parent-pid', $$, @options)
	  or die "cannot start hub.py: $!";
	my $line = IO::Select->new($out)->can_read(60) ? <$out> : '';
	my ($port, $control) = ($line // '') =~ /^PORT (\d+) CONTROL (\d+)$/ or die 'hub.py does not start';

	push @hubs, { pid => $pid, out => $out };
	return ("$scheme://127.0.0.1:$port", "http://127.0.0.1:$control/_control");
}

my ($url, $control) = start_hub('http');
$ENV{HF_ENDPOINT} = "$url/";

sub control
{
	my ($method, $verb, @content) = @_;
	my $answer = $http->request($method, "$control/$verb", @content);

	die "$verb: $answer->{status} $answer->{content}" unless $answer->{success};
	return decode_json($answer->{content});
}

# A fresh hub that obeys these rules.
sub rules
{
	control('POST', 'reset');
	control('POST', 'rule', { content => encode_json($_) }) for @_;
	return;
}

# What the hub was asked since.
sub requests { return @{ control('GET', 'log') } }

# Runs the program: its status, what it wrote, and what it said.
sub fetch
{
	my (@arguments) = @_;
	my ($out, $err) = ('', '');

	run [ $engine, 'fetch', '--retry-delay-ms', '0', @arguments ], '<', \undef, '>', \$out, '2>', \$err, timeout(120);
	return ($? >> 8, $out, $err);
}

sub new_folder { return "$temp/folder-" . ++$nfolders }

sub write_file
{
	my ($path, $bytes) = @_;

	make_path($path =~ s{/[^/]*$}{}r);
	open(my $file, '>:raw', $path) or die "cannot write $path: $!";
	print $file $bytes;
	close($file);
	return;
}

# All files below a folder, by their names.
sub files_of
{
	my ($folder) = @_;
	my %files;

	for my $path (glob("$folder/* $folder/.[!.]* $folder/*/*"))
	{
		$files{ substr($path, length($folder) + 1) } = slurp_file($path) if -f $path;
	}
	return \%files;
}

# A repository: files of a model of the tests, and others.
sub new_repository
{
	my ($name, $model, %others) = @_;
	my $files = $model ? files_of("test/models/$model") : {};

	%$files = (%$files, %others);
	delete $files->{$_} for (grep { /golden|packed/ || !defined $files->{$_} } keys %$files);
	write_file("$repositories/$name/$_", $files->{$_}) for keys %$files;
	return $files;
}

sub fails
{
	my ($name, $rules, $message, @arguments) = @_;
	my $folder = new_folder;

	@arguments = ('acme/dense') unless @arguments;
	rules(@$rules);
	my ($status, $out, $err) = fetch('--to', $folder, '--retries', 0, @arguments);
	is($status, 1, "$name: status 1");
	like($err, $message, "$name: said");
	is_deeply([ grep { !/config|json|txt|md$/ } keys %{ files_of($folder) } ], [], "$name: no weights");
	return $err;
}

my $card = "---\nlicense: apache-2.0\n---\nA model.\n";
my $dense = new_repository('acme/dense', 'tiny-dense', 'README.md' => $card);
my $sharded = new_repository('acme/sharded', 'tiny-cls', 'LICENSE' => "Do what you like.\n");
my $weights = $dense->{'model.safetensors'};
my $nweights = length($weights);
my %unwanted = (
	'pytorch_model.bin' => 'x' x 100, 'onnx/config.json' => '{}', 'onnx/model.onnx' => 'x',
	'train.py' => 'x', '.gitattributes' => 'x');
write_file("$repositories/acme/dense/$_", $unwanted{$_}) for keys %unwanted;

# --- 1. What it brings

my $folder = new_folder;
my ($status, $out, $err) = fetch('acme/dense', '--to', $folder);
is($status, 0, 'fetch') or diag($err);
is($err, '', 'fetch: no complaint, and no progress where nobody looks');
like($out, qr/^licence +apache-2\.0$/m, 'fetch: licence');
like($out, qr/^commit +[0-9a-f]{40}$/m, 'fetch: commit');
like($out, qr/^files +7 of 12, 181\.\d kB$/m, 'fetch: how much');
like($out, qr/^model\.safetensors +174\.5 kB +fetched$/m, 'fetch: a file');
is_deeply(files_of($folder), $dense, 'fetch: the files, and no others');
run [ $engine, 'inspect', $folder, '--cache', $temp ], '>', \my $inspected;
is($?, 0, 'fetch: it runs');

rules();
($status, $out) = fetch('acme/dense', '--to', $folder);
is($status, 0, 'again');
like($out, qr/^model\.safetensors +174\.5 kB +was there$/m, 'again: was there');
is(scalar(requests()), 1, 'again: only the listing is asked for');

write_file("$folder/config.json", $dense->{'config.json'} =~ s/3/4/r);
rules();
fetch('acme/dense', '--to', $folder);
is_deeply(files_of($folder), $dense, 'a file that was changed is fetched again');
is(scalar(grep { $_->{path} =~ /resolve\// } requests()), 1, 'and it alone');

$folder = new_folder;
($status) = fetch('acme/sharded', '--to', $folder);
is($status, 0, 'shards');
is_deeply(files_of($folder), $sharded, 'shards: all that the index names');

my $routed = new_repository('acme/routed', 'tiny-sparse',
	'modules.json' => '[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Router"}]',
	'router_config.json' => '{"types": {"": "sentence_transformers.sparse_encoder.models.MLMTransformer", '
	  . '"document_1_SpladePooling": "sentence_transformers.sparse_encoder.models.SpladePooling"}, '
	  . '"structure": {"document": ["", "document_1_SpladePooling"]}}',
	'document_1_SpladePooling/config.json' => '{"pooling_strategy": "max", "activation_function": "relu"}');
$folder = new_folder;
($status, $out, $err) = fetch('acme/routed', '--to', $folder);
is($status, 0, 'routes') or diag($err);
is_deeply(files_of($folder), $routed, 'routes: what they name');

{
	my $cwd = new_folder;

	make_path($cwd);
	run [ $engine, 'fetch', 'acme/sharded', '--revision', 'refs/pr/1' ], '>', \$out, init => sub { chdir $cwd };
	is($?, 0, 'a revision with slashes');
	is_deeply(files_of("$cwd/sharded"), $sharded, 'the folder has the name of the model');
}

# --- 2. The token

{
	local $ENV{HF_TOKEN} = 'hf_secret';
	my %authorization;

	rules({ server => 'hub', token => 'hf_secret' });
	($status, $out, $err) = fetch('acme/dense', '--to', new_folder);
	is($status, 0, 'token');
	push @{ $authorization{ $_->{server} } }, $_->{authorization} for requests();
	is_deeply([ grep { ($_ // '') ne 'Bearer hf_secret' } @{ $authorization{hub} } ], [], 'token: the hub gets it');
	is_deeply($authorization{storage}, [undef], 'token: the storage does not');
	unlike($out . $err, qr/secret/, 'token: not shown');

	$err = fails('token: another', [ { server => 'hub', token => 'hf_other' } ], qr/does not show repository "acme\/dense" to the token/);
	unlike($err, qr/secret/, 'token: another one is not shown');
	local $ENV{HF_TOKEN} = "hf_secret\r\nX-Evil: 1";
	$err = fails('token: of two lines', [], qr/the content of HF_TOKEN is not a token of the hub/);
	unlike($err, qr/secret/, 'token: of two lines is not shown');
	is(scalar(requests()), 0, 'token: of two lines is not sent');
}
write_file("$temp/own-token", "hf_secret\n");
write_file("$temp/home/token", "hf_secret");
write_file("$temp/.cache/huggingface/token", 'hf_secret');
for ([ HF_TOKEN_PATH => "$temp/own-token" ], [ HF_HOME => "$temp/home" ], [ HOME => $temp ])
{
	my ($name, $value) = @$_;
	local $ENV{$name} = $value;

	rules({ server => 'hub', token => 'hf_secret' });
	($status) = fetch('acme/sharded', '--to', new_folder);
	is($status, 0, "token: in a file of $name");
}
unlink("$temp/.cache/huggingface/token");
{
	local $ENV{HF_TOKEN_PATH} = "$temp/no-such-file";
	fails('token: no file', [], qr/could not open file ".*no-such-file", which holds the token/);
}

# --- 3. Transfers that break off

$folder = new_folder;
rules({ server => 'storage', cut => 100_000, times => 1 });
($status, $out, $err) = fetch('acme/dense', '--to', $folder, '--retries', 0);
is($status, 1, 'cut: status 1');
like($err, qr/could not fetch file "model.safetensors" from 127\.0\.0\.1: /, 'cut: said');
is(-s "$folder/model.safetensors.part", 100_000, 'cut: the part stays');
ok(!-e "$folder/model.safetensors", 'cut: and has not the name');
($status) = fetch('acme/dense', '--to', $folder);
is($status, 0, 'cut: gone on with');
is_deeply([ map { $_->{range} } grep { $_->{server} eq 'storage' } requests() ], [ undef, 'bytes=100000-' ], 'cut: from where it was');
is_deeply(files_of($folder), $dense, 'cut: complete');

$folder = new_folder;
rules({ server => 'storage', cut => 50_000, times => 3 });
($status, $out, $err) = fetch('acme/dense', '--to', $folder);
is($status, 0, 'cut three times: gone on with in the same run');
is(scalar(() = $err =~ /trying again in 0\.0 s/g), 3, 'cut three times: said');
is_deeply(files_of($folder), $dense, 'cut three times: complete');

for my $how (qw(no_range refuse_range wrong_range))
{
	$folder = new_folder;
	write_file("$folder/model.safetensors.part", substr($weights, 0, 1000));
	rules({ server => 'storage', $how => 1 });
	($status, $out, $err) = fetch('acme/dense', '--to', $folder, '--retries', 0);
	is($status, 0, "$how: status") or diag($err);
	is_deeply(files_of($folder), $dense, "$how: complete");

	$folder = new_folder;
	rules({ server => 'storage', cut => 50_000, times => 1 }, { server => 'storage', $how => 1 });
	($status, $out, $err) = fetch('acme/dense', '--to', $folder, '--retries', 1);
	is($status, 0, "$how, in the same run: status") or diag($err);
	is_deeply(files_of($folder), $dense, "$how, in the same run: complete");
}

my %parts = (
	'of another version' => 'x' x 1000, 'as long as the file' => 'x' x $nweights, 'longer than the file' => 'x' x ($nweights + 1),
	'empty' => '', 'already complete' => $weights);
for my $name (sort keys %parts)
{
	$folder = new_folder;
	write_file("$folder/model.safetensors.part", $parts{$name});
	rules();
	($status) = fetch('acme/dense', '--to', $folder);
	is($status, 0, "a part $name");
	is_deeply(files_of($folder), $dense, "a part $name: complete");
}
is(scalar(grep { $_->{server} eq 'storage' } requests()), 2, 'a part of another version costs one transfer more');

# --- 4. What is not what was promised

for ([ 'another byte', { server => 'storage', flip => $nweights - 1 }, qr/its sha256 is different; it was thrown away/ ],
	[ 'bytes too many', { server => 'storage', append => 'x' }, qr/it has more than $nweights bytes/ ],
	[ 'bytes too few', { change => { 'model.safetensors' => { lfs => { sha256 => '0' x 64, size => $nweights + 1 } } } },
		qr/it has $nweights bytes, not @{[ $nweights + 1 ]}/ ],
	[ 'another sha256', { change => { 'model.safetensors' => { lfs => { sha256 => '0' x 64, size => $nweights } } } }, qr/sha256 is different/ ],
	[ 'another byte of a small file', { path => 'resolve-cache/acme/dense/tokenizer.json', flip => 7 }, qr/its git hash is different/ ],
	[ 'no digest', { change => { 'config.json' => { blobId => undef } } }, qr/does not say what "config.json" is: its size or its digest/ ],
	[ 'a digest that is none', { change => { 'config.json' => { blobId => '../x' } } }, qr/does not say what "config.json" is/ ],
	[ 'no size', { change => { 'config.json' => { size => undef } } }, qr/does not say what "config.json" is/ ],
	[ 'a negative size', { change => { 'config.json' => { size => -5 } } }, qr/does not say what "config.json" is/ ])
{
	fails($_->[0], [ $_->[1] ], $_->[2]);
}

# The part that was wrong is gone, a file that was there stays.
$folder = new_folder;
write_file("$folder/model.safetensors", 'an older one');
rules({ server => 'storage', flip => 0 });
($status) = fetch('acme/dense', '--to', $folder);
is($status, 1, 'wrong bytes over an older file');
is(slurp_file("$folder/model.safetensors"), 'an older one', 'which stays');
ok(!-e "$folder/model.safetensors.part", 'and no part');

# --- 5. Failures

rules({ path => '/api/models', status => 429, headers => { 'Retry-After' => '0' }, times => 2 },
	{ server => 'storage', status => 503, times => 2 });
($status, $out, $err) = fetch('acme/dense', '--to', new_folder);
is($status, 0, 'failures that pass');
like($err, qr/repository "acme\/dense": HTTP status 429; trying again/, 'failures that pass: 429 is said');
like($err, qr/file "model\.safetensors": HTTP status 503; trying again/, 'failures that pass: 503 is said');

rules({ path => '/api/models', status => 500 });
($status, $out, $err) = fetch('acme/dense', '--to', new_folder, '--retries', 3);
is($status, 1, 'one that does not');
like($err, qr/could not fetch repository "acme\/dense": 127\.0\.0\.1 answered with HTTP status 500$/m, 'one that does not: said');
is(scalar(requests()), 4, 'one that does not: tried four times');

rules({ path => '/api/models', status => 429, headers => { 'Retry-After' => '3600' } });
($status, $out, $err) = fetch('acme/dense', '--to', new_folder);
like($err, qr/HTTP status 429, too many requests: try again later/, 'one that would take an hour');
is(scalar(requests()), 1, 'one that would take an hour is not waited for');

fails('no such repository', [], qr/has no repository "acme\/none" that it shows to everybody .*HF_TOKEN/, 'acme/none');
fails('gated', [ { gated => 1 } ], qr/is gated \(HTTP status 403\): accept its conditions at \Q$url\E\/acme\/dense, and set HF_TOKEN/);
fails('no such revision', [], qr/repository "acme\/dense" has no revision "v9"/, 'acme/dense', '--revision', 'v9');
fails('no such file', [ { path => 'resolve-cache', status => 404 } ], qr/could not find file "modules.json" at 127\.0\.0\.1/);
is(scalar(grep { $_->{path} =~ /cache/ } requests()), 1, 'what is not there is asked for once');
{
	local $ENV{HF_ENDPOINT} = 'http://127.0.0.1:1';
	($status, $out, $err) = fetch('acme/dense', '--to', new_folder, '--retries', 1);
	is($status, 1, 'nobody there: status 1');
	like($err, qr/trying again.*could not fetch repository "acme\/dense" from 127\.0\.0\.1: /s, 'nobody there: said');
}

new_repository('acme/pickled', 'tiny-dense', 'model.safetensors' => undef, 'pytorch_model.bin' => 'x');
fails('no safetensors', [], qr/has no "model\.safetensors", only "pytorch_model\.bin", which the engine does not read: look for a revision/, 'acme/pickled');
new_repository('acme/bare', 'tiny-dense', 'tokenizer.json' => undef);
fails('no tokenizer', [], qr/neither "tokenizer\.json" nor "vocab\.txt"/, 'acme/bare');
new_repository('acme/empty', undef, 'README.md' => 'x');
fails('no model', [], qr/has no "config\.json"/, 'acme/empty');
new_repository('acme/llama', 'tiny-dense', 'config.json' => '{"model_type": "llama"}');
fails('a network that cannot be run', [], qr/"model_type" is "llama", and only "bert" and "distilbert" are supported/, 'acme/llama');
is(scalar(grep { $_->{server} eq 'storage' } requests()), 0, 'its weights are not fetched');

$folder = new_folder;
make_path($folder);
open(my $part, '>', "$folder/model.safetensors.part") or die $!;
flock($part, LOCK_EX) or die $!;
rules();
($status, $out, $err) = fetch('acme/dense', '--to', $folder);
like($err, qr/"\Q$folder\E\/model\.safetensors\.part" is being written by another process/, 'two at once');
close($part);
write_file("$temp/a-file", 'x');
($status, $out, $err) = fetch('acme/dense', '--to', "$temp/a-file/below");
like($err, qr/could not create folder "\Q$temp\E\/a-file/, 'no folder to write to');
SKIP:
{
	skip 'there is no /dev/full', 1 unless -e '/dev/full';
	run [ $engine, 'fetch', 'acme/dense', '--to', new_folder ], '>', '/dev/full', '2>', \$err;
	like($err, qr/could not write answers: No space left/, 'nobody to tell');
}

for ([ [], qr/the name of a repository is missing/ ],
	[ [ 'a/b', 'c/d' ], qr/more than one repository/ ],
	[ ['a/b/c'], qr/"a\/b\/c" is not the name of a repository/ ],
	[ ['../b'], qr/not the name of a repository/ ],
	[ ['a/..'], qr/not the name of a repository/ ],
	[ ['/b'], qr/not the name of a repository/ ],
	[ ['a b'], qr/not the name of a repository/ ],
	[ ['a/b?c'], qr/not the name of a repository/ ],
	[ [ 'a/b', '--revision', '' ], qr/is not the name of a revision/ ],
	[ [ 'a/b', '--revision', '../../x' ], qr/is not the name of a revision/ ],
	[ [ 'a/b', '--to', '' ], qr/the name of the folder is empty/ ],
	[ [ 'a/b', '--retries', '-1' ], qr/number of retries "-1" is not a whole number/ ],
	[ [ 'a/b', '--frob' ], qr/unrecognized option.*--help/s ])
{
	($status, $out, $err) = fetch(@{ $_->[0] });
	is($status, 2, "fetch @{$_->[0]}: status 2");
	like($err, $_->[1], "fetch @{$_->[0]}: said");
}
for ('hub', 'ftp://hub', 'https://user:pass@hub', 'https://', 'https://hub?x', 'https://hub#x', 'file:///etc')
{
	local $ENV{HF_ENDPOINT} = $_;
	($status, $out, $err) = fetch('a/b');
	is($status, 2, "HF_ENDPOINT $_");
	unlike($err, qr/pass/, "HF_ENDPOINT $_: not shown");
}

# --- 6. A hostile hub

my @names = ('../evil', '/evil', '..', 'a/../../evil', 'a\\..\\evil', "a\nb", '.ssh', 'a//b');
for my $name (@names)
{
	my $printable = $name =~ s/\n/\\n/r;

	new_repository('evil/modules', 'tiny-dense',
		'modules.json' => encode_json([ { type => 'x.Transformer', path => '' }, { type => 'x.Pooling', path => $name } ]));
	fails("modules.json names $printable", [ { add => [ { rfilename => "$name/config.json", size => 1, blobId => '0' x 40 } ] } ],
		qr/file "modules.json" of the repository names a folder ".*", which is not the name of a folder/, 'evil/modules');
	new_repository('evil/index', 'tiny-cls', 'model.safetensors.index.json' => encode_json({ weight_map => { x => $name } }));
	fails("the index names $printable", [ { add => [ { rfilename => $name, size => 1, blobId => '0' x 40 } ] } ],
		qr/names a file ".*", which is not the name of a file/, 'evil/index');
}
$folder = new_folder;
rules({ add => [ map { { rfilename => $_, size => 1, blobId => '0' x 40 } } @names, "README.md\0" ] });
($status, $out, $err) = fetch('acme/dense', '--to', $folder);
like($err, qr/not valid JSON/, 'a name with a NUL');
rules({ add => [ map { { rfilename => $_, size => 1, blobId => '0' x 40 } } @names ] });
($status) = fetch('acme/dense', '--to', $folder);
is($status, 0, 'names that nobody needs do not matter');
is_deeply(files_of($folder), $dense, 'and are not fetched');
is_deeply([ grep { /evil/ && !/repositories/ } glob("$temp/* $temp/*/*") ], [], 'nothing was written elsewhere');

for ([ 'no JSON', { path => '/api/models', body => '<html>' }, qr/the hub's answer is not valid JSON/ ],
	[ 'nothing', { path => '/api/models', body => '' }, qr/the hub's answer is not valid JSON/ ],
	[ 'another JSON', { path => '/api/models', body => '[1]' }, qr/names no commit/ ],
	[ 'a commit that is none', { set => { sha => '../../../etc' } }, qr/names no commit/ ],
	[ 'files that are none', { set => { siblings => { a => 1 } } }, qr/names no files/ ],
	[ 'a file without a name', { set => { siblings => [ {} , 1, undef ] } }, qr/has no "config.json"/ ],
	[ 'deep nesting', { path => '/api/models', body => '[', repeat => 1000 }, qr/not valid JSON/ ],
	[ 'an endless listing', { path => '/api/models', body => ' ' x 1024, repeat => 20 * 1024 }, qr/the hub's answer is larger than 16777216 bytes/ ],
	[ 'an index too large', { change => { 'modules.json' => { size => 17 * 1024 * 1024 } } }, qr/file "modules.json" of the repository is larger than 16777216/ ],
	[ 'a circle', { path => 'resolve', redirect => 'HUB/acme/resolve/x' }, qr/it redirects in a circle/ ],
	[ 'a file', { path => 'resolve', redirect => 'file:///etc/passwd' }, qr/it redirects to something other than an http or https address/ ],
	[ 'a password', { path => 'resolve', redirect => 'http://user:pass@127.0.0.1:1/' }, qr/other than an http or https address/ ],
	[ 'nowhere', { path => 'resolve', status => 302 }, qr/it redirects without saying where to/ ])
{
	fails($_->[0], [ $_->[1] ], $_->[2]);
}
rules({ set => { cardData => { license => "evil\e[31m\nlicence       mit" } } });
(undef, $out) = fetch('acme/dense', '--to', new_folder);
like($out, qr/^licence +evil\?\[31m\?licence +mit$/m, 'a licence cannot forge lines');
rules({ set => { cardData => undef, tags => ['license:mit'], gated => 'auto' } });
(undef, $out) = fetch('acme/dense', '--to', new_folder);
like($out, qr/^licence +mit, gated$/m, 'the licence may be a tag');
rules({ set => { cardData => undef, tags => [] } });
(undef, $out) = fetch('acme/dense', '--to', new_folder);
like($out, qr/^licence +unknown$/m, 'there may be none');

# A token that another host asks for.
{
	local $ENV{HF_TOKEN} = 'hf_secret';

	rules({ path => '/resolve/', redirect => 'STORAGE/blob/acme/dense/config.json', times => 1 });
	fetch('acme/dense', '--to', new_folder, '--retries', 0);
	is_deeply([ map { $_->{authorization} } grep { $_->{server} eq 'storage' } requests() ], [undef], 'a token does not follow redirects');
}

# --- TLS

my $tls = InferenceCertificates::directory();
InferenceCertificates::authority('hub-ca');
InferenceCertificates::certificate('hub', 'hub-ca', 'IP:127.0.0.1', '-days', '30');
{
	my $plain_control = $control;
	local $ENV{HF_ENDPOINT};

	($ENV{HF_ENDPOINT}, $control) = start_hub('https', '--tls', "$tls/hub.crt", "$tls/hub.key");

	fails('a certificate of nobody', [], qr/could not fetch repository "acme\/dense" from 127\.0\.0\.1: .*certificate/i);
	is(scalar(requests()), 0, 'a certificate of nobody: not asked');
	local $ENV{CURL_CA_BUNDLE} = "$tls/hub-ca.crt";
	($status, $out, $err) = fetch('acme/dense', '--to', new_folder);
	is($status, 0, 'https') or diag($err);
	fails('from https to http', [ { path => 'resolve', redirect => "$url/acme" } ], qr/it redirects from https to http/);
	$control = $plain_control;
}

# --- 7. Proxies

# The hub is asked as a proxy is: for a whole address.
sub through { return scalar(grep { $_->{path} =~ m{^http://hub\.test/} } requests()) }
{
	my $ask = sub {
		local $ENV{HF_ENDPOINT} = 'http://hub.test';
		return fetch('acme/dense', '--to', new_folder, '--retries', 0, @_);
	};

	rules();
	$ask->('--proxy', $url);
	cmp_ok(through(), '>', 0, '--proxy');
	{
		local $ENV{http_proxy} = $url;
		local $ENV{HF_TOKEN} = 'hf_secret';

		rules();
		(undef, undef, $err) = $ask->();
		cmp_ok(through(), '>', 0, 'http_proxy');
		like($err, qr/the token is not sent: HF_ENDPOINT is not https/, 'a token does not travel in clear');
		is((requests())[0]{authorization}, undef, 'indeed');
		local $ENV{no_proxy} = '127.0.0.1';
		rules();
		($status) = fetch('acme/dense', '--to', new_folder);
		is($status, 0, 'no_proxy');
	}
	(undef, undef, $err) = $ask->('--proxy', 'gopher://user:pass@127.0.0.1:1');
	unlike($err, qr/pass/, 'the password of a proxy is not shown');
}

done_testing();
