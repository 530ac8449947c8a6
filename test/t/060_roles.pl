# What this proves:
#
#  1. DROP ROLE is refused while the role owns a model or may use one or put
#     some, and says which.
#  2. REASSIGN OWNED gives a role's models to another, who can do all with them;
#     the key stays, the old owner has lost his rights, DROP ROLE works then.
#  3. DROP OWNED removes a role's models with row and key, and the grants that
#     it had on others' models; triggers that use them say so at their next
#     firing.  It is refused while something hangs on the server.
#  4. ALTER SERVER ... OWNER TO moves a model, only to who may put models; a
#     rename or options are refused, saying what to do instead.
#  5. DROP SERVER is a delete, DROP EXTENSION takes all, and CREATE EXTENSION
#     in the same session begins with nothing.
#  6. Who may do what: owner, grantee, grantee of a group, PUBLIC, nobody; a
#     SECURITY DEFINER function uses its owner's rights, a trigger its table's
#     owner's.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;

my $node = InferenceCluster::start('roles');
my $db = 'postgres';

sub as
{
	my ($role, $sql) = @_;
	return $node->safe_psql($db, "SET ROLE $role; $sql");
}

sub fails_as
{
	my ($role, $sql, $like, $name) = @_;
	like(InferenceCluster::error_of($node, $db, "SET ROLE $role; $sql"), $like, $name);
	return;
}

sub put
{
	my ($role, $id) = @_;
	as($role, qq{SELECT inference_put('text_embedding', '$id',
		'{"service": "openai", "service_settings": {"api_key": "sk-$id", "dimensions": 8}}')});
	return;
}

sub count_of
{
	return $node->safe_psql($db,
		'SELECT (SELECT count(*) FROM inference_model), (SELECT count(*) FROM inference_secret), (SELECT count(*) FROM pg_foreign_server)');
}

my $hashing = '{"service": "hashing", "service_settings": {"dimensions": 4}}';
my $call = q{SELECT array_length(inference_embed('%s', 'a text'), 1)};

$node->safe_psql(
	$db, q{
	CREATE ROLE alice; CREATE ROLE bob; CREATE ROLE carol; CREATE ROLE eve;
	CREATE ROLE team;
	GRANT team TO carol;
	GRANT CREATE ON SCHEMA public TO PUBLIC;
	GRANT USAGE ON FOREIGN DATA WRAPPER inference TO alice;
});

#
# Who may do what
#

fails_as('eve', qq{SELECT inference_put('text_embedding', 'm', '$hashing')},
	qr/42501: permission denied to put inference models\nHINT:  .*GRANT USAGE ON FOREIGN DATA WRAPPER inference TO eve/,
	'putting needs USAGE on the wrapper');
as('alice', qq{SELECT inference_put('text_embedding', 'local', '$hashing')});
is(as('alice', sprintf($call, 'local')), '4', 'the owner can call');
fails_as('carol', sprintf($call, 'local'),
	qr/42501: permission denied for inference model "local"\nHINT:  .*GRANT USAGE ON FOREIGN SERVER local TO carol/,
	'others cannot');
as('alice', 'GRANT USAGE ON FOREIGN SERVER local TO team');
is(as('carol', sprintf($call, 'local')), '4', 'a member of a grantee can');
fails_as('eve', sprintf($call, 'local'), qr/42501/, 'still others cannot');
as('alice', 'GRANT USAGE ON FOREIGN SERVER local TO PUBLIC');
is(as('eve', sprintf($call, 'local')), '4', 'with USAGE to PUBLIC everyone can');
as('alice', 'REVOKE USAGE ON FOREIGN SERVER local FROM PUBLIC');
fails_as('eve', sprintf($call, 'local'), qr/42501/, 'and then no longer');
fails_as('carol', q{SELECT inference_update('local', '{}')},
	qr/42501: must be owner of inference model "local"/,
	'USAGE does not allow an update');
fails_as('carol', q{SELECT inference_delete('local')},
	qr/42501: must be owner of inference model "local"/, 'nor a delete');
