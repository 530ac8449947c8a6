# What this proves:
#
#  1. The SQL of README.md and of each page of docs/ runs, block after block, in
#     one session of psql on a database that has nothing but the extension, and
#     prints what the document says.
#  2. What the pages have for the configuration of a server, a database or a role
#     works as a session's first commands.
#  3. The README's way to give a key without showing it gives the key.
#
# A server that the documents have at 127.0.0.1:8080 is the loopback provider.
# Widths of columns and the dashes below their names are not compared, nor are
# blocks that want pgvector where there is none.

use strict;
use warnings;

use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('documents');
my $provider = InferenceProvider->start('--dims', 384);
my $has_vector = $node->safe_psql('postgres',
	q{SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'});
my $end_of_block = '@@ end of block @@';

# Blocks of a document: [number of its line, language, text].
sub blocks_of
{
	my ($file) = @_;
	my ($line, $open, @blocks) = (0);

	for (split(/\n/, slurp_file($file)))
	{
		$line++;
		if (!/^```(\w*)/) { $open->[2] .= "$_\n" if $open; }
		elsif ($open) { $open = undef; }
		else { push @blocks, $open = [ $line, $1, '' ]; }
	}
	return @blocks;
}

# What two layouts of one answer have in common.
sub canonical
{
	my ($language, $text) = @_;

	if ($language eq 'json')
	{
		my ($json) = $text =~ /(\{.*\})/s;
		return defined $json ? JSON::PP->new->canonical->encode(decode_json($json)) : $text;
	}
	$text =~ s/^psql:<stdin>:\d+: //mg;

	# libcurl's words change with its versions.
	$text =~ s/(?<=: )Failed to connect to .*/.../;
	$text =~ s/^LINE \d.*\n *\^\n//mg;
	$text =~ s/-{2,}/--/g;
	$text =~ s/ +\+?$//mg;
	$text =~ s/(?<=\S)\+$//mg;
	$text =~ s/ +/ /g;
	$text =~ s/^ //mg;
	$text =~ s/\n+/\n/g;
	return $text;
}

# Indented lines that change settings, each group in a session of its own.
sub test_configuration
{
	my ($file) = @_;

	for my $group (slurp_file($file) =~ /(?:^    \S.*\n)+/mg)
	{
		next unless $group =~ /^    ALTER (?:SYSTEM|DATABASE|ROLE) .*inference\./m;
		my ($stderr) = ('');
		$node->psql('postgres', $group, stderr => \$stderr, on_error_stop => 1);
		is($stderr, '', "$file: " . $group =~ s/^ +//mgr);
	}
	return;
}

sub test_document
{
	my ($file, $database) = @_;
	my @blocks = blocks_of($file);
	my @of_sql = grep { $blocks[$_][1] eq 'sql' } 0 .. $#blocks;
	my $here = "127.0.0.1:" . $provider->port;
	my ($script, $output) = ('', '');

	@of_sql = grep { $blocks[$_][2] !~ /EXTENSION vector|vector\(|too_small/ } @of_sql
	  unless $has_vector;
	$script .= $blocks[$_][2] . "\\echo $end_of_block\n" for @of_sql;
	$script =~ s/127\.0\.0\.1:8080/$here/g;
	IPC::Run::run(
		[ 'psql', '-X', '-q', '-d', $node->connstr($database), '-f', '-' ],
		'<', \$script, '>&', \$output);
	$output =~ s/$here/127.0.0.1:8080/g;

	my @printed = split(/^$end_of_block\n/m, $output, -1);
	is(scalar(grep { defined } @printed[ 0 .. @of_sql ]), @of_sql + 1, "$file: psql reaches its end")
	  if @of_sql;
	for my $i (0 .. $#of_sql)
	{
		my ($line, undef, $sql) = @{ $blocks[ $of_sql[$i] ] };
		my $next = $blocks[ $of_sql[$i] + 1 ];
		my $says = $next && $next->[1] =~ /^(json)?$/ && !($sql =~ /EXPLAIN/ && $node->pg_version >= 17);

		next if $sql =~ /too_small|dry_run/ && !$has_vector;
		is(canonical($says ? $next->[1] : '', $printed[$i]),
			canonical($next->[1], $next->[2]), "$file, line $line") if $says;
		unlike($printed[$i], qr/ERROR/, "$file, line $line: no error") unless $says;
	}
	return @blocks;
}

for my $file ('README.md', sort glob('docs/*.md'))
{
	my $database = lc($file =~ s/\W/_/gr);

	# The README makes the extension itself.
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION inference') unless $file eq 'README.md';
	$node->safe_psql($database, 'CREATE EXTENSION vector')
	  if $has_vector && slurp_file($file) !~ /EXTENSION vector/;
	my @blocks = test_document($file, $database);

	if ($file eq 'README.md')
	{
		my ($shell) = grep { $_->[1] eq 'sh' && $_->[2] =~ /OPENAI_API_KEY/ } @blocks;

		$shell->[2] =~ s/OPENAI_API_KEY=\.\.\./OPENAI_API_KEY=sk-from-the-readme/;
		local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => $database);
		is(system('bash', '-c', "{ $shell->[2] } >/dev/null"), 0, "$file, line $shell->[0]");
		is($node->safe_psql($database, q{SELECT count(*) FROM inference_secret s
			WHERE model_id = 'openai_embeddings' AND value = 'sk-from-the-readme'}),
			'1', "$file: the key of the environment");
	}
	$node->safe_psql('postgres', "DROP DATABASE $database");
	$node->safe_psql('postgres', 'DROP ROLE IF EXISTS model_admin; DROP ROLE IF EXISTS app');
}

# Superusers' commands, which stand outside of blocks.
$node->safe_psql('postgres', 'CREATE ROLE app');
$node->safe_psql('postgres', 'CREATE DATABASE app');
test_configuration($_) for 'README.md', sort glob('docs/*.md');

done_testing();
