# What this proves: a key stays in its row.
#
#  1. Whoever is a member of pg_read_all_data, or of pg_read_all_stats, finds it
#     nowhere: not in statistics of any kind, not in any TOAST table, not in a
#     view, whatever was analyzed and however long the key is.  The same after
#     an upgrade from a version that left it there.
#  2. Logical decoding gives no key, to no plugin, whether it is put, updated,
#     deleted, moved by an upgrade or rewritten by VACUUM FULL.  A subscription
#     gets none, neither with its first copy nor later.
#  3. A key has a greatest length, of which all is kept.
#  4. A key goes with its server, however that goes, and never to another server
#     of the same name; a key that was left behind is not used.  pg_upgrade keeps
#     keys.
#  5. What calls the functions from PL/pgSQL does not show their statements in
#     the context of an error.
#  6. inference_models shows since when a model has its key.

use strict;
use warnings;

use Cwd qw(getcwd);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;

my $node = InferenceCluster::start('keys', allows_streaming => 'logical',
	conf => "autovacuum = off\ndefault_statistics_target = 1000\n");
my $longest = 4096;

# So that any part of it that shows is found.
my $mark = 'PlantedKey';
my $short = "sk-$mark-0";
my $long = $mark . 'x' x ($longest - 2 * length($mark)) . $mark;

sub put
{
	my ($id, $key) = @_;
	return qq{SELECT inference_put('text_embedding', '$id',
		'{"service": "openai", "service_settings": {"api_key": "$key"}}') IS NOT NULL;};
}

sub update
{
	my ($id, $key) = @_;
	return qq{SELECT inference_update('$id', '{"service_settings": {"api_key": "$key"}}') IS NOT NULL;};
}

# All rows of all relations that a role may read, and that hold the mark as
# text, as bytes or as hexadecimal digits.
$node->safe_psql('template1', q{
	CREATE ROLE reader LOGIN IN ROLE pg_read_all_data, pg_read_all_stats, pg_monitor;
	CREATE ROLE streamer LOGIN REPLICATION;
	CREATE FUNCTION public.marked(mark text) RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE
		relation record;
		found_rows bigint;
		forms text[] := ARRAY[mark, encode(mark::bytea, 'hex')];
	BEGIN
		FOR relation IN SELECT n.nspname, c.relname,
				CASE relkind WHEN 't' THEN 'chunk_data' ELSE 'r' END AS contents FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
			WHERE relkind IN ('r', 'm', 'v', 't', 'p') AND nspname NOT LIKE 'pg\_temp%'
				-- only of this session, whose memory holds the forms that are sought
				AND relname <> 'pg_backend_memory_contexts'
		LOOP
			BEGIN
				EXECUTE format('SELECT count(*) FROM %I.%I AS r WHERE %s::text ~* ANY ($1)',
					relation.nspname, relation.relname, relation.contents) INTO found_rows USING forms;
			EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state OR feature_not_supported THEN
				found_rows := 0;
			END;
			IF found_rows > 0 THEN
				RETURN NEXT format('%s rows of %I.%I', found_rows, relation.nspname, relation.relname);
			END IF;
		END LOOP;
	END $$});

# The mark in two parts, or the statement itself would be found.
sub found_by
{
	my ($role, $database) = @_;
	return $node->safe_psql($database, q{SELECT * FROM public.marked('Planted' || 'Key')},
		extra_params => [ '-U', $role ]);
}

sub decoded
{
	my ($database, $slot) = @_;
	return $node->safe_psql($database, "SELECT data FROM pg_logical_slot_get_changes('$slot', NULL, NULL, 'include-rewrites', 'true') WHERE data LIKE 'table %'",
		extra_params => [ '-U', 'streamer' ]);
}

sub open_slot
{
	my ($database, $slot) = @_;
	$node->safe_psql($database, "SELECT pg_create_logical_replication_slot('$slot', 'test_decoding')",
		extra_params => [ '-U', 'streamer' ]);
	return;
}

#
# Who reads everything
#

InferenceCluster::create_database($node, 'now');
open_slot('now', 'now');
$node->safe_psql('now', 'CREATE TABLE control (value text)');
$node->safe_psql('now', "INSERT INTO control SELECT '$short' || i % 3 FROM generate_series(1, 9) i; ANALYZE control");
like(found_by('reader', 'now'), qr/9 rows of public\.control/, 'a key in another table is found');
like(found_by('reader', 'now'), qr/pg_catalog\.pg_statistic\b/, 'and its statistics');
like(decoded('now', 'now'), qr/$mark/, 'and decoded');
$node->safe_psql('now', 'DROP TABLE control');