fails_as('carol', q{SELECT inference_delete('local', dry_run => true)},
	qr/42501: must be owner/, 'nor a dry run of one');
is( as('eve', q{SELECT inference_get('local') -> 'models' -> 0 ->> 'model_id'}),
	'local', 'settings are for everyone to see');
fails_as('eve', 'SELECT * FROM inference_secret', qr/42501/, 'keys are not');

as( 'alice', q{
	CREATE FUNCTION embed_for_all(text) RETURNS real[] LANGUAGE sql SECURITY DEFINER
		AS $$ SELECT inference_embed('local', $1) $$;
});
is(as('eve', q{SELECT array_length(embed_for_all('a'), 1)}),
	'4', 'a SECURITY DEFINER function has its owner\'s rights');
as( 'alice', q{
	CREATE TABLE docs (body text, embedding real[]);
	GRANT INSERT, SELECT ON docs TO eve;
	CREATE TRIGGER docs_embed BEFORE INSERT ON docs
		FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('local', 'embedding', 'body');
});
is( as('eve', q{INSERT INTO docs VALUES ('a') RETURNING array_length(embedding, 1)}),
	'4', 'a trigger has the rights of its table\'s owner');
as( 'eve', q{
	CREATE TABLE own (body text, embedding real[]);
	GRANT INSERT, SELECT ON own TO alice;
	CREATE TRIGGER own_embed BEFORE INSERT ON own
		FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('local', 'embedding', 'body');
});
fails_as('alice', q{INSERT INTO own VALUES ('a')},
	qr/42501: permission denied for inference model "local"/,
	'so a table of eve\'s cannot use what alice lends to her own');
as('eve', 'DROP TABLE own');

#
# DROP ROLE
#

put('alice', 'paid');
as('alice', 'GRANT USAGE ON FOREIGN SERVER paid TO bob');
fails_as('postgres', 'DROP ROLE alice',
	qr/2BP01: role "alice" cannot be dropped because some objects depend on it\nDETAIL:  (?=.*owner of server paid)(?=.*owner of server local)(?=.*privileges for foreign-data wrapper inference)/s,
	'DROP ROLE of an owner lists the models');
fails_as('postgres', 'DROP ROLE bob',
	qr/2BP01: role "bob" cannot be dropped.*\nDETAIL:  privileges for server paid/,
	'DROP ROLE of a user lists the grants');

#
# REASSIGN OWNED
#

$node->safe_psql($db, 'REASSIGN OWNED BY alice TO bob');
is( $node->safe_psql($db, 'SELECT model_id, owner FROM inference_models ORDER BY 1'),
	"local|bob\npaid|bob", 'REASSIGN OWNED moves the models');
is( $node->safe_psql($db, q{SELECT convert_from(value, 'UTF8') FROM inference_secret}),
	'sk-paid', 'the key stays');
fails_as('alice', q{SELECT inference_delete('paid')},
	qr/must be owner of inference model "paid"/, 'the old owner has no say');
fails_as('alice', q{SELECT _inference_show_request('paid', '{a}')},
	qr/permission denied for inference model "paid"/, 'and no use');
is( as('bob', q{SELECT inference_update('paid', '{"task_settings": {"user": "bob"}}') -> 'task_settings' ->> 'user'}),
	'bob', 'the new owner has, though he may not put models');
is(as('carol', sprintf($call, 'local')), '4', 'grants to others hold on');
is(as('eve', q{INSERT INTO docs VALUES ('b') RETURNING array_length(embedding, 1)}),
	'4', 'so do triggers, whose table went along');
$node->safe_psql($db, 'DROP OWNED BY alice; DROP ROLE alice');
is(count_of(), '2|1|2', 'after DROP OWNED of the rest DROP ROLE works');

#
# ALTER SERVER
#

fails_as('bob', 'ALTER SERVER paid OWNER TO carol',
	qr/42501/, 'who is no member of a role cannot give it a model');
