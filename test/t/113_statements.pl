# What this proves: over statements made up at random (InferenceStatements.pm),
# inference.batching changes nothing but the number of requests: what they give,
# in which order, what they leave behind, how often and when volatile functions
# are called, and their errors, are the same.
#
# The same statements each time; for others, or more of them:
#
#   prove ... test/t/113_statements.pl :: --seed 7 --count 20000

use strict;
use warnings;

use Getopt::Long;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;
use InferenceStatements;

my ($seed, $count) = (1, 500);
GetOptions('seed=i' => \$seed, 'count=i' => \$count) or die "usage: --seed N --count N\n";

my $node = InferenceCluster::start('statements',
	conf => "inference.allow_private_addresses = on\nautovacuum = off\n");
my $statements = InferenceStatements->new($seed);

# Plans with workers give rows in the order of a plan without only if there is
# one worker, and the leader does nothing else.
my $settings = q{
	SET client_min_messages = error; SET jit = off; SET statement_timeout = '60s';
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SET parallel_leader_participation = off; SET max_parallel_workers_per_gather = 0;
};

$node->safe_psql('postgres', InferenceStatements::schema());

#
# The same answers
#

# The psql of one hundred statements; each answer begins with @ and its number.
sub outcomes
{
	my ($first, @some) = @_;
	my $number = $first;
	my $sql = join('', map { "BEGIN; $_->{settings}; SELECT '\@" . $number++ . " ' || compare('$_->{mode}', \$q\$$_->{sql}\$q\$); COMMIT;\n" } @some);
	my ($status, $out, $err) = $node->psql('postgres', "$settings$sql", on_error_stop => 0);
	my %outcome = $out =~ /^\@(\d+) (.*?)(?=\n\@\d+ |\z)/msg;

	return map { $outcome{ $first + $_ } // "no outcome: $err" } 0 .. $#some;
}

my ($batched, $failing, @different) = (0, 0);
for (my $first = 1; $first <= $count; $first += 100)
{
	my $number = $first;
	my @some = map { $statements->next } $first .. ($first + 99 < $count ? $first + 99 : $count);

	for my $outcome (outcomes($first, @some))
	{
		my $statement = $some[ $number - $first ];

		$batched++ if $outcome =~ /^[1-9]/;
		$failing++ if $outcome =~ /^\d+ same ERROR/;
		if ($outcome !~ /^\d+ same/)
		{
			push @different, $number;
			diag "seed $seed, statement $number, as $statement->{mode}: $statement->{settings};\n$statement->{sql};\n$outcome\n";
		}
		$number++;
	}
}
is("@different", '', "$count statements of seed $seed give the same with batching and without");
cmp_ok($batched, '>', $count / 2, 'most of them are batched');
cmp_ok($failing, '<', $count / 10, 'and few of them fail in both ways');

#
# No more requests
#

my $provider = InferenceProvider->start;

$node->safe_psql('postgres', 'SELECT inference_delete(id) FROM unnest(ARRAY[\'words\', \'other\']) id;'
	  . join(';', map { "SELECT inference_put('text_embedding', '$_', '{\"service\": \"openai\", \"service_settings\": {\"api_key\": \"k\", \"url\": \"" . $provider->url('/v1/embeddings', "dims=3&of=$_") . '"}}\')' } 'words', 'other'));

my (@wrong, %requests);
for my $number (1 .. 40)
{
	my $statement = $statements->next;
	my %outcome;

	for my $batching ('on', 'off')
	{
		my $made = $provider->requests_of(sub {
				$outcome{$batching} = $node->safe_psql('postgres',
					"$settings BEGIN; $statement->{settings}; SELECT outcome('$batching', '$statement->{mode}', \$q\$$statement->{sql}\$q\$); COMMIT") });

		$requests{$batching} += $made;
		$outcome{made}{$batching} = $made;
	}

	# One that fails has read ahead when it does.
	next if $outcome{on} eq $outcome{off} &&
	  ($outcome{made}{on} <= $outcome{made}{off} || $outcome{on} =~ /^ERROR/);
	push @wrong, $number;
	diag "seed $seed, statement $number of those with a provider, as $statement->{mode}: $statement->{settings};\n$statement->{sql};\n"
	  . "$outcome{made}{on} requests, without $outcome{made}{off}\n--- on\n$outcome{on}\n--- off\n$outcome{off}\n";
}
is("@wrong", '', 'nor does batching make a statement send more requests');
cmp_ok($requests{on}, q{<}, $requests{off} * 0.9, "but fewer: $requests{on} for $requests{off}");

done_testing();
