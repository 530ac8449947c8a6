# What this proves:
#
#  1. A statement ends, whatever mixture of refusals, rate limits and failures
#     its requests meet, and whatever waits for what.
#  2. The text that a service refuses, or fails on, is named: its row where rows
#     are read in batches, its place in an array.
#  3. A server that fails on everything is not taken for one that dislikes a text.
#  4. A server that works through its requests one by one is asked so much that
#     none runs out of time; a fast one is not held up.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

# No statement here takes long; what hangs is cancelled.
my $node = InferenceCluster::start('refusals',
	conf => "inference.allow_private_addresses = on\nstatement_timeout = '60s'\n");
my $provider = InferenceProvider->start;

sub put
{
	my ($id, $fault) = @_;
	my $url = $provider->url('/v1/embeddings', $fault ? "fault=$fault" : '');

	$node->safe_psql('postgres',
		qq{SELECT inference_put('text_embedding', '$id', '{"service": "openai", "service_settings": {"api_key": "k", "url": "$url"}}')});
	return $id;
}

sub error_of { return InferenceCluster::error_of($node, 'postgres', $_[0]); }

$node->safe_psql('postgres', q{
	CREATE TABLE docs (id int PRIMARY KEY, body text, v real[]);
	INSERT INTO docs SELECT i, CASE i WHEN 777 THEN 'arsenic' ELSE 'text ' || i END FROM generate_series(1, 1000) i});

#
# It ends
#

my $of_rows = q{SELECT count(inference_embed('%s', body)) FROM docs};
my $of_array = q{SELECT count(embedding) FROM inference_embed_batch('%s', ARRAY(SELECT body FROM docs ORDER BY id))};
my $quick = q{SET inference.max_retries = 9; };

for my $status (429, 500, 502, 503)
{
	my $id = put("poisoned$status", "poison:arsenic;sometimes:$status:3");

	# 500 may come twice for any text alone, and is then taken to be about that
	my $of_row = $status == 500 ? '' : '38000: .*DETAIL:  .* refuses the text of row 777: HTTP status 400';
	my $of_text = $status == 500 ? '' : '38000: .*DETAIL:  .* refuses text 777: HTTP status 400';

	like(error_of($quick . sprintf($of_rows, $id)), qr/could not get embeddings/, "a refused text beside $status");
	like(error_of($quick . sprintf($of_rows, $id)), qr/$of_row/s, 'is named');
	like(error_of($quick . sprintf($of_array, $id)), qr/$of_text/s, 'in an array, too');
	$id = put("limited$status", "limit:5;sometimes:$status:7");
	is($node->safe_psql('postgres', $quick . "SELECT count(inference_embed('$id', body)) FROM docs WHERE id <= 200"),
		'200', "a limit on texts beside $status");
}

#
# What it names
#

put('poisoned', 'poison:arsenic');
put('breaking', 'breaks:arsenic');
for my $case ([ 'poisoned', '38000', 'refuses' ], [ 'breaking', '58000', 'fails on' ])
{
	my ($id, $sqlstate, $verb) = @$case;

	for my $sql ("SELECT inference_embed('$id', body) FROM docs ORDER BY id",
		"UPDATE docs SET v = inference_embed('$id', body)",
		"CREATE TABLE copy AS SELECT id, inference_embed('$id', body) FROM docs")
	{
		like(error_of($sql), qr/$sqlstate: could not get embeddings.*\nDETAIL:  Service "openai" at 127\.0\.0\.1 $verb the text of row 777: HTTP status/,
			"$id: " . substr($sql, 0, 10));
	}
	like(error_of("SELECT inference_infer('$id', jsonb_build_object('input', ARRAY['a', body])) FROM docs"),
		qr/$sqlstate: .*\nDETAIL:  .* $verb text 2 of row 777: /, "$id: inference_infer");
	like(error_of(sprintf($of_array, $id)), qr/$sqlstate: .*\nDETAIL:  .* $verb text 777: /, "$id: an array");
}
cmp_ok($provider->requests_of(sub { error_of(sprintf($of_array, 'breaking')) }), '<=', 40, 'in few requests');
unlike(error_of(sprintf($of_array, 'breaking')), qr/arsenic/, 'without its text');

put('dead', 'status:500');
cmp_ok(
	$provider->requests_of(sub {
			like(error_of(sprintf($of_rows, 'dead')), qr/58000: .*\nDETAIL:  Service "openai" at 127\.0\.0\.1: HTTP status 500: mock says 500/,
				'a server that fails on all fails on no text');
	}), '<', 64, 'and is soon given up');

#
# How much it is asked
#

put('serial', 'serial:15');
is($node->safe_psql('postgres', "SET inference.request_timeout = '3s'; SELECT count(inference_embed('serial', body)) FROM docs WHERE id <= 400"),
	'400', 'a server that takes one request at a time');
cmp_ok($provider->stats->{max_concurrent}, '>', 0);
put('slow', 'serial:12&id=slow');
is($node->safe_psql('postgres', "SET inference.request_timeout = '500ms'; SELECT count(embedding) FROM inference_embed_batch('slow', ARRAY(SELECT body FROM docs WHERE id <= 100 ORDER BY id))"),
	'100', 'one that cannot answer so many texts in time is asked for fewer');

put('fast');
my $session = $node->background_psql('postgres');
$session->query(sprintf($of_rows, 'fast'));
is($provider->requests_of(sub { $session->query(sprintf($of_rows, 'fast')) }), 16, 'a fast one is asked for as many as ever');
$session->quit;

done_testing();