$node->safe_psql($db, 'GRANT carol TO bob');
fails_as('bob', 'ALTER SERVER paid OWNER TO carol',
	qr/42501: permission denied for foreign-data wrapper inference/,
	'nor who is, if the role may not put models');
$node->safe_psql($db, 'GRANT USAGE ON FOREIGN DATA WRAPPER inference TO carol');
as('bob', 'ALTER SERVER paid OWNER TO carol');
is( as('carol', q{SELECT inference_update('paid', '{"service_settings": {"api_key": "sk-carol"}}') ->> 'model_id'}),
	'paid', 'after ALTER SERVER OWNER the new owner can give a key');
$node->safe_psql($db, 'REVOKE carol FROM bob');
fails_as('bob', q{SELECT inference_delete('paid')}, qr/must be owner/, 'the old one no longer');
fails_as('carol', 'ALTER SERVER paid RENAME TO free',
	qr/0A000: cannot rename foreign server "paid" because it is an inference model\nHINT:  Put the model under its new id/,
	'a rename is refused');
fails_as('carol', q{ALTER SERVER paid OPTIONS (ADD url 'https://eve.example')},
	qr/foreign-data wrapper "inference" takes no options\nHINT:  .*inference_update\(\)/,
	'options are refused');
fails_as('carol', q{CREATE USER MAPPING FOR carol SERVER paid OPTIONS (user 'x')},
	qr/takes no options/, 'options of a user mapping, too');
as('carol', q{ALTER SERVER paid VERSION 'not a number'});
is( as('carol', q{SELECT inference_update('paid', '{"task_settings": {"user": "carol"}}') -> 'task_settings' ->> 'user'}),
	'carol', 'a version that somebody set does not hurt');
is( $node->safe_psql($db, q{SELECT srvversion FROM pg_foreign_server WHERE srvname = 'paid'}),
	'1', 'and is replaced by a number');

#
# DROP OWNED
#

# bob owns local, docs and the function; carol owns paid.
as('carol', 'GRANT USAGE ON FOREIGN SERVER paid TO bob');
as('carol', 'CREATE USER MAPPING FOR PUBLIC SERVER paid');
fails_as('postgres', 'DROP OWNED BY carol RESTRICT',
	qr/2BP01: cannot drop .*\nDETAIL:  user mapping for public on server paid depends on server paid/,
	'DROP OWNED is refused while something hangs on the server');
fails_as('carol', q{SELECT inference_delete('paid')},
	qr/2BP01: cannot delete inference model "paid" because other objects use it\nDETAIL:  user mapping for public on server paid uses inference model paid\.\nHINT:  .*force => true/,
	'so is a delete');
as('carol', 'DROP USER MAPPING FOR PUBLIC SERVER paid');

# Others make things of a model that they may use.
put('carol', 'blocked');
as('carol', 'GRANT USAGE ON FOREIGN SERVER blocked TO eve');
as( 'eve', q{
	CREATE USER MAPPING FOR eve SERVER blocked;
	CREATE FOREIGN TABLE remote (id int NOT NULL DEFAULT 1) SERVER blocked;
	CREATE VIEW of_remote AS SELECT id FROM remote;
	CREATE VIEW of_view AS SELECT * FROM of_remote;
	CREATE TABLE of_type (t of_remote);
});
my $blocking = join('|', 'user mapping for eve on server blocked', 'foreign table remote', 'view of_remote', 'view of_view', 'column t of table of_type');
my $list = q{SELECT string_agg(d, '|' ORDER BY d) FROM jsonb_array_elements_text(inference_delete('blocked', dry_run => true) -> 'dependents') d};
is( as('carol', $list), join('|', sort split(/\|/, $blocking)), 'a dry run lists what depends on the server');
fails_as('carol', q{SELECT inference_delete('blocked')},
	qr/2BP01: cannot delete inference model "blocked" because other objects use it\nDETAIL:  user mapping for eve on server blocked uses inference model blocked\.(\n.*uses inference model blocked\.){4}\n/,
	'a delete says so');
