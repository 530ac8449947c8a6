# What this proves, of the program inference-engine:
#
#  1. It teaches: help of the program and of each command; wrong arguments are
#     named, and end with status 2.
#  2. inspect tells what a model is; what cannot be opened, and why.
#  3. embed answers each line, in order, as the golden answers say; a bad line
#     is answered by an error in its place; long texts are counted; a line is
#     answered before the next one is written.
#  4. Packed weights are made once, found by the next start, mended where they
#     were damaged, and shared by programs that run at once.
#  5. bench measures what it is asked for.
#  6. docs/engine.md knows every command and option.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Copy;
use File::Path qw(make_path);
use IPC::Run qw(run start pump finish timeout);
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use Test::More;

my $engine = abs_path($ENV{INFERENCE_ENGINE} || './inference-engine');
plan skip_all => 'inference-engine was not built' unless $engine && -x $engine;

my $models = abs_path('test/models');
my $cache = PostgreSQL::Test::Utils::tempdir;
my @cache = ('--cache', $cache);

# Runs the program: its status, what it wrote, and what it said.
sub engine
{
	my ($input, @arguments) = @_;
	my ($out, $err) = ('', '');

	run [ $engine, @arguments ], '<', \$input, '>', \$out, '2>', \$err, timeout(120);
	return ($? >> 8, $out, $err);
}

sub golden { return decode_json(slurp_file("$models/$_[0]/golden.json")) }

