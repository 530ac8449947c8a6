# What this proves: a key reaches neither the server's log, nor statistics, nor
# any table or view but the one for keys, whatever is logged and whatever goes
# wrong, as long as it is no literal of a logged statement; and what
# inference_put and inference_update write to the log themselves leaves the
# statement out.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('logs',
	conf => "inference.allow_private_addresses = on\ninference.max_retries = 0\n"
	  . "log_min_messages = debug5\nlog_error_verbosity = verbose\n");
my $provider = InferenceProvider->start;
my $url = $provider->url('/v1/embeddings');
my $key = 'sk-7hPq9Lm2Zx';

# The key comes from a table, as docs/security.md advises.
sub put
{
	my ($id, $address, $more) = @_;
	return "SELECT inference_put('text_embedding', '$id', jsonb_build_object('service', 'openai', 'service_settings',
		jsonb_build_object('api_key', (SELECT value FROM keys), 'url', '$address')" . ($more // '') . '))';
}
$node->safe_psql('postgres', 'CREATE TABLE keys (value text)');
$node->safe_psql('postgres', "COPY keys FROM stdin;\n$key\n\\.\n");
my $start = -s $node->logfile;

# The log from here on, without lines that other tests of psql would write.
sub log_holds_no_key
{
	my ($name) = @_;
	my $log = slurp_file($node->logfile, $start);

	ok(length($log) > 0, "$name: something was logged");
	unlike($log, qr/\Q$key\E|@{[ substr($key, 3) ]}/, "$name: no key in the log");
	return;
}

$node->safe_psql('postgres', put('m', $url));
$node->psql('postgres', put('m', $url));
$node->psql('postgres', put('Bad Id', $url));
$node->psql('postgres', put('n', $url, q{, 'unknown', 1}));
$node->psql('postgres', put('n', 'https://user:' . $key . '@example.org/') =~ s/\Q$key\E/' || (SELECT value FROM keys) || '/r);
$node->psql('postgres', q{SELECT inference_put('text_embedding', 'n', jsonb_build_object('service', 'openai',
	'service_settings', jsonb_build_object('apikey', (SELECT value FROM keys))))});
$node->psql('postgres', q{SELECT inference_put('text_embedding', 'n', jsonb_build_object('service', 'openai',
	'service_settings', jsonb_build_object('api_key', (SELECT value || E'\n' FROM keys))))});
$node->psql('postgres', q{SELECT inference_update('m', jsonb_build_object('service_settings',
	jsonb_build_object('api_key', (SELECT value FROM keys), 'x', 1)))});
$node->safe_psql('postgres', q{SELECT inference_update('m', jsonb_build_object('service_settings',
	jsonb_build_object('api_key', (SELECT value FROM keys))))});
log_holds_no_key('put and update');

for my $fault ('echo_key:400', 'echo_key:429', 'echo_key:500', 'status:401', 'close', 'half_json', 'redirect:302')
{
	$node->safe_psql('postgres', put('f', "$url?fault=$fault"));
	$node->psql('postgres', q{SET inference.max_retries = 1; SELECT inference_embed('f', 'a text')}) if $fault =~ /429/;
	$node->psql('postgres', q{SELECT inference_embed('f', 'a text')});
	$node->psql('postgres', q{DO $$ BEGIN PERFORM inference_embed('f', 'a text');
		EXCEPTION WHEN OTHERS THEN RAISE WARNING '% %', SQLERRM, SQLSTATE; END $$});
	$node->safe_psql('postgres', q{SELECT inference_delete('f')});
}
$node->safe_psql('postgres', put('m2', $url) =~ s/\)$/, validate => true)/r);
$node->safe_psql('postgres', q{SELECT inference_embed('m', 'a text'); SELECT inference_get('m');
	SELECT * FROM inference_models; SELECT _inference_show_request('m', '{x}')});
log_holds_no_key('calls');

# Everything that statements say is logged: their parameters are in it, too.
$node->safe_psql('postgres', q{ALTER SYSTEM SET log_statement = 'all'; ALTER SYSTEM SET log_min_duration_statement = 0;
	ALTER SYSTEM SET debug_print_plan = on; ALTER SYSTEM SET debug_print_parse = on; SELECT pg_reload_conf()});
$node->poll_query_until('postgres', "SELECT current_setting('log_statement') = 'all'");
$start = -s $node->logfile;
$node->safe_psql('postgres', put('m3', $url));
$node->safe_psql('postgres', q{SELECT inference_embed('m3', 'a text')});
$node->psql('postgres', put('m3', $url));
log_holds_no_key('with every statement and plan logged');

# A literal in a statement that fails: the error's own lines leave it out.
$node->safe_psql('postgres', q{ALTER SYSTEM RESET ALL; ALTER SYSTEM SET log_statement = none; ALTER SYSTEM SET log_min_messages = warning; SELECT pg_reload_conf()});
$node->poll_query_until('postgres', "SELECT current_setting('log_min_messages') = 'warning'");
$start = -s $node->logfile;
$node->psql('postgres', qq{SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "$key"}}')});
$node->psql('postgres', qq{SELECT inference_update('m', '{"service_settings": {"api_key": "$key", "x": 1}}')});
$node->psql('postgres', qq{DO \$\$ BEGIN PERFORM inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "$key"}}'); END \$\$});
$node->psql('postgres', qq{SELECT inference_update(NULL, '{"service_settings": {"api_key": "$key"}}')});
$node->psql('postgres', qq{DO \$\$ BEGIN PERFORM inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "$key"}}', NULL); END \$\$});
my $log = slurp_file($node->logfile, $start);
like($log, qr/ERROR:  42710: Model \[m\] already exists/, 'a put that fails is logged');
unlike($log, qr/\Q$key\E/, 'without its statement');

# No view or table but one holds it.
my $everything = $node->safe_psql('postgres', q{
	SELECT inference_get();
	SELECT to_jsonb(m) FROM inference_models m;
	SELECT to_jsonb(m) FROM inference_model m;
	SELECT srvname, srvoptions, srvversion FROM pg_foreign_server;
	SELECT obj_description(oid, 'pg_foreign_server') FROM pg_foreign_server});
unlike($everything, qr/\Q$key\E/, 'no view shows it');

done_testing();
