# What this proves:
#
#  1. Models of all services, with owners, grants on server and wrapper (grant
#     options included), comments and versions, come back the same from
#     pg_dump | psql, pg_dump -Fc | pg_restore, pg_restore --clean --if-exists
#     into a database that has other models already, and pg_dumpall.
#  2. Keys do not: no dump holds one in any spelling.  A call of a restored
#     model says that its key is missing and how to give it, and
#     inference_update() gives it.
#  3. The owner of a database who is no superuser can dump it, and restore it
#     where a superuser made the extension and granted USAGE on the wrapper.
#  4. A member of pg_read_all_data gets no key, by SELECT, COPY or pg_dump.
#  5. A dump holds the row of a model only for whom may have it: restoring a
#     row without its server, or over somebody else's, is refused.

use strict;
use warnings;

use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;

my $key = 'sk-DumpMeNot-0123456789';
my $node = InferenceCluster::start('dump');
my $tempdir = PostgreSQL::Test::Utils::tempdir();

# Everything about models that a dump must keep, as text.
my $state_sql = q{
	SELECT inference_get();
	SELECT to_jsonb(m) - 'key_set_at' FROM inference_models m ORDER BY model_id;
	SELECT model_id, discovered FROM inference_model ORDER BY model_id;
	SELECT srvname, srvowner::regrole, srvtype, srvversion, srvoptions,
		srvacl, obj_description(oid, 'pg_foreign_server')
	FROM pg_foreign_server ORDER BY srvname;
	SELECT fdwname, fdwowner::regrole, fdwacl,
		obj_description(oid, 'pg_foreign_data_wrapper')
	FROM pg_foreign_data_wrapper;
	SELECT relname, relacl, relrowsecurity FROM pg_class
	WHERE relname LIKE 'inference%' ORDER BY relname;
	SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
	ORDER BY tgrelid::regclass::text, tgname;
	SELECT * FROM docs ORDER BY id;
};

