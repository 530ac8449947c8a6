# InferenceCluster.pm: what the TAP tests of the extension share.
#
#   my $node = InferenceCluster::start('name', %init_options);
#       A running server with the extension in database postgres.  The options
#       go to PostgreSQL::Test::Cluster's init(), but for conf => '...', which
#       is appended to postgresql.conf.
#   InferenceCluster::create_database($node, 'name', $options);
#       Another database with the extension; $options are SQL, such as
#       "ENCODING 'LATIN1' TEMPLATE template0".
#   InferenceCluster::error_of($node, 'database', $sql, %psql_options);
#       What psql writes to stderr, with SQLSTATE; dies if nothing fails.
#   InferenceCluster::halves($node, 'database');
#       Ids of rows without server, servers without row and keys without model.
package InferenceCluster;

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub start
{
	my ($name, %options) = @_;
	my $conf = delete $options{conf} // '';
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%options);
	$node->append_conf('postgresql.conf', "fsync = off\n$conf");
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION inference');
	return $node;
}

sub create_database
{
	my ($node, $name, $options) = @_;

	$options //= '';
	$node->safe_psql('postgres', "CREATE DATABASE $name $options");
	$node->safe_psql($name, 'CREATE EXTENSION inference');
	return;
}

sub error_of
{
	my ($node, $database, $sql, %options) = @_;
	my ($status, $stdout, $stderr) =
	  $node->psql($database, "\\set VERBOSITY verbose\n$sql", %options);

	die "no error from $sql: $stdout" if $status == 0;
	return $stderr;
}

sub halves
{
	my ($node, $database) = @_;

	return $node->safe_psql(
		$database, q{
		SELECT 'row ' || model_id FROM inference_model m
		WHERE NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = m.model_id)
		UNION ALL
		SELECT 'server ' || srvname FROM pg_foreign_server s
			JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'inference'
		WHERE NOT EXISTS (SELECT FROM inference_model WHERE model_id = s.srvname)
		UNION ALL
		SELECT 'key ' || model_id FROM inference_secret k
		WHERE NOT EXISTS (SELECT FROM inference_model m WHERE m.model_id = k.model_id)
		ORDER BY 1});
}

1;
