# What this proves: models that are not whole are named, and can be mended or
# removed.
#
#  1. A subscription to all tables brings settings, but no servers; the error
#     says so, inference_put makes the model whole, and its own key counts.
#  2. A model that the publisher deletes leaves its server on a subscriber that
#     began as a copy; inference_put takes it with its grants.
#  3. Event triggers that do not run leave settings and key of a dropped server;
#     with session_replication_role = replica they do run.
#  4. A dump that is restored without data leaves servers; triggers on tables of
#     it come back with a warning.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;

my $publisher = InferenceCluster::start('publisher', allows_streaming => 'logical');
my $subscriber = InferenceCluster::start('subscriber');

sub put
{
	my ($id, $key) = @_;
	return qq{SELECT inference_put('text_embedding', '$id',
		'{"service": "openai", "service_settings": {"api_key": "$key"}}')};
}

sub key_of
{
	my ($node, $id) = @_;
	return $node->safe_psql('postgres',
		"SELECT convert_from(value, 'UTF8') FROM inference_secret WHERE model_id = '$id'");
}

my $no_settings = qr/42704: Model not found \[\S+\]\nDETAIL:  There is a foreign server of this name, but not the model's settings\..*\nHINT:  .*inference_put\(\).*inference_delete\(\)/;
my $no_server = qr/42704: Model not found \[\S+\]\nDETAIL:  The model's settings are there, but not its foreign server\..*\nHINT:  .*inference_put\(\).*inference_delete\(\)/;

# Both nodes have this one, as if the subscriber had begun as a copy.
$_->safe_psql('postgres', put('copied', 'sk-first')) for $publisher, $subscriber;
$subscriber->safe_psql('postgres', q{
	CREATE ROLE app;
	GRANT USAGE ON FOREIGN SERVER copied TO app});
$publisher->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
$subscriber->safe_psql('postgres',
	q{CREATE SUBSCRIPTION s CONNECTION $$} . $publisher->connstr('postgres')
	  . q{$$ PUBLICATION everything WITH (copy_data = false)});
$publisher->safe_psql('postgres', put('brought', 'sk-of-publisher'));
$publisher->safe_psql('postgres', q{SELECT inference_delete('copied')});
$publisher->wait_for_catchup('s');

is(InferenceCluster::halves($subscriber, 'postgres'), "key copied\nrow brought\nserver copied",
	'logical replication leaves halves');
for my $case ([ 'brought', $no_server ], [ 'copied', $no_settings ])
{
	my ($id, $error) = @$case;

	for my $sql (
		"SELECT inference_embed('$id', 'x')",
		"SELECT inference_get('$id')",
		"SELECT inference_update('$id', '{}')")
	{
		like(InferenceCluster::error_of($subscriber, 'postgres', $sql), $error, $sql);
	}
	$subscriber->safe_psql('postgres', put($id, 'sk-of-subscriber'));
	is(key_of($subscriber, $id), 'sk-of-subscriber', "$id is whole again, with the new key");
}
is(InferenceCluster::halves($subscriber, 'postgres'), '', 'nothing is halved any more');
is( $subscriber->safe_psql('postgres', q{SELECT has_server_privilege('app', 'copied', 'USAGE')}),
	't', 'grants on the server that was left count');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');

#
# Event triggers that do not run
#

$subscriber->safe_psql('postgres', q{
	SET session_replication_role = replica;
	DROP SERVER brought});
is(InferenceCluster::halves($subscriber, 'postgres'), '', 'DROP SERVER as a replica leaves nothing');

my $has_setting = $subscriber->safe_psql('postgres', q{SELECT count(*) FROM pg_settings WHERE name = 'event_triggers'});
$subscriber->safe_psql('postgres', $has_setting ? 'SET event_triggers = off; DROP SERVER copied' : q{
	ALTER EVENT TRIGGER inference_server_dropped DISABLE;
	DROP SERVER copied;
	ALTER EVENT TRIGGER inference_server_dropped ENABLE ALWAYS});
is(InferenceCluster::halves($subscriber, 'postgres'), 'row copied', 'DROP SERVER without event triggers leaves a half');
like(InferenceCluster::error_of($subscriber, 'postgres', q{SELECT inference_embed('copied', 'x')}), $no_server, 'which is named');
is( $subscriber->safe_psql('postgres', q{SELECT inference_delete('copied')}),
	'{"acknowledged": true}', 'and can be removed');
is(InferenceCluster::halves($subscriber, 'postgres'), '', 'nothing is left');
is(key_of($subscriber, 'copied'), '', 'the key neither');

#
# A dump without data
#

$publisher->safe_psql('postgres', q{
	SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 4}}');
	CREATE TABLE docs (id int PRIMARY KEY, body text, v real[]);
	CREATE TRIGGER e BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
	SET check_function_bodies = off;
	CREATE TRIGGER never AFTER INSERT ON docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
	ALTER TABLE docs DISABLE TRIGGER never});
my $dump = PostgreSQL::Test::Utils::tempdir() . '/schema.dump';
$publisher->command_ok([ 'pg_dump', '-Fc', '--schema-only', '--no-publications', '-f', $dump, 'postgres' ], 'dump without data');
$publisher->safe_psql('postgres', 'CREATE DATABASE empty');
my $stderr;
{
	local $ENV{PGHOST} = $publisher->host;
	local $ENV{PGPORT} = $publisher->port;
	ok(IPC::Run::run([ 'pg_restore', '--exit-on-error', '-d', 'empty', $dump ], '2>', \$stderr), 'restore of it');
}
is(InferenceCluster::halves($publisher, 'empty'), "server brought\nserver words", 'it has servers only');
like(InferenceCluster::error_of($publisher, 'empty', q{INSERT INTO docs VALUES (1, 'x')}),
	qr/${no_settings}.*\nCONTEXT:  trigger "e" on table "docs", row with key \(id\)=\(1\)/, 'its trigger says so');
$publisher->safe_psql('empty', q{
	SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 4}}')});
is( $publisher->safe_psql('empty', q{INSERT INTO docs VALUES (1, 'x') RETURNING cardinality(v)}),
	'4', 'and works once the model is whole');
is( $publisher->safe_psql('empty', q{SELECT string_agg(tgname, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'docs'::regclass}),
	'e never', 'a trigger that cannot work was restored, too');

done_testing();