sub state_of
{
	my ($database, $server) = @_;
	return ($server // $node)->safe_psql($database, $state_sql);
}

sub run_ok
{
	my ($command, $name) = @_;
	my ($stdout, $stderr);
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $ok = IPC::Run::run($command, '>', \$stdout, '2>', \$stderr);

	ok($ok && $stderr eq '', $name) or diag("@$command: $stderr");
	return;
}

sub lacks_key
{
	my ($file, $name) = @_;
	my $text = slurp_file($file);
	my $base64 = encode_base64($key, '');

	# Custom format is compressed, unless told not to be.
	ok( length($text) > 0
		  && index($text, $key) < 0
		  && index($text, $base64) < 0
		  && index(lc $text, unpack('H*', $key)) < 0,
		$name);
	return;
}

#
# The models
#

$node->safe_psql(
	'postgres', q{
	CREATE ROLE alice LOGIN;
	CREATE ROLE "Bob B." LOGIN;
	CREATE ROLE carol LOGIN;
	CREATE ROLE dave LOGIN;
	CREATE ROLE dba LOGIN;
	CREATE ROLE reader LOGIN IN ROLE pg_read_all_data;
	CREATE DATABASE source OWNER dba;
});
$node->safe_psql(
	'source', qq{
	CREATE EXTENSION inference;
	GRANT USAGE ON FOREIGN DATA WRAPPER inference TO alice, dba, "Bob B.";
	GRANT USAGE ON FOREIGN DATA WRAPPER inference TO carol WITH GRANT OPTION;

	SELECT inference_put('sparse_embedding', 'elser-bare',
		'{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 1}}');
	SELECT inference_put('sparse_embedding', 'elser-with-key',
		'{"service": "elser", "service_settings": {"num_allocations": 2, "num_threads": 4,
		  "url": "https://es.example/_inference/sparse_embedding/m", "api_key": "$key"}}');
	SET ROLE alice;
	SELECT inference_put('text_embedding', 'open.ai_1',
		'{"service": "openai", "service_settings": {"api_key": "$key", "dimensions": 256,
		  "organization_id": "org", "rate_limit": {"requests_per_minute": 60}},
		  "task_settings": {"model": "text-embedding-3-small", "user": "u \\"quoted\\" \\\\ ä"}}');
	SELECT inference_update('open.ai_1', '{"task_settings": {"user": "changed"}}');
	SELECT inference_update('open.ai_1', '{"task_settings": {"user": "changed again"}}');
	SELECT inference_put('text_embedding', 'hf-dense',
		'{"service": "hugging_face", "service_settings": {"api_key": "$key",
		  "url": "https://hf.example/embed", "similarity": "dot_product"}}');
	GRANT USAGE ON FOREIGN SERVER "open.ai_1" TO carol WITH GRANT OPTION;
	GRANT USAGE ON FOREIGN SERVER "hf-dense" TO PUBLIC;
	COMMENT ON SERVER "open.ai_1" IS 'the one that costs money';
	SET ROLE carol;
	GRANT USAGE ON FOREIGN SERVER "open.ai_1" TO dave;
	SET ROLE "Bob B.";
	SELECT inference_put('sparse_embedding', 'hf-sparse',
		'{"service": "hugging_face", "service_settings": {"api_key": "$key",
		  "url": "https://hf.example/embed_sparse"}}');
	SELECT inference_put('text_embedding', 'local',
		'{"service": "hashing", "service_settings": {"dimensions": 8}}');
	SELECT inference_put('sparse_embedding', 'local-sparse', '{"service": "hashing"}');
	GRANT USAGE ON FOREIGN SERVER local TO dba;
	RESET ROLE;

	CREATE TABLE docs (id int PRIMARY KEY, body text, embedding real[]);
	ALTER TABLE docs OWNER TO dba;
	CREATE TRIGGER docs_embed BEFORE INSERT OR UPDATE OF body ON docs
		FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('local', 'embedding', 'body');
	INSERT INTO docs VALUES (1, 'kept as it is'), (2, 'and this'), (3, NULL);
});
my $before = state_of('source');
like($before, qr/open\.ai_1\|alice\|\|3\|/,
	'the models to be dumped are there, with versions');

#
# Plain text into psql
#