my ($status, $deleted, $notices) = $node->psql($db, q{SET ROLE carol; SELECT inference_delete('blocked', force => true)});
is($deleted, '{"acknowledged": true}', 'and is done all the same if it is forced');
like($notices, qr/NOTICE:  drop cascades to 5 other objects\nDETAIL:  (?=.*user mapping for eve)(?=.*column t of table of_type)/s,
	'with notices of what went along');
is( $node->safe_psql($db, q{SELECT to_regclass('remote'), to_regclass('of_view'), (SELECT count(*) FROM pg_user_mapping)}),
	'||0', 'which is gone');
$node->safe_psql($db, 'DROP TABLE of_type');
$node->safe_psql($db, 'ALTER TABLE docs OWNER TO eve; ALTER FUNCTION embed_for_all OWNER TO eve');
as('bob', 'GRANT USAGE ON FOREIGN SERVER local TO eve');
$node->safe_psql($db, 'DROP OWNED BY bob; DROP ROLE bob');
is(count_of(), '1|1|1', 'DROP OWNED removes model, row and grants');
is( $node->safe_psql($db, q{SELECT srvacl FROM pg_foreign_server}),
	'{carol=U/carol}', 'the grants to him are gone');
fails_as('eve', q{INSERT INTO docs VALUES ('c')},
	qr/42704: Model not found \[local\]/,
	'a trigger that is left says what it lacks');
fails_as('eve', q{SELECT embed_for_all('a')}, qr/42704: Model not found \[local\]/,
	'a function as well');
$node->safe_psql($db, 'DROP OWNED BY carol; DROP ROLE carol');
is(count_of(), '0|0|0', 'DROP OWNED removes keys');

#
# DROP SERVER and DROP EXTENSION
#

$node->safe_psql($db, 'GRANT USAGE ON FOREIGN DATA WRAPPER inference TO eve');
put('eve', 'one');
put('eve', 'two');
put('postgres', 'three');
fails_as('eve', 'DROP SERVER three', qr/42501: must be owner of foreign server three/,
	'a server of somebody else cannot be dropped');
as('eve', 'DROP SERVER one, two');
is(count_of(), '1|1|1', 'DROP SERVER deletes models with their keys');
is( $node->safe_psql($db, q{
		DO $$ BEGIN DROP SERVER three; RAISE division_by_zero;
		EXCEPTION WHEN division_by_zero THEN NULL; END $$;
		SELECT substring(_inference_show_request('three', '{a}') FROM 'input')}),
	'input', 'a DROP SERVER that is rolled back to a savepoint deletes nothing');
put('eve', 'ours');
is( $node->safe_psql($db, q{SELECT inference_delete('ours'); SELECT count(*) FROM inference_secret}),
	"{\"acknowledged\": true}\n1", 'a superuser can delete any model');

my $session = $node->background_psql($db, on_error_stop => 0);
$session->query(q{SELECT inference_put('text_embedding', 'local', '} . $hashing . q{')});
$session->query('DROP TRIGGER docs_embed ON docs');
is($session->query(q{SELECT array_length(inference_embed('local', 'a'), 1)}), '4', 'a session uses a model');
$session->query('DROP EXTENSION inference CASCADE');
is($session->query('SELECT count(*) FROM pg_foreign_server'), '0', 'DROP EXTENSION CASCADE takes models along');
$session->query('CREATE SCHEMA elsewhere');
$session->query('CREATE EXTENSION inference SCHEMA elsewhere');
is($session->query('SELECT jsonb_array_length(elsewhere.inference_get() -> \'models\')'),
	'0', 'the new extension has none');
$session->query(q{SELECT elsewhere.inference_put('text_embedding', 'local', '{"service": "hashing", "service_settings": {"dimensions": 6}}')});
is($session->query(q{SELECT array_length(elsewhere.inference_embed('local', 'a'), 1)}),
	'6', 'and the session finds it in its new schema');
$session->quit;

done_testing();
