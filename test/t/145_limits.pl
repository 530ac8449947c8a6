# What this proves:
#
#  1. Memory does not grow with the vectors of a call: neither for an answer as
#     JSON, which takes little more than the value itself, nor for rows.
#  2. A statement that works through millions of texts can be cancelled.
#
# Peaks are those that Linux tells of a process.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use InferenceCluster;

plan skip_all => 'needs /proc' unless -r '/proc/self/status';

my $node = InferenceCluster::start('limits');

$node->safe_psql('postgres',
	q{SELECT inference_put('text_embedding', 'wide', '{"service": "hashing", "service_settings": {"dimensions": 4096}}')});

# MB by which a statement raises the peak of a session that has done little.
sub growth
{
	my ($sql) = @_;
	my $peak = q{SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s+(\d+)'))[1]::int / 1024};
	my ($before, undef, $after) = split(/\n/,
		$node->safe_psql('postgres', "SELECT inference_embed('wide', 'x') IS NULL \\g /dev/null\n$peak;\n$sql;\n$peak"));

	return $after - $before;
}

# 500 vectors are 8 MB, their answer 31 MB.
cmp_ok(growth(q{SELECT pg_column_size(inference_infer('wide', jsonb_build_object('input', (SELECT jsonb_agg('w' || i) FROM generate_series(1, 500) i))))}),
	'<', 100, 'an answer as JSON');

# 20,000 vectors are 320 MB.
cmp_ok(growth(q{SELECT count(*) FROM inference_embed_batch('wide', ARRAY(SELECT 'w' || i FROM generate_series(1, 20000) i))}),
	'<', 200, 'rows of an array');
cmp_ok(growth(q{SELECT count(inference_embed('wide', 'w' || i)) FROM generate_series(1, 20000) i}),
	'<', 100, 'rows of a query');

my $start = time;
like(
	InferenceCluster::error_of($node, 'postgres',
		q{SET statement_timeout = '1s'; SELECT count(*) FROM inference_embed_batch('wide', array_fill('a'::text, ARRAY[1500000]))}),
	qr/57014: canceling statement due to statement timeout/,
	'a million texts are cancelled');
cmp_ok(time - $start, '<', 10, 'soon');

done_testing();
