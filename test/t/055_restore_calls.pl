# What this proves, by a dump and restores of tables that call a keyed model:
#
#  1. A plain restore of a CHECK constraint or a materialized view that calls
#     the model fails, and the hint names the chapter with the steps.
#  2. The steps of that chapter, as written there, restore everything, with
#     --exit-on-error.
#  3. A constraint that is NOT VALID, a default, a trigger and a view need no
#     steps, and cost no request.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('restore_calls', conf => "inference.allow_private_addresses = on\n");
my $provider = InferenceProvider->start;
my $tempdir = PostgreSQL::Test::Utils::tempdir();
my $url = $provider->url('/v1/embeddings', 'dims=3');
my $hint = qr/HINT:  .*"What calls a model during a restore" in docs\/operations.md/;
my $give_key = q{SELECT inference_update('keyed', '{"service_settings": {"api_key": "sk-again"}}')};

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;

sub make_database
{
	my ($name, $sql) = @_;

	InferenceCluster::create_database($node, $name);
	$node->safe_psql($name, qq{
		SELECT inference_put('text_embedding', 'keyed',
			'{"service": "openai", "service_settings": {"api_key": "sk-first", "url": "$url"}}');
		CREATE TABLE docs (id int PRIMARY KEY, body text, v real[]);
		INSERT INTO docs VALUES (1, 'a'), (2, 'b');
		$sql});
	$node->command_ok([ 'pg_dump', '-Fc', '-f', "$tempdir/$name.dump", $name ], "$name: dump");
	return;
}

# What pg_restore says; empty if it succeeds.
sub restore
{
	my ($database, @arguments) = @_;
	my $stderr;
	my $ok = IPC::Run::run([ 'pg_restore', '--exit-on-error', '-d', $database, @arguments ], '2>', \$stderr);

	return $ok ? '' : $stderr || 'no message';
}

sub state_of
{
	my ($database) = @_;
	return $node->safe_psql($database, q{
		SELECT inference_get();
		SELECT * FROM docs ORDER BY id;
		SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'docs'::regclass ORDER BY 1;
		SELECT relname, relkind, relispopulated FROM pg_class WHERE relkind IN ('v', 'm') AND relname LIKE 'docs%' ORDER BY 1;
		SELECT tgname FROM pg_trigger WHERE tgrelid = 'docs'::regclass});
}

# The steps, as the chapter has them.
my ($chapter) = slurp_file('docs/operations.md') =~ /^### What calls a model during a restore\n(.*?)^### /ms;
my ($steps) = $chapter =~ /^( {4}.*\n(?: {4}.*\n|\n)*)/m;
like($steps, qr/pg_restore.*pg_restore/s, 'the chapter has steps');

sub follow_steps
{
	my ($source, $target) = @_;
	my $script = $steps;

	$script =~ s/\bapp_copy\b/$target/g;
	$script =~ s/\bapp\.dump app\b/app.dump $source/;
	$script =~ s/^ *psql .*$/    psql -Xq -v ON_ERROR_STOP=1 -d $target -f $tempdir\/keys.sql/m or die;
	append_to_file("$tempdir/keys.sql", $give_key) unless -e "$tempdir/keys.sql";
	my ($stdout, $stderr);
	my $ok = IPC::Run::run([ 'bash', '-e', '-c', "cd $tempdir\n$script" ], '>', \$stdout, '2>', \$stderr);
	return $ok ? '' : $stderr;
}

#
# What needs steps
#

my %calls = (
	a_check => q{ALTER TABLE docs ADD CONSTRAINT whole CHECK (cardinality(inference_embed('keyed', body)) = 3);},
	a_view => q{CREATE MATERIALIZED VIEW docs_embedded AS SELECT id, inference_embed('keyed', body) AS v FROM docs;});
$calls{a_check_and_a_view} = "$calls{a_check}\n$calls{a_view}";
for my $name (sort keys %calls)
{
	make_database($name, $calls{$name});
	$node->safe_psql('postgres', "CREATE DATABASE plain_$name");
	like(restore("plain_$name", "$tempdir/$name.dump"), $hint, "$name: a plain restore fails with a hint");
	is(follow_steps($name, "steps_$name"), '', "$name: the steps work");
	is(state_of("steps_$name"), state_of($name), "$name: everything is there");
	is(InferenceCluster::halves($node, "steps_$name"), '', "$name: models are whole");
}
is( $node->safe_psql('steps_a_view', 'SELECT e.v = inference_embed(\'keyed\', body) FROM docs_embedded e JOIN docs USING (id)'),
	"t\nt", 'the view was filled');

#
# What needs none
#

make_database('easy', q{
	ALTER TABLE docs ADD CONSTRAINT later CHECK (cardinality(inference_embed('keyed', body)) = 3) NOT VALID;
	ALTER TABLE docs ALTER v SET DEFAULT inference_embed('keyed', 'default');
	CREATE VIEW docs_view AS SELECT inference_embed('keyed', body) FROM docs;
	CREATE MATERIALIZED VIEW docs_empty AS SELECT inference_embed('keyed', body) FROM docs WITH NO DATA;
	CREATE TRIGGER e BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('keyed', 'v', 'body');});
$node->safe_psql('postgres', 'CREATE DATABASE easy_again');
is($provider->requests_of(sub { is(restore('easy_again', "$tempdir/easy.dump"), '', 'a plain restore') }), 0, 'no request');
is(state_of('easy_again'), state_of('easy'), 'everything is there');
$node->safe_psql('easy_again', $give_key);
is($provider->requests_of(sub { $node->safe_psql('easy_again', q{INSERT INTO docs VALUES (3, 'c', NULL)}) }), 2,
	'trigger and constraint count again');

done_testing();