$node->safe_psql('now', put("short$_", "$short$_")) for (1 .. 3);
$node->safe_psql('now', put('long', $long));
$node->safe_psql('now', put('changed', 'another') . update('changed', $long) . update('changed', "$short-changed"));
$node->safe_psql('now', put('gone', $short) . q{SELECT inference_delete('gone')});
$node->safe_psql('now', 'ANALYZE; VACUUM ANALYZE inference_secret; ANALYZE inference_secret (value)');
is(found_by('reader', 'now'), '', 'who may read all data and statistics finds no key');
is($node->safe_psql('now', q{SELECT reltoastrelid FROM pg_class WHERE oid = 'inference_secret'::regclass}),
	'0', 'the table of keys has no TOAST table');
is($node->safe_psql('now', 'SELECT length(value) FROM inference_secret ORDER BY 1 DESC LIMIT 1'),
	$longest, 'the longest key is kept whole');
$node->safe_psql('now', 'VACUUM FULL inference_secret; ANALYZE inference_secret');
is(found_by('reader', 'now'), '', 'nor after VACUUM FULL');
my $changes = decoded('now', 'now');
like($changes, qr/table public\.inference_model: INSERT.*'short1'/, 'models are decoded');
unlike($changes, qr/$mark|@{[unpack 'H*', $mark]}/i, 'keys are not');
like(
	InferenceCluster::error_of($node, 'now', put('longer', "x$long")),
	qr/22023: Validation Failed: 1: \[service_settings\] Invalid value \[\.\.\.\] received for field \[api_key\]\. Error: a key can have at most $longest bytes;/,
	'a longer key is refused');

#
# Upgrades
#

$node->safe_psql('postgres', 'CREATE DATABASE old');
$node->safe_psql('old', q{CREATE EXTENSION inference VERSION '0.2'});
$node->safe_psql('old', put('short', $short) . put('other', "$short-other"));

# What 0.2 took: its own library knew no limit, so the rows are made by hand.
$node->safe_psql('old', put('longest', 'k') . put('too-long', 'k'));
$node->safe_psql('old', qq{
	SET session_replication_role = replica;
	ALTER TABLE inference_secret ALTER value SET STORAGE EXTERNAL;
	UPDATE inference_secret SET value = '$long' WHERE model_id = 'longest';
	UPDATE inference_secret SET value = ('x' || repeat('$long', 2))::bytea WHERE model_id = 'too-long';
	ANALYZE inference_secret});
like(found_by('reader', 'old'), qr/pg_toast\..*pg_catalog\.pg_statistic\b|pg_catalog\.pg_statistic\b.*pg_toast\./s,
	'0.2 left keys in statistics and TOAST');
open_slot('old', 'old');
my $upgrader = $node->background_psql('old', on_error_stop => 0);
$upgrader->query(q{SELECT _inference_show_request('short', '{x}')});
$upgrader->query('ALTER EXTENSION inference UPDATE');
like($upgrader->{stderr}, qr/WARNING:  the key of inference model "too-long" is longer than $longest bytes and was not kept\nHINT:  Set a shorter one with inference_update\(\)/,
	'an upgrade says which keys are too long');
unlike($upgrader->{stderr}, qr/$mark/, 'without quoting them');
$upgrader->query('ANALYZE');
is(found_by('reader', 'old'), '', 'after the upgrade they are nowhere');
unlike(decoded('old', 'old'), qr/$mark|@{[unpack 'H*', $mark]}/i, 'and the upgrade cannot be decoded');
is($upgrader->query(q{SELECT model_id, value = '} . $long . q{' FROM inference_secret ORDER BY 1}),
	"longest|t\nother|f\nshort|f", 'keys are still there');
like($upgrader->query(q{SELECT _inference_show_request('short', '{x}')}), qr/POST/, 'and used, in the session that upgraded');
is($upgrader->query(q{SELECT count(*) FROM inference_models WHERE key_set_at = updated_at}), '3',
	'since when the models have them is not known better');
$upgrader->quit;

#
# Keys and servers
#

