# What this proves:
#
#  1. The installed library exports what PostgreSQL looks up by name, and
#     nothing else; each C function of the SQL script is there, with its info
#     record.
#  2. It needs no executable stack, and brings no start-up code that changes how
#     the backend calculates (denormal numbers stay).
#  3. With shared_preload_libraries = inference the server starts and holds no
#     thread and no connection of the library before it forks; calls work in
#     two sessions at once, and after the postmaster has started anew.
#  4. The same with session_preload_libraries, local_preload_libraries' LOAD,
#     and without the extension being created: the library alone does nothing.
#  5. Settings of the library are known, and others with its prefix refused,
#     as soon as it is loaded.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;

my ($libdir) = run_command([ 'pg_config', '--pkglibdir' ]);
my ($sharedir) = run_command([ 'pg_config', '--sharedir' ]);
my $library = "$libdir/inference.so";

#
# Symbols
#

SKIP:
{
	skip 'nm is not installed', 3
	  unless eval { run_command([ 'nm', '--version' ]); 1 };
	my ($out, $err) = run_command([ 'nm', '-D', '--defined-only', $library ]);
	my %exported = map { (split)[-1] =~ s/@.*//r => 1 } split /\n/, $out;
	my @strange = sort grep {
		!/^(Pg_magic_func|_PG_init|pg_finfo_\w+|inference_\w+|_inference_\w+)$/
	} keys %exported;

	is_deeply(\@strange, [], 'nothing is exported but what PostgreSQL looks up');

	# What is named like a function of ours is one that SQL calls.
	my @without_record = sort grep { /^_?inference_/ && !$exported{"pg_finfo_$_"} } keys %exported;
	is_deeply(\@without_record, [], 'each exported function has its info record');

	# In the scripts: AS 'MODULE_PATHNAME', 'symbol', or the function's own name.
	my $sql = join('', map { slurp_file($_) } glob "$sharedir/extension/inference--*.sql");
	my %wanted;
	while ($sql =~ /CREATE FUNCTION (\w+)\((?:(?!;\n).)*?AS 'MODULE_PATHNAME'(?:, '(\w+)')?\n/gs)
	{
		$wanted{ $2 // $1 } = 1;
	}
	my @missing = sort grep { !$exported{$_} || !$exported{"pg_finfo_$_"} } keys %wanted;
	ok(keys %wanted > 20 && !@missing, 'each function of the scripts is exported')
	  or diag("of @{[scalar keys %wanted]} missing: @missing");
}
SKIP:
{
	skip 'readelf is not installed', 1
	  unless eval { run_command([ 'readelf', '--version' ]); 1 };
	my ($out) = run_command([ 'readelf', '-lW', $library ]);
	unlike($out, qr/GNU_STACK.*\bRWE\b/, 'the stack is not executable');
}

#
# Preloaded by the postmaster
#

my $node = PostgreSQL::Test::Cluster->new('preloaded');
$node->init;
$node->append_conf('postgresql.conf',
	"fsync = off\nshared_preload_libraries = 'inference'\ninference.elser_url = 'http://127.0.0.1:1/'\n");
$node->start;
pass('the server starts with shared_preload_libraries = inference');

is($node->safe_psql('postgres', 'SHOW inference.elser_url'),
	'http://127.0.0.1:1/', 'settings of the file are known without the extension');
like(
	InferenceCluster::error_of($node, 'postgres', 'SET inference.no_such_setting = 1'),
	qr/42602: invalid configuration parameter name "inference\.no_such_setting"/,
	'others with the prefix are refused');
like(
	InferenceCluster::error_of($node, 'postgres', q{SELECT inference_embed('local', 'a')}),
	qr/42883/, 'without the extension there is no function');

SKIP:
{
	my $pid = slurp_file($node->data_dir . '/postmaster.pid') =~ s/\n.*//sr;
	skip 'no /proc', 2 unless -d "/proc/$pid/task";
	my @threads = glob "/proc/$pid/task/*";
	is(scalar @threads, 1, 'the postmaster has no thread but its own');

	# Of TCP sockets it may have those that it listens at (state 0A).
	my %inodes = map { /^socket:\[(\d+)\]/ ? ($1 => 1) : () } map { readlink // '' } glob "/proc/$pid/fd/*";
	my @tcp = grep { $inodes{ (split)[9] // '' } && (split)[3] ne '0A' }
	  map { split /\n/, slurp_file($_) } grep { -r } "/proc/$pid/net/tcp", "/proc/$pid/net/tcp6";
	is_deeply(\@tcp, [], 'and no connection');
}

$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION inference;
	SELECT inference_put('text_embedding', 'local',
		'{"service": "hashing", "service_settings": {"dimensions": 4}}');
	SELECT inference_put('text_embedding', 'nobody',
		'{"service": "openai", "service_settings": {"api_key": "sk-preload", "url": "http://127.0.0.1:1/"}}');
});

# The second model has nobody at its address: the whole way to libcurl and back.
my $local = q{SELECT array_length(inference_embed('local', 'a'), 1)};
my $remote = q{
	SET inference.allow_private_addresses = on;
	SET inference.max_retries = 0;
	DO $$ BEGIN PERFORM inference_embed('nobody', 'a'); RAISE 'not refused';
	EXCEPTION WHEN connection_failure THEN PERFORM set_config('test.state', SQLSTATE, false); END $$;
	SELECT current_setting('test.state')};

sub two_sessions_work
{
	my ($name) = @_;
	my @sessions = map { $node->background_psql('postgres') } 1 .. 2;

	# Turn by turn, so that both have the library's state at once.
	for my $round (1, 2)
	{
		is($_->query($local), '4', "$name: a local call, round $round") for @sessions;
		is($_->query($remote), '08006', "$name: a call over the network, round $round") for @sessions;
	}
	$_->quit for @sessions;
	return;
}

two_sessions_work('shared_preload_libraries');
$node->restart;
two_sessions_work('after a restart');

# A crash makes the postmaster fork from the state that it has kept.
$node->append_conf('postgresql.conf', "restart_after_crash = on\n");
$node->reload;
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');
$session->query($remote);
kill('KILL', $pid);
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
eval { $session->quit };
two_sessions_work('after a crash');

# 1e-40 is denormal in single precision, 1e-310 in double.
is($node->safe_psql('postgres', q{SELECT '1e-40'::real > 0, '1e-310'::float8 * 1 > 0, '1e-40'::real * '1'::real > 0}),
	't|t|t', 'denormal numbers are as they were');

#
# Loaded otherwise
#

$node->append_conf('postgresql.conf',
	"shared_preload_libraries = ''\nsession_preload_libraries = 'inference'\n");
$node->restart;
two_sessions_work('session_preload_libraries');

$node->append_conf('postgresql.conf', "session_preload_libraries = ''\n");
$node->restart;
two_sessions_work('loaded at need');
is( $node->safe_psql('postgres', q{LOAD 'inference'; SHOW inference.elser_url}),
	'http://127.0.0.1:1/', 'LOAD makes settings known');

$node->safe_psql('postgres', 'CREATE DATABASE bare');
is( $node->safe_psql('bare', q{
		LOAD 'inference';
		CREATE FOREIGN DATA WRAPPER w;
		CREATE SERVER s FOREIGN DATA WRAPPER w;
		ALTER SERVER s RENAME TO t;
		DROP SERVER t;
		CREATE TABLE k (i int);
		SELECT count(*) FROM k}),
	'0', 'in a database without the extension the library does nothing');

done_testing();
