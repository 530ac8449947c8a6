# What this proves:
#
#  1. The extension can be made in every version that there are scripts for,
#     and brought to the last one; models, keys, grants and triggers live on.
#  2. Its objects are then those of a fresh installation: functions with all
#     their labels, grants and comments, tables, views, triggers.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;

my $node = InferenceCluster::start('upgrade');
my $last = $node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'inference'});
my @versions = split(/\n/, $node->safe_psql('postgres',
		"SELECT version FROM pg_available_extension_versions WHERE name = 'inference' AND version <> '$last' ORDER BY 1"));

# All there is to say of the members of the extension, in any order of creation.
my $objects = q{
	SELECT p.oid::regprocedure, prorettype::regtype, provolatile, proisstrict, proparallel, procost, prorows,
		prosecdef, prosupport::regproc, proconfig, proacl, prosrc, proargnames, proargmodes,
		pg_get_expr(proargdefaults, 0), obj_description(p.oid, 'pg_proc')
	FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' ORDER BY 1::text;
	SELECT c.oid::regclass, relkind, relacl, relrowsecurity, reloptions, obj_description(c.oid, 'pg_class'),
		CASE relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END,
		(SELECT array_agg((attname, format_type(atttypid, atttypmod), attnotnull, attcollation, col_description(attrelid, attnum)) ORDER BY attnum)
			FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0),
		(SELECT array_agg(pg_get_constraintdef(oid) ORDER BY conname) FROM pg_constraint WHERE conrelid = c.oid),
		(SELECT array_agg(pg_get_triggerdef(oid) ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid)
	FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' ORDER BY 1::text;
	SELECT evtname, evtevent, evtfoid::regproc, evtenabled, evttags FROM pg_event_trigger ORDER BY 1;
	SELECT fdwname, fdwvalidator::regproc, fdwacl FROM pg_foreign_data_wrapper ORDER BY 1;
	SELECT extconfig::regclass[], extcondition FROM pg_extension WHERE extname = 'inference'};
my $fresh = $node->safe_psql('postgres', $objects);

like($last, qr/^\d+\.\d+$/, "the last version is $last");
cmp_ok(scalar(@versions), '>', 0, 'there are earlier ones');
for my $version (@versions)
{
	my $database = 'from_' . $version =~ s/\W/_/gr;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, qq{
		CREATE EXTENSION inference VERSION '$version';
		CREATE ROLE user_of_$database;
		SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 8}}');
		SELECT inference_put('text_embedding', 'keyed', '{"service": "openai", "service_settings": {"api_key": "sk-of-$version"}}');
		GRANT USAGE ON FOREIGN SERVER words TO user_of_$database;
		CREATE TABLE docs (body text, v real[]);
		CREATE TRIGGER t BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body')});
	$node->safe_psql($database, 'ALTER EXTENSION inference UPDATE');
	is($node->safe_psql($database, q{SELECT extversion FROM pg_extension WHERE extname = 'inference'}), $last, "$version: brought to $last");
	is($node->safe_psql($database, $objects), $fresh, "$version: its objects are those of $last");
	is( $node->safe_psql($database, qq{
			SET ROLE user_of_$database; SELECT cardinality(inference_embed('words', 'a text')); RESET ROLE;
			INSERT INTO docs VALUES ('a text'); SELECT cardinality(v) FROM docs;
			SELECT value = 'sk-of-$version' FROM inference_secret WHERE model_id = 'keyed'}),
		"8\n8\nt", "$version: models, grants, triggers and keys live on");
}

done_testing();
