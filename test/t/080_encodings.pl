# What this proves, in databases with encodings LATIN1, WIN1252, EUC_JP and
# SQL_ASCII:
#
#  1. A text gives the same vector and the same tokens, in the same order, as
#     in a UTF8 database, through every function and the trigger.
#  2. Tokens and settings are stored and returned in the database encoding.
#  3. A token of an answer that the database encoding cannot hold is an error
#     that names it in ASCII; one that it can hold comes back.
#  4. SQL_ASCII takes UTF-8 as it is, and refuses bytes that are none.
#  5. Requests are UTF-8 whatever the database encoding.
#  6. Errors that quote users' settings or a service's words are readable, with
#     escapes where the encoding has no such character, and never broken bytes.
#  7. Urls and lists of hosts are UTF-8 on their way, too: what is shown, what a
#     server gets, what a key is bound to, what is allowed.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

# This file is UTF-8 and its strings are bytes on purpose.
my $node = InferenceCluster::start('encodings',
	conf => "inference.allow_private_addresses = on\ninference.max_retries = 0\n");
my $provider = InferenceProvider->start;
my %texts = (
	latin1 => [ 'Grüße aus Köln', 'ÄÖÜ und äöü', "naïve café\x{c2}\x{a0}señor", 'straße STRASSE' ],
	euc_jp => [ '東京の天気', 'ひらがな カタカナ', '漢字 と Latin', '１２３' ]);
$texts{sql_ascii} = [ map { @$_ } $texts{latin1}, $texts{euc_jp} ];

my %options = (
	utf8 => q{ENCODING 'UTF8'},
	latin1 => q{ENCODING 'LATIN1'},
	win1252 => q{ENCODING 'WIN1252'},
	euc_jp => q{ENCODING 'EUC_JP'},
	sql_ascii => q{ENCODING 'SQL_ASCII'});
my $setup = q{
	SELECT inference_put('text_embedding', 'dense',
		'{"service": "hashing", "service_settings": {"dimensions": 64}}');
	SELECT inference_put('sparse_embedding', 'sparse', '{"service": "hashing"}');
	SELECT inference_put('text_embedding', 'openai',
		'{"service": "openai", "service_settings": {"api_key": "sk-key"}}');
	SELECT inference_put('sparse_embedding', 'elser',
		'{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 1,
		  "url": "http://127.0.0.1:1/_inference/sparse_embedding/m"}}');
	CREATE TABLE docs (body text, embedding real[]);
	CREATE TRIGGER docs_embed BEFORE INSERT ON docs
		FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('dense', 'embedding', 'body');
};