run_ok([ 'pg_dump', '-f', "$tempdir/plain.sql", 'source' ], 'plain dump');
lacks_key("$tempdir/plain.sql", 'the plain dump does not hold the key');
$node->safe_psql('postgres', 'CREATE DATABASE plain');
run_ok(
	[ 'psql', '-XqAt', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-1', '-f', "$tempdir/plain.sql", 'plain' ],
	'plain restore, in one transaction');
is(state_of('plain'), $before, 'plain restore gives the same');
is(InferenceCluster::halves($node, 'plain'), '', 'nothing is halved');
is( $node->safe_psql('plain', 'SELECT count(*) FROM inference_secret'),
	'0', 'no key came along');

my $inserts = "$tempdir/inserts.sql";
run_ok([ 'pg_dump', '--inserts', '--disable-triggers', '-f', $inserts, 'source' ],
	'dump as inserts');
lacks_key($inserts, 'the dump as inserts does not hold the key');
$node->safe_psql('postgres', 'CREATE DATABASE inserts');
run_ok(
	[ 'psql', '-XqAt', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-f', $inserts, 'inserts' ],
	'restore of inserts');
is(state_of('inserts'), $before, 'inserts give the same');

#
# Keys
#

my $error = InferenceCluster::error_of($node, 'plain',
	q{SELECT inference_embed('open.ai_1', 'a text')});
like($error, qr/ERROR:  55000: inference model "open\.ai_1" has no key/,
	'a call says that the key is missing');
like(
	$error,
	qr/HINT:  Set it with SELECT inference_update\('open\.ai_1', '\{"service_settings": \{"api_key": "\.\.\."\}\}'\)/,
	'and how to give it');
like(
	InferenceCluster::error_of(
		$node, 'plain', q{SELECT _inference_show_request('open.ai_1', '{a}')}),
	qr/has no key/,
	'so does a look at the request');

# The hint, as it stands.
my ($hinted) = $error =~ /HINT:  Set it with (SELECT .*)\.$/m;
$hinted =~ s/\.\.\./$key/;
$node->safe_psql('plain', "SET ROLE alice; $hinted");
like(
	$node->safe_psql(
		'plain',
		q{SET ROLE dave; SELECT _inference_show_request('open.ai_1', '{a}')}),
	qr/"input":\["a"\]/,
	'with a new key, given as the hint says, whoever had the grant can call');
is( $node->safe_psql(
		'plain', q{SELECT model_id, bound_to FROM inference_secret}),
	'open.ai_1|https://api.openai.com:443',
	'the new key is bound to the origin of its url');
is( $node->safe_psql('plain', q{SELECT srvversion FROM pg_foreign_server WHERE srvname = 'open.ai_1'}),
	'4', 'the version goes on counting');
is( $node->safe_psql(
		'plain', q{SET ROLE "Bob B."; SELECT array_length(inference_embed('local', 'a'), 1)}),
	'8', 'a model that needs no key works at once');
$node->safe_psql('plain', q{INSERT INTO docs VALUES (4, 'and this')});
is( $node->safe_psql('plain', q{SELECT a.embedding = b.embedding FROM docs a, docs b WHERE a.id = 2 AND b.id = 4}),
	't', 'the restored trigger embeds as before');

#
# Custom format
#

run_ok([ 'pg_dump', '-Fc', '-Z0', '-f', "$tempdir/custom.dump", 'source' ],
	'custom dump');
lacks_key("$tempdir/custom.dump", 'the custom dump does not hold the key');
$node->safe_psql('postgres', 'CREATE DATABASE custom');
run_ok(
	[ 'pg_restore', '--exit-on-error', '-d', 'custom', "$tempdir/custom.dump" ],
	'custom restore');
is(state_of('custom'), $before, 'custom restore gives the same');

# What is there goes away: same id with other settings, a model that the dump
# lacks would stay but for the extension, which is dropped.
$node->safe_psql(
	'custom', qq{
	SELECT inference_delete('local', force => true);
	SELECT inference_put('sparse_embedding', 'local', '{"service": "hashing"}');
	SELECT inference_update('hf-dense', '{"service_settings": {"api_key": "$key"}}');
	REVOKE USAGE ON FOREIGN SERVER "hf-dense" FROM PUBLIC;
	COMMENT ON SERVER "open.ai_1" IS NULL;
	DELETE FROM docs;
});
isnt(state_of('custom'), $before, 'the database was changed');
run_ok(
	[
		'pg_restore', '--exit-on-error', '--clean', '--if-exists',
		'-d', 'custom', "$tempdir/custom.dump"
	],
	'restore with --clean --if-exists over what is there');
is(state_of('custom'), $before, 'it gives the same');
is( $node->safe_psql('custom', 'SELECT count(*) FROM inference_secret'),
	'0', 'the key that was there is gone with its model');

$node->safe_psql('postgres', 'CREATE DATABASE clean');
run_ok(
	[
		'pg_restore', '--exit-on-error', '--clean', '--if-exists',
		'-d', 'clean', "$tempdir/custom.dump"
	],
	'restore with --clean --if-exists into an empty database');
is(state_of('clean'), $before, 'it gives the same, too');

run_ok(
	[ 'pg_dump', '-Fd', '-j2', '-f', "$tempdir/directory", 'source' ],
	'dump by two workers');
$node->safe_psql('postgres', 'CREATE DATABASE parallel');
run_ok(
	[
		'pg_restore', '--exit-on-error', '-j2', '-d', 'parallel',
		"$tempdir/directory"
	],
	'restore by two workers');
is(state_of('parallel'), $before, 'it gives the same');

#
# The owner of the database
#

run_ok(
	[ 'pg_dump', '-U', 'dba', '-Fc', '-Z0', '-f', "$tempdir/dba.dump", 'source' ],
	'dump by the owner of the database');
lacks_key("$tempdir/dba.dump", 'it does not hold the key');
$node->safe_psql('postgres', 'CREATE DATABASE by_owner OWNER dba');
$node->safe_psql(
	'by_owner', q{
	CREATE EXTENSION inference;
	GRANT USAGE ON FOREIGN DATA WRAPPER inference TO dba;
	GRANT ALL ON SCHEMA public TO dba;
});

# Comments on the extension and grants on the wrapper are its owner's.
run_ok(
	[
		'pg_restore', '-U', 'dba', '--exit-on-error', '--no-owner', '--no-acl',
		'--no-comments', '-d', 'by_owner', "$tempdir/dba.dump"
	],
	'restore by the owner of the database');
my $models_sql = 'SELECT inference_get(); SELECT * FROM inference_model ORDER BY model_id';
is( $node->safe_psql('by_owner', $models_sql),
	$node->safe_psql('source', $models_sql),
	'it gives the same models');
is( $node->safe_psql('by_owner', 'SELECT DISTINCT owner FROM inference_models'),
	'dba', 'which are the restorer\'s');
is(InferenceCluster::halves($node, 'by_owner'), '', 'nothing is halved');
is( $node->safe_psql(
		'by_owner',
		q{SELECT inference_embed('local', 'a'), inference_sparse('local-sparse', 'a')},
		extra_params => [ '-U', 'dba' ]),
	$node->safe_psql(
		'source',
		q{SELECT inference_embed('local', 'a'), inference_sparse('local-sparse', 'a')}),
	'and work');

# With owners, where the restorer is a member of them: what belongs to a
# superuser stays the restorer's, and grants that a third role made need a
# SET SESSION AUTHORIZATION, which is for superusers.
$node->safe_psql('postgres', 'CREATE DATABASE by_member OWNER dba');
$node->safe_psql(
	'by_member', q{
	CREATE EXTENSION inference;
	GRANT USAGE ON FOREIGN DATA WRAPPER inference TO dba, alice, "Bob B.", carol;
	GRANT ALL ON SCHEMA public TO dba;
	GRANT alice, "Bob B.", carol TO dba;
});
{
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my ($stdout, $stderr);
	my $owners_sql = q{
		SELECT model_id, owner, CASE WHEN model_id <> 'open.ai_1' THEN srvacl END
		FROM inference_models JOIN pg_foreign_server ON srvname = model_id
		WHERE owner <> '%s' ORDER BY model_id};

	IPC::Run::run(
		[
			'pg_restore', '-U', 'dba', '--no-comments', '-d', 'by_member',
			"$tempdir/dba.dump"
		],
		'>', \$stdout, '2>', \$stderr);
	my @failed =
	  grep { !/ OWNER TO postgres;$|^GRANT .* "open\.ai_1" TO carol WITH GRANT OPTION;$/ }
	  $stderr =~ /^Command was: (.*)/mg;
	is_deeply(\@failed, [], 'restore with owners by the owner of the database');
	is( $node->safe_psql('by_member', $models_sql),
		$node->safe_psql('source', $models_sql),
		'it gives the same models');
	is( $node->safe_psql('by_member', sprintf($owners_sql, 'dba')),
		$node->safe_psql('source', sprintf($owners_sql, 'postgres')),
		'with owners and grants');
}

#
# Another schema
#

$node->safe_psql(
	'postgres', 'CREATE DATABASE elsewhere');
$node->safe_psql(
	'elsewhere', q{
	CREATE SCHEMA "the ext";
	CREATE EXTENSION inference SCHEMA "the ext";
	SELECT "the ext".inference_put('text_embedding', 'local',
		'{"service": "hashing", "service_settings": {"dimensions": 8}}');
});
run_ok([ 'pg_dump', '-Fc', '-f', "$tempdir/elsewhere.dump", 'elsewhere' ],
	'dump of an extension in another schema');
$node->safe_psql('postgres', 'CREATE DATABASE elsewhere_again');
run_ok(
	[
		'pg_restore', '--exit-on-error', '-d', 'elsewhere_again',
		"$tempdir/elsewhere.dump"
	],
	'restore of an extension in another schema');
is( $node->safe_psql(
		'elsewhere_again',
		q{SELECT array_length("the ext".inference_embed('local', 'a'), 1)}),
	'8', 'its models work');

#
# Whoever may read everything
#

is( $node->safe_psql(
		'source', 'SELECT * FROM inference_secret',
		extra_params => [ '-U', 'reader' ]),
	'', 'pg_read_all_data sees no key by SELECT');
is( $node->safe_psql(
		'source', 'COPY inference_secret TO STDOUT',
		extra_params => [ '-U', 'reader' ]),
	'', 'nor by COPY');
like(
	InferenceCluster::error_of(
		$node, 'source',
		'SET row_security = off; SELECT * FROM inference_secret',
		extra_params => [ '-U', 'reader' ]),
	qr/42501: query would be affected by row-level security policy/,
	'nor with row_security off');
run_ok([ 'pg_dump', '-U', 'reader', '-f', "$tempdir/reader.sql", 'source' ],
	'pg_read_all_data can dump');
lacks_key("$tempdir/reader.sql", 'and gets no key');
like(
	slurp_file("$tempdir/reader.sql"),
	qr/^COPY public\.inference_model /m,
	'but the models');
for my $role ('reader', 'postgres')
{
	my ($stdout, $stderr);
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	IPC::Run::run(
		[ 'pg_dump', '-U', $role, '-t', 'inference_secret', 'source' ],
		'>', \$stdout, '2>', \$stderr);
	unlike($stdout . $stderr, qr/\Q$key\E|@{[unpack 'H*', $key]}/i,
		"pg_dump -t inference_secret by $role gives no key");
}
for my $table ('inference_secret', 'inference_model')
{
	like(
		InferenceCluster::error_of(
			$node, 'source', "UPDATE $table SET model_id = 'x'",
			extra_params => [ '-U', 'reader' ]),
		qr/42501/,
		"pg_read_all_data cannot change $table");
}

#
# Rows that fit nothing
#

my $row = q{('%s', 'text_embedding', 'hashing')};
for my $case (
	[ 'alice', 'nowhere', 'without its server' ],
	[ 'carol', 'bare', 'for a server of somebody else' ])
{
	my ($role, $id, $name) = @$case;

	$node->safe_psql('source',
		q{CREATE SERVER bare FOREIGN DATA WRAPPER inference}) if $id eq 'bare';
	like(
		InferenceCluster::error_of(
			$node, 'source',
			"INSERT INTO inference_model (model_id, task_type, service) VALUES "
			  . sprintf($row, $id),
			extra_params => [ '-U', $role ]),
		qr/42501: cannot change table "inference_model" directly/,
		"a row $name cannot be restored");
}
$node->safe_psql('source', 'DROP SERVER bare');

#
# The whole cluster
#

my $sql = "$tempdir/all.sql";
run_ok([ 'pg_dumpall', '--roles-only', '-f', "$tempdir/roles.sql" ],
	'pg_dumpall --roles-only');
run_ok([ 'pg_dumpall', '-f', $sql ], 'pg_dumpall');
lacks_key($sql, 'it does not hold the key');
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->append_conf('postgresql.conf', "fsync = off\n");
$other->start;
{
	local $ENV{PGHOST} = $other->host;
	local $ENV{PGPORT} = $other->port;
	my ($stdout, $stderr);
	IPC::Run::run([ 'psql', '-Xq', '-f', $sql, 'postgres' ],
		'>', \$stdout, '2>', \$stderr);

	# The superuser of the new cluster is there already.
	$stderr =~ s/^.*role ".*" already exists\n//mg;
	is($stderr, '', 'pg_dumpall into a new cluster');
}
is(state_of('source', $other), $before, 'it gives the same');
is(state_of('plain', $other), state_of('plain'), 'also of the restored ones');
is( $other->safe_psql('plain', 'SELECT count(*) FROM inference_secret'),
	'0', 'without the key that was given since');

done_testing();