sub cosine
{
	my ($a, $b) = @_;
	my ($product, $x, $y) = (0, 0, 0);
	my %keys = map { $_ => 1 } (keys %$a, keys %$b);

	for (keys %keys)
	{
		my ($p, $q) = ($a->{$_} // 0, $b->{$_} // 0);
		$product += $p * $q;
		$x += $p * $p;
		$y += $q * $q;
	}
	return $product / sqrt($x * $y);
}

# An array as a map of places, so that both kinds of answers compare alike.
sub as_map { my ($answer) = @_; return ref $answer eq 'HASH' ? $answer : { map { $_ => $answer->[$_] } 0 .. $#$answer } }

# --- 1. Help and wrong arguments

my ($status, $out, $err) = engine('', '--help');
is($status, 0, '--help');
like($out, qr/inference-engine \Q$_\E /, "--help names $_") for qw(inspect embed bench fetch);
for my $command (qw(inspect embed bench fetch))
{
	($status, $out, $err) = engine('', $command, '--help');
	is($status, 0, "$command --help");
	like($out, qr/^inference-engine $command /, "$command --help begins with its arguments");
	is($err, '', "$command --help is no error");
}
($status, $out, $err) = engine('', '--version');
like($out, qr/^inference-engine \d+\.\d+$/, '--version');

my @wrong = (
	[ [], qr/turns text into vectors/, 'nothing' ],
	[ ['frobnicate'], qr/there is no command "frobnicate"/, 'another command' ],
	[ ['embed'], qr/the folder of a model is missing/, 'no folder' ],
	[ [ 'embed', 'a', 'b' ], qr/more than one folder/, 'two folders' ],
	[ [ 'embed', 'a', '--precision', 'fp8' ], qr/precision "fp8" is none of auto, fp32, bf16, fp16 and int8/, 'another precision' ],
	[ [ 'embed', 'a', '--threads', '0' ], qr/number of threads "0" is not a whole number from 1 to/, 'no thread' ],
	[ [ 'embed', 'a', '--threads', '2x' ], qr/number of threads "2x"/, 'half a number' ],
	[ [ 'inspect', 'a', '--frob' ], qr/unrecognized option.*--help/s, 'another option' ],
	[ [ 'bench', "$models/tiny-dense", @cache, '--shapes', '8by16' ], qr/"8by16" does not begin with a shape/, 'no shape' ]);
for (@wrong)
{
	my ($arguments, $message, $name) = @$_;

	($status, $out, $err) = engine('', @$arguments);
	is($status, 2, "$name: status 2");
	like($err, $message, "$name: said");
}

# --- 2. inspect

($status, $out, $err) = engine('', 'inspect', "$models/tiny-sparse", @cache);
is($status, 0, 'inspect');
like($out, qr/^architecture +DistilBERT$/m, 'inspect: architecture');
like($out, qr/^answers +sparse: weights of tokens, without special ones$/m, 'inspect: answers');
like($out, qr/^layers +2, hidden size 64, 4 heads, inner size 128$/m, 'inspect: sizes');
like($out, qr/^precision +(fp32|bf16|fp16)$/m, 'inspect: precision that auto stands for');
like($out, qr/^packed weights +\Q$cache\E\/\S+, [\d.]+ MB, made now$/m, 'inspect: packed now');
(undef, $out) = engine('', 'inspect', "$models/tiny-sparse", @cache);
like($out, qr/^packed weights .* found$/m, 'inspect: packed before');
(undef, $out) = engine('', 'inspect', "$models/tiny-sparse", @cache, '--json');
{
	my $json = decode_json($out);

	is("@$json{qw(architecture answers pooling layers heads width max_tokens)}", 'distilbert sparse max 2 4 234 64', 'inspect --json');
	ok(-f $json->{packed_file} && $json->{packed_bytes} > 0, 'inspect --json: the packed file');
}
(undef, $out) = engine('', 'inspect', "$models/tiny-dense", '--cache', '/nonexistent');
like($out, qr/^packed weights +in private memory, .*: .*\/nonexistent/m, 'inspect: no folder to pack to');

for ([ '/nonexistent', qr/could not open file "\/nonexistent\/config.json": No such file/ ],
	[ $cache, qr/config.json/ ])
{
	($status, $out, $err) = engine('', 'inspect', $_->[0]);
	is($status, 1, 'no model: status 1');
	like($err, $_->[1], 'no model: said');
}

# --- 3. embed

for my $model (qw(tiny-dense tiny-cls tiny-sparse tiny-splade))
{
	my $golden = golden($model);
	my @texts = grep { $_->{text} !~ /[\n\r]/ } @$golden;
	my $input = join('', map { my $text = $_->{text}; utf8::encode($text); "$text\n" } @texts);

	for my $precision (qw(fp32 bf16 fp16 int8))
	{
		my @lines;
		my $worst = 1;

		($status, $out, $err) = engine($input, 'embed', "$models/$model", @cache, '--precision', $precision, '--threads', 2);
		@lines = split(/\n/, $out);
		is($status, 0, "$model, $precision: status");
		is(scalar(@lines), scalar(@texts), "$model, $precision: a line for each text");
		for (0 .. $#lines)
		{
			my $cosine = cosine(as_map(decode_json($lines[$_])), as_map($texts[$_]{vector} // $texts[$_]{tokens}));
			$worst = $cosine if $cosine < $worst;
		}
		cmp_ok($worst, '>=', { fp32 => 0.999999, int8 => 0.99 }->{$precision} // 0.999, "$model, $precision: golden");
		my $ntruncated = grep { $_->{truncated} } @texts;
		like($err, $ntruncated ? qr/^inference-engine: $ntruncated of \d+ texts were longer than the model takes and were cut/ : qr/^$/,
			"$model, $precision: texts that were cut are counted");
	}
}

($status, $out, $err) = engine("good\nb\xffd\n\nlast", 'embed', "$models/tiny-dense", @cache);
my @lines = split(/\n/, $out);
is($status, 1, 'a bad line: status 1');
is(scalar(@lines), 4, 'a bad line: the others are answered');
is_deeply(decode_json($lines[1]), { error => 'the text is not valid UTF-8 at byte offset 1' }, 'a bad line: an error in its place');
is(ref decode_json($lines[$_]), 'ARRAY', "a bad line: line $_ is good") for (0, 2, 3);
like($err, qr/1 of 4 texts could not be embedded/, 'a bad line: counted');

my ($unix, $dos) = map { (engine($_, 'embed', "$models/tiny-dense", @cache))[1] } ("one\ntwo\n", "one\r\ntwo\r\n");
is($dos, $unix, 'lines may end as those of DOS do');
is((engine('', 'embed', "$models/tiny-dense", @cache))[1], '', 'no lines, no answers');

# More lines than a call takes, and one that is read in many pieces.
my $many = join('', map { "text number $_\n" } 1 .. 500) . ('long ' x 40_000) . "\n";
($status, $out, $err) = engine($many, 'embed', "$models/tiny-dense", @cache);
is(scalar(split(/\n/, $out)), 501, 'many lines');
like($err, qr/line 501 the first/, 'many lines: which was cut');

# A conversation.
{
	my ($in, $answers, $said) = ('', '', '');
	my $talk = start [ $engine, 'embed', "$models/tiny-dense", @cache ], '<', \$in, '>', \$answers, '2>', \$said, timeout(60);

	for my $n (1 .. 3)
	{
		$in .= "hello\n";
		pump $talk until ($answers =~ tr/\n//) >= $n;
	}
	finish $talk;
	is(scalar(split(/\n/, $answers)), 3, 'each line is answered before the next is written');
}

SKIP:
{
	skip 'there is no /dev/full', 2 unless -e '/dev/full';
	my ($in, $said) = ("hello\n", '');

	run [ $engine, 'embed', "$models/tiny-dense", @cache ], '<', \$in, '>', '/dev/full', '2>', \$said;
	is($? >> 8, 1, 'a full disk: status 1');
	like($said, qr/could not write answers: No space left on device/, 'a full disk: said');
}

# --- 4. Packed weights

{
	my $own = "$cache/own";
	my $golden = golden('tiny-dense')->[1];
	my $check = sub {
		my ($name) = @_;
		my (undef, $out) = engine("$golden->{text}\n", 'embed', "$models/tiny-dense", '--cache', $own, '--precision', 'fp32');

		cmp_ok(cosine(as_map(decode_json($out)), as_map($golden->{vector})), '>=', 0.999999, $name);
	};
	my ($packed, $bytes);

	make_path($own);
	$check->('packed: made');
	($packed) = glob("$own/inference-*-fp32-*.packed");
	$bytes = slurp_file($packed);
	for my $damage ([ 'cut short', substr($bytes, 0, length($bytes) / 2) ],
		[ 'with other bytes', substr($bytes, 0, 5000) . ('x' x 100) . substr($bytes, 5100) ],
		[ 'empty', '' ])
	{
		open(my $file, '>:raw', "$packed.new") or die $!;
		print $file $damage->[1];
		close($file);
		move("$packed.new", $packed);
		$check->("packed: $damage->[0], mended");
		is(slurp_file($packed), $bytes, "packed: $damage->[0], made anew");
	}

	# Several that find nothing, at once.
	unlink($packed);
	my @outs = map { '' } 1 .. 4;
	my @runs = map { my $n = $_; start [ $engine, 'embed', "$models/tiny-dense", '--cache', $own, '--precision', 'fp32' ],
		'<', \"hello\n", '>', \$outs[$n] } 0 .. 3;
	finish $_ for @runs;
	is(scalar(grep { $_ eq $outs[0] && $_ ne '' } @outs), 4, 'packed: by four at once');
	is_deeply([ glob("$own/.inference*") ], [], 'packed: nothing is left behind');
}

# --- 5. bench

($status, $out, $err) = engine('', 'bench', "$models/tiny-dense", @cache, '--seconds', 0, '--shapes', '1x16,4x8,1x1000');
is($status, 0, 'bench');
like($out, qr/^opened in \d+ ms, first answer after \d+ ms$/m, 'bench: how soon');
like($out, qr/^ +1x16 +[\d.]+ +[\d.]+ +\d+ +\d+$/m, 'bench: a shape');
like($out, qr/^ +4x8 +[\d.]+/m, 'bench: another');
like($out, qr/^ +1x1000 +longer than the model takes$/m, 'bench: one that is too long');
like($out, qr/^memory: [\d.]+ MB at most, of which now [\d.]+ MB are written/m, 'bench: memory');

# --- 6. The page

my $page = slurp_file('docs/engine.md');
for my $command (qw(inspect embed bench fetch))
{
	my (undef, $help) = engine('', $command, '--help');

	like($page, qr/inference-engine $command\b/, "docs/engine.md knows $command");
	like($page, qr/\Q$_\E\b/, "docs/engine.md knows $command $_") for ($help =~ /(--[a-z-]+)/g);
}

done_testing();