my $state = q{SELECT (SELECT count(*) FROM inference_model), (SELECT count(*) FROM inference_secret)};
my $use = q{SELECT _inference_show_request('am', '{x}')};

$node->safe_psql('postgres', 'CREATE ROLE alice; CREATE ROLE eve');
for my $case (
	[ 'an extension that it is a member of', 'CREATE EXTENSION pageinspect; ALTER EXTENSION pageinspect ADD SERVER am; DROP EXTENSION pageinspect' ],
	[ 'a schema with such an extension', 'CREATE SCHEMA s; CREATE EXTENSION pageinspect SCHEMA s; ALTER EXTENSION pageinspect ADD SERVER am; DROP SCHEMA s CASCADE' ],
	[ 'DROP OWNED', 'DROP OWNED BY alice' ],
	[ 'DROP SERVER', 'DROP SERVER am' ],
	[ 'its wrapper', 'ALTER EXTENSION inference DROP FOREIGN DATA WRAPPER inference; DROP FOREIGN DATA WRAPPER inference CASCADE' ])
{
	my ($name, $sql) = @$case;

	InferenceCluster::create_database($node, 'servers');
	$node->safe_psql('servers', 'GRANT USAGE ON FOREIGN DATA WRAPPER inference TO alice, eve');
	$node->safe_psql('servers', 'SET ROLE alice;' . put('am', $short));
	$node->safe_psql('servers', $sql);
	is($node->safe_psql('servers', $state), '0|0', "the key goes with $name");
	$node->safe_psql('postgres', 'DROP DATABASE servers');
}

# Event triggers can be off.
my $off = 'ALTER EVENT TRIGGER inference_server_dropped DISABLE';
InferenceCluster::create_database($node, 'servers');
$node->safe_psql('servers', 'GRANT USAGE ON FOREIGN DATA WRAPPER inference TO alice, eve');
$node->safe_psql('servers', 'SET ROLE alice;' . put('am', $short));
$node->safe_psql('servers', "$off; DROP SERVER am");
is($node->safe_psql('servers', $state), '1|1', "$off: it is left behind");
$node->safe_psql('servers', 'SET ROLE eve; CREATE SERVER am FOREIGN DATA WRAPPER inference');
like(InferenceCluster::error_of($node, 'servers', "SET ROLE eve; $use"),
	qr/55000: inference model "am" has no key/, 'and not used by another server of the name');
is($node->safe_psql('servers', 'SELECT key_set_at IS NULL FROM inference_models'), 't', 'nor shown');
like(InferenceCluster::error_of($node, 'servers', q{SET ROLE eve; SELECT inference_update('am', '{"service_settings": {"url": "https://eve.example.org/"}}')}),
	qr/does not contain the required setting \[api_key\]/, 'nor taken along by an update');
$node->safe_psql('servers', 'SET ROLE eve;' . update('am', 'sk-eve'));
is($node->safe_psql('servers', q{SELECT convert_from(value, 'UTF8') FROM inference_secret}), 'sk-eve', 'which brings its own');
$node->safe_psql('postgres', 'DROP DATABASE servers');

#
# pg_upgrade
#

# Servers have other OIDs then: two that are gone see to that.
my $before = InferenceCluster::start('before');
$before->safe_psql('postgres', 'CREATE ROLE alice; GRANT USAGE ON FOREIGN DATA WRAPPER inference TO alice');
$before->safe_psql('postgres', put('first', 'k') . put('second', 'k') . 'SET ROLE alice;' . put('am', $short));
$before->safe_psql('postgres', 'DROP SERVER first, second');
my $server = q{SELECT oid FROM pg_foreign_server WHERE srvname = 'am'};
my $oid = $before->safe_psql('postgres', $server);
$before->stop;
my $after = PostgreSQL::Test::Cluster->new('after');
$after->init;
my $here = getcwd();
chdir $PostgreSQL::Test::Utils::tmp_check;
my $bindir = $before->config_data('--bindir');
command_ok(
	[ 'pg_upgrade', '-d', $before->data_dir, '-D', $after->data_dir, '-b', $bindir, '-B', $bindir,
		'-s', $after->host, '-p', $before->port, '-P', $after->port ],
	'pg_upgrade');