for my $database (sort keys %options)
{
	InferenceCluster::create_database($node, "in_$database",
		"$options{$database} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql("in_$database", $setup);
}

# All through a UTF-8 client, but in SQL_ASCII, which converts nothing.
sub ask
{
	my ($encoding, $sql) = @_;
	return $node->safe_psql("in_$encoding", "SET client_encoding = 'UTF8'; $sql");
}

sub error
{
	my ($encoding, $sql) = @_;
	return InferenceCluster::error_of($node, "in_$encoding",
		"SET client_encoding = 'UTF8'; $sql");
}

# jsonb sorts keys by their bytes in the database encoding.
sub sorted
{
	my ($answer) = @_;
	return join(', ', sort split(/, |[{}]/, $answer));
}

sub array_of
{
	return 'ARRAY[' . join(', ', map { "'$_'" } @_) . ']';
}

#
# The same vectors
#

for my $encoding ('latin1', 'euc_jp', 'sql_ascii')
{
	for my $text (@{ $texts{$encoding} })
	{
		for my $sql (
			"SELECT inference_embed('dense', '$text')",
			"SELECT inference_sparse('sparse', '$text')",
			"SELECT inference_infer('sparse', jsonb_build_object('input', '$text'))",
			"INSERT INTO docs VALUES ('$text') RETURNING embedding")
		{
			is(sorted(ask($encoding, $sql)), sorted(ask('utf8', $sql)), "$encoding: $sql");
		}
	}
	my $inputs = array_of(@{ $texts{$encoding} });
	for my $sql (
		"SELECT * FROM inference_embed_batch('dense', $inputs)",
		"SELECT * FROM inference_sparse_batch('sparse', $inputs)",
		"SELECT inference_infer('dense', jsonb_build_object('input', $inputs))",
		"SELECT _inference_show_request('openai', $inputs)")
	{
		is(ask($encoding, $sql), ask('utf8', $sql), "$encoding: $sql");
	}
}
isnt(
	ask('latin1', q{SELECT inference_embed('dense', 'Köln')}),
	ask('latin1', q{SELECT inference_embed('dense', 'Kln')}),
	'a letter that ASCII lacks counts');

#
# In the database encoding
#

for my $case (
	[ 'utf8', 'köln', 5 ], [ 'latin1', 'köln', 4 ], [ 'sql_ascii', 'köln', 5 ],
	[ 'utf8', '東京', 6 ], [ 'euc_jp', '東京', 4 ], [ 'sql_ascii', '東京', 6 ])
{
	my ($encoding, $token, $bytes) = @$case;

	is( ask($encoding, qq{
		SELECT token, octet_length(token) FROM inference_sparse_batch('sparse', ARRAY['$token'])}),
		"$token|$bytes", "$encoding: token $token is of $bytes bytes");
	is( ask($encoding, qq{
		SELECT k, octet_length(k) FROM jsonb_object_keys(inference_sparse('sparse', '$token')) k}),
		"$token|$bytes", "$encoding: so it is as a key");
	is( ask($encoding, qq{
		SELECT inference_update('openai', '{"task_settings": {"user": "$token"}}') -> 'task_settings' ->> 'user'}),
		$token, "$encoding: a setting comes back");
	is( ask($encoding, q{
		SELECT octet_length(task_settings ->> 'user') FROM inference_models WHERE model_id = 'openai'}),
		$bytes, "$encoding: and is stored in the database encoding");
	like(
		ask($encoding, q{SELECT _inference_show_request('openai', '{a}')}),
		qr/"user":"\Q$token\E"/,
		"$encoding: and sent");
}

#
# Tokens of services
#

# Hexadecimal, as psql would convert a literal.
sub answer
{
	my ($encoding, $token, $weight) = @_;
	my $body = unpack('H*',
		qq({"sparse_embedding":[{"is_truncated":false,"embedding":{"$token":$weight}}]}));
	return "SELECT _inference_read_response('elser', '{a}', '\\x$body') #> '{sparse_embedding,0,embedding}'";
}

for my $case (
	[ 'utf8', '東京' ], [ 'utf8', '😀' ], [ 'latin1', 'köln' ],
	[ 'euc_jp', '東京' ], [ 'sql_ascii', '東京' ], [ 'sql_ascii', '😀' ])
{
	my ($encoding, $token) = @$case;

	is(ask($encoding, answer($encoding, $token, '1.5')),
		"{\"$token\": 1.5}", "$encoding holds the token $token");
}
for my $case (
	[ 'latin1', '東京', '\\\\u6771\\\\u4eac' ],
	[ 'latin1', 'a😀', 'a\\\\U0001f600' ],
	[ 'latin1', '€', '\\\\u20ac' ],
	[ 'euc_jp', '😀', '\\\\U0001f600' ])
{
	my ($encoding, $token, $escaped) = @$case;

	like(
		error($encoding, answer($encoding, $token, '1.5')),
		qr/22P05: the database encoding $encoding cannot represent token "$escaped"\nHINT:  Use a database with encoding UTF8/i,
		"$encoding does not hold the token $token, and says so");
}
like(ask('latin1', q{SELECT inference_embed('dense', 'after the errors')}),
	qr/^\{/, 'a session goes on after them');

#
# Bytes that are no UTF-8
#

for my $bytes (q{E'\\xff'}, q{E'gr\\xfc\\xdfe'}, q{E'\\xe6\\x9d'}, q{E'\\xed\\xa0\\x80'}, q{E'\\xc0\\xaf'})
{
	for my $sql (
		"SELECT inference_embed('dense', $bytes)",
		"SELECT inference_sparse('sparse', $bytes)",
		"SELECT * FROM inference_embed_batch('dense', ARRAY['a', $bytes])",
		"SELECT _inference_show_request('openai', ARRAY[$bytes])",
		"INSERT INTO docs VALUES ($bytes)")
	{
		like(
			error('sql_ascii', $sql),
			qr/22021: input is not valid UTF-8\nDETAIL:  The database encoding is SQL_ASCII/,
			"SQL_ASCII: $sql");
	}
}
like(
	error('sql_ascii', q{SELECT inference_update('openai', jsonb_build_object('task_settings', jsonb_build_object('user', E'\\xff')))}),
	qr/22021|22P05/, 'SQL_ASCII: a setting that is no UTF-8');
like(ask('sql_ascii', q{SELECT inference_embed('dense', 'after the errors')}),
	qr/^\{/, 'a session goes on after them');

#
# Messages
#

# A message that breaks on its way to the client loses its words.
for my $case (
	[ 'utf8', 'köln' ], [ 'latin1', 'köln' ], [ 'sql_ascii', 'köln' ],
	[ 'utf8', '東京' ], [ 'euc_jp', '東京' ], [ 'sql_ascii', '東京' ])
{
	my ($encoding, $word) = @$case;

	for my $case (
		[ qq{SELECT inference_embed('$word', 'a')}, qr/Model not found \[$word\]/, 'id of a call' ],
		[ qq{SELECT inference_get('$word')}, qr/Model not found \[$word\]/, 'id' ],
		[ qq{SELECT inference_put('text_embedding', '$word', '{"service": "hashing"}')}, qr/Invalid model_id; '$word'/, 'id of a put' ],
		[ qq{SELECT inference_put('text_embedding', 'm', '{"service": "$word"}')}, qr/Unknown service \[$word\]/, 'service' ],
		[ qq{SELECT inference_put('$word', 'm', '{"service": "hashing"}')}, qr/Unknown task_type \[$word\]/, 'task type' ],
		[ qq{SELECT inference_put('m', '{"service": "hashing", "task_type": "$word"}')}, qr/Unknown task_type \[$word\]/, 'task type in the configuration' ],
		[ qq{SELECT inference_put('text_embedding', 'm', '{"service": "hashing", "$word": 1}')}, qr/\[\{$word=/, 'key' ],
		[ qq{SELECT inference_put('text_embedding', 'm', '{"service": "hashing", "service_settings": {"$word": 1}}')}, qr/\[\{$word=/, 'setting' ],
		[ qq{SELECT inference_put('text_embedding', 'm', '{"service": "hashing", "service_settings": {"dimensions": "$word"}}')}, qr/dimensions/, 'value of a wrong type' ],
		[ qq{SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "similarity": "$word"}}')}, qr/Invalid value \[\.\.\.\]/, 'value that is no choice' ],
		[ qq{SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "url": "ftp://$word/"}}')}, qr/url/, 'url' ],
		[ qq{SELECT inference_update('openai', '{"task_settings": {"$word": "x"}}')}, qr/\[\{$word=/, 'setting of an update' ],
		[ qq{SELECT inference_update('openai', '{"task_settings": {"model": "$word"}}')}, qr/\[\{model=\.\.\.\}\]/, 'fixed setting of an update' ],
		[ qq{SELECT inference_embed('openai', 'a', '{"$word": "x"}')}, qr/\[\{$word=/, 'setting of a call' ],
		[ answer($encoding, $word, '"x"'), qr/the weight of token "$word" is not a number/, 'a bad answer' ])
	{
		my ($sql, $like, $name) = @$case;
		like(error($encoding, $sql), $like, "$encoding: message about $word: $name");
	}
}
for my $case (
	[ 'latin1', '東京', '\\\\u6771\\\\u4eac' ],
	[ 'euc_jp', 'a😀', 'a\\\\U0001f600' ])
{
	my ($encoding, $token, $escaped) = @$case;
	like(
		error($encoding, answer($encoding, $token, '"x"')),
		qr/could not get embeddings from inference model "elser"\nDETAIL:  .*the weight of token "$escaped" is not a number/,
		"$encoding: an error that quotes $token escapes it");
}

#
# Urls
#

for my $case (
	[ 'utf8', 'köln' ], [ 'latin1', 'köln' ], [ 'win1252', 'köln' ],
	[ 'win1252', '€' ], [ 'sql_ascii', 'köln' ], [ 'utf8', '東京' ],
	[ 'euc_jp', '東京' ], [ 'sql_ascii', '東京' ])
{
	my ($encoding, $word) = @$case;
	my $escaped = $word =~ s/([^ -~])/sprintf('%%%02X', ord $1)/ger;
	my $name = "$encoding: a url with $word";
	my $url = $provider->url('/v1/embeddings', "where=$word");
	my $put = sub {
		my ($id, $service, $url) = @_;
		return ask($encoding, qq{
			SELECT inference_put('text_embedding', '$id', '{"service": "$service",
				"service_settings": {"api_key": "sk-key", "url": "$url"}}') #>> '{service_settings,url}'});
	};

	is($put->('url', 'openai', $url), $url, "$name comes back");
	like(ask($encoding, q{SELECT _inference_show_request('url', '{a}')}),
		qr/^POST \Q$url\E\n/, "$name is shown");
	like(ask($encoding, q{SELECT inference_embed('url', 'a')}), qr/^\{/, "$name works");
	is(($provider->last)[0]{query}{where}, $word, "$name arrives in UTF-8");
	ask($encoding, q{SELECT inference_delete('url')});

	$put->('host', 'openai', "https://$word.example/a");
	is(ask($encoding, q{SELECT bound_to FROM inference_secret WHERE model_id = 'host'}),
		"https://$escaped.example:443", "$name as host: the key is bound to it");
	is(ask($encoding, qq{
		SELECT inference_update('host', '{"service_settings": {"url": "https://$word.example/b"}}') IS NOT NULL}),
		't', "$name as host: the key stays with the host");
	my $limits = q{SET inference.connect_timeout = '100ms'};
	like(error($encoding, qq{$limits; SET inference.allowed_hosts = 'other.example';
		SELECT inference_embed('host', 'a')}),
		qr/Service "openai" at \Q$word\E\.example: host "\Q$word\E\.example" is not in inference.allowed_hosts/,
		"$name as host that is not allowed");
	unlike(error($encoding, qq{$limits; SET inference.allowed_hosts = '$word.example';
		SELECT inference_embed('host', 'a')}),
		qr/allowed_hosts/, "$name as host that is allowed");
	ask($encoding, q{SELECT inference_delete('host')});

	like(ask($encoding, qq{SET inference.elser_url = 'http://127.0.0.1/$word';
		SELECT inference_put('sparse_embedding', 'e', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 1}}');
		SELECT _inference_show_request('e', '{a}')}),
		qr{POST http://127.0.0.1/$word\n}, "$name in inference.elser_url is shown");
	ask($encoding, q{SELECT inference_delete('e')});
}
like(
	error('sql_ascii', q{SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'openai',
		'service_settings', jsonb_build_object('api_key', 'k', 'url', E'http://h/\xff')))}),
	qr/22021: input is not valid UTF-8/, 'SQL_ASCII: a url that is no UTF-8');
like(
	error('utf8', q{SELECT inference_put('text_embedding', 'm', '{"service": "openai",
		"service_settings": {"api_key": "k", "url": "http://%FF/"}}')}),
	qr/the host is not valid UTF-8/, 'a host that is no UTF-8 when it is decoded');

done_testing();