chdir $here;
$after->start;
isnt($after->safe_psql('postgres', $server), $oid, 'a server has another OID');
like($after->safe_psql('postgres', "SET ROLE alice; $use"), qr/POST https:\/\/api\.openai\.com/, 'and keeps its key');
$after->safe_psql('postgres', 'SET ROLE alice;' . update('am', "$short-new"));
$after->safe_psql('postgres', "$off; DROP SERVER am; CREATE SERVER am FOREIGN DATA WRAPPER inference");
like(InferenceCluster::error_of($after, 'postgres', $use), qr/has no key/, 'one given since is held to the new server');
$after->stop;

#
# Subscriptions
#

my $subscriber = InferenceCluster::start('subscriber');
$node->safe_psql('now', 'CREATE PUBLICATION everything FOR ALL TABLES');
$subscriber->safe_psql('postgres', 'CREATE SUBSCRIPTION s CONNECTION $$' . $node->connstr('now') . '$$ PUBLICATION everything');
$subscriber->poll_query_until('postgres', q{SELECT bool_and(srsubstate IN ('r', 's')) FROM pg_subscription_rel})
  or die 'no first copy';
is($subscriber->safe_psql('postgres', q{SELECT count(*) > 0 FROM inference_model}), 't', 'a subscription copies settings');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM inference_secret'), '0', 'and no keys');
$node->safe_psql('now', put('published', "$short-published"));
$node->wait_for_catchup('s');
is($subscriber->safe_psql('postgres', q{SELECT (SELECT count(*) FROM inference_model WHERE model_id = 'published'), (SELECT count(*) FROM inference_secret)}),
	'1|0', 'nor gets any later');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');
$subscriber->stop;

#
# PL/pgSQL
#

my ($status, $stdout, $stderr) = $node->psql('now', "\\set VERBOSITY verbose\n"
	  . qq{DO \$\$ BEGIN PERFORM inference_put('text_embedding', 'short1', '{"service": "openai", "service_settings": {"api_key": "$short"}}'); END \$\$});
like($stderr, qr/42710: Model \[short1\] already exists/, 'a put in PL/pgSQL fails');
unlike($stderr, qr/$mark/, 'and the context of the error does not show its statement');
($status, $stdout, $stderr) = $node->psql('now',
	qq{DO \$\$ BEGIN PERFORM inference_update('short1', '{"service_settings": {"api_key": "$short", "x": 1}}'); END \$\$});
like($stderr, qr/unknown to the \[openai\] service/, 'an update as well');
unlike($stderr, qr/$mark/, 'does not show it');
for my $null ("inference_put(NULL, 'short1', '...')", "inference_put('text_embedding', NULL, '...')", "inference_put('text_embedding', 'short1', '...', NULL)",
	"inference_put(NULL, '...')", "inference_update(NULL, '...')", "inference_update('text_embedding', NULL, '...')",
	"inference_update('short1', NULL, '...')", "inference_update(NULL, 'short1', '...', true)")
{
	my $call = $null =~ s/\.\.\./{"service_settings": {"api_key": "$short"}}/r;

	$stderr = InferenceCluster::error_of($node, 'now', qq{DO \$\$ BEGIN PERFORM $call; END \$\$});
	like($stderr, qr/must not be null/, "$null fails");
	unlike($stderr, qr/$mark/, 'and does not show its statement either');
}
like(InferenceCluster::error_of($node, 'now', q{DO $$ BEGIN PERFORM 1 / 0; END $$}), qr/PL\/pgSQL function inline_code_block/,
	'others do');

#
# Since when
#

$node->safe_psql('now', q{SELECT inference_put('text_embedding', 'words', '{"service": "hashing"}')});
is($node->safe_psql('now', q{SELECT model_id FROM inference_models WHERE key_set_at IS NULL}), 'words',
	'a model without key shows no time');
my $seen = q{SELECT key_set_at = created_at, key_set_at = updated_at FROM inference_models WHERE model_id = 'short1'};
is($node->safe_psql('now', $seen), 't|t', 'another the time of the put');
$node->safe_psql('now', q{SELECT inference_update('short1', '{"task_settings": {"user": "x"}}')});
is($node->safe_psql('now', $seen), 't|f', 'which an update of other settings leaves');
$node->safe_psql('now', update('short1', "$short-new"));
is($node->safe_psql('now', $seen), 'f|t', 'and one of the key does not');
is($node->safe_psql('now', q{SET ROLE eve; SELECT count(key_set_at) FROM inference_models}), '6', 'everyone sees that');

done_testing();
