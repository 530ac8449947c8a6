# InferenceStatements.pm: statements with calls over rows, made up at random.
#
#   my $statements = InferenceStatements->new($seed);
#       The same seed gives the same statements, on any machine.
#   my $next = $statements->next;
#       { mode => ..., settings => ..., sql => ... }: how to run it (see
#       outcome() in the schema), SET LOCAL commands, and the statement.
#   InferenceStatements::schema()
#       SQL that makes what the statements read and write; wants the extension.
#
# They read over tables, partitions, children, views, joins, sub-selects, WITH,
# sets, and have calls in every place of every kind of statement, beside volatile
# functions, which tell when they are called: tick() counts its calls, seen()
# the rows that a cursor has handed out.
package InferenceStatements;

use strict;
use warnings;

sub new
{
	my ($class, $seed) = @_;
	return bless { state => $seed % 2147483648 }, $class;
}

sub number
{
	my ($self, $below) = @_;
	$self->{state} = ($self->{state} * 1103515245 + 12345) % 2147483648;
	return ($self->{state} >> 8) % $below;
}

# One of some strings, or what one of some functions gives.
sub pick
{
	my ($self, @choices) = @_;
	my $choice = $choices[ $self->number(scalar @choices) ];
	return ref $choice ? $choice->() : $choice;
}

# Something in one of some cases.
sub maybe
{
	my ($self, $cases, @choices) = @_;
	return $self->number($cases) == 0 ? $self->pick(@choices) : '';
}

#
# Expressions over a row $r, which has the columns id, g and body
#

sub text
{
	my ($self, $r) = @_;

	return $self->pick(
		("$r.body") x 4, "$r.body || $r.g", "upper($r.body)", "$r.g::text", "nullif($r.body, 'text 7')",
		"coalesce($r.body, 'none')", "'always'", "repeat('x', $r.g)", "($r.body || 'y') COLLATE \"C\"",
		"CASE WHEN $r.g > 2 THEN $r.body ELSE 'few' END",
		sub { "(SELECT max(i.body) FROM docs i WHERE i.g = $r.g)" },
		sub { "(SELECT $r.body || count(*) FROM parted)" },
		sub { $self->maybe(3, 'tick()::text') || "$r.id::text" });
}

sub vector
{
	my ($self, $r) = @_;
	my $text = $self->text($r);

	return $self->pick(
		("inference_embed('words', $text)") x 6,
		"inference_embed(CASE WHEN $r.g > 3 THEN 'words' ELSE 'other' END, $text)",
		"inference_embed('words', $text, '{}')", "embed_inlined($text)",
		"coalesce(inference_embed('words', $text), '{1}')",
		"nullif(inference_embed('words', $text), '{1}')",
		"CASE WHEN $r.g = 2 THEN inference_embed('words', $text) END",
		"CASE $r.g WHEN 1 THEN NULL WHEN 2 THEN inference_embed('other', $text) ELSE inference_embed('words', $text) END",
		"CASE WHEN inference_embed('words', $text) IS NULL THEN '{1}' ELSE inference_embed('words', $r.body) END",
		"(ARRAY[inference_embed('words', $text)])[1:1]",
		sub { "coalesce(inference_embed('words', $text), " . $self->vector($r) . ')' });
}

# A call as text, in whatever stands around it.
sub call
{
	my ($self, $r) = @_;

	return $self->pick(
		sub { '(' . $self->vector($r) . ')::text' }, sub { '(' . $self->vector($r) . ')::text' },
		sub { '(' . $self->vector($r) . ')[1]::text' },
		sub { 'cardinality(' . $self->vector($r) . ')::text' },
		sub { 'md5(' . $self->vector($r) . '::text)' },
		sub { '(' . $self->vector($r) . ' IS NULL)::text' },
		sub { 'concat(' . $self->vector($r) . ", $r.id, '!')" },
		sub { "inference_sparse('terms', " . $self->text($r) . ')::text' },
		sub { "inference_infer('words', jsonb_build_object('input', coalesce(nullif(" . $self->text($r) . ", ' '), 'z')))::text" },
		sub { "inference_infer('sparse_embedding', 'terms', jsonb_build_object('input', $r.id::text))::text" },
		sub { "inference_cosine_similarity(inference_embed('words', " . $self->text($r) . "), inference_embed('words', 'text query'))::text" },
		sub { "inference_cosine_similarity(inference_embed('words', " . $self->text($r) . "), inference_embed('words', " . $self->text($r) . '))::text' },
		sub { '(ROW(' . $self->vector($r) . ", $r.g))::text" },
		sub { 'greatest(' . $self->vector($r) . '::text, ' . $self->text($r) . ')' },
		sub { "($r.g > 1 AND " . $self->vector($r) . ' IS NOT NULL)::text' },
		sub { "($r.g < 4 OR " . $self->vector($r) . ' IS NULL)::text' },
		sub { "inference_embed('words', " . $self->vector($r) . '::text)::text' },
		sub { '(' . $self->vector($r) . ' IN (SELECT i.v FROM docs i))::text' },
		sub { "embed_slowly($r.body)::text" });
}

# Something else that the list may have.
sub other
{
	my ($self, $r) = @_;

	return $self->pick(
		"$r.id::text", "$r.body", "$r.g::text", 'tick()::text', 'seen()::text',
		"(SELECT tick() WHERE $r.id > 0)::text", "(SELECT seen() WHERE $r.id > 0)::text",
		"(SELECT max(i.body) FROM docs i WHERE i.g = $r.g)", "$r.g || '/' || tick()", '(SELECT tick())::text',
		"(CASE WHEN $r.g > 2 THEN tick() END)::text", '(random() < 2)::text');
}

sub list
{
	my ($self, $r) = @_;
	my @list = ("$r.id");

	push @list, $self->pick(sub { $self->call($r) }, sub { $self->call($r) }, sub { $self->other($r) })
	  for 1 .. 1 + $self->number(3);
	return map { "$list[$_] AS c$_" } 0 .. $#list;
}

sub condition
{
	my ($self, $r) = @_;

	return $self->pick(
		"$r.g <> 3", "$r.id % 5 = 1", "$r.id < 0", "$r.body LIKE '%1%'", "$r.id < 25",
		"EXISTS (SELECT FROM parted i WHERE i.id = $r.id + 1)", "$r.id NOT IN (SELECT i.id FROM parted i WHERE i.g = 2)",
		"$r.id IN (SELECT i.id FROM docs i WHERE i.g = $r.g)",
		sub { $self->pick('tick() > 0', "(SELECT tick() WHERE $r.id > 0) > 0", "($r.g = 7 OR EXISTS (SELECT FROM docs i WHERE i.id = $r.id AND tick() > 0))") },
		sub { $self->call($r) . ' IS NOT NULL' });
}

sub where
{
	my ($self, $r) = @_;
	return $self->pick('', '', sub { ' WHERE ' . $self->condition($r) });
}

#
# What is read: an item of FROM with the columns id, g and body, named $r
#

sub source
{
	my ($self, $r, $depth) = @_;

	return $self->pick(
		("docs $r") x 3, ("parted $r") x 2, "parents $r", "few $r", "none $r", "ONLY parents $r",
		"(SELECT id, id % 7 AS g, body FROM parted) $r", "(SELECT * FROM docs WHERE id < 30 OFFSET 0) $r",
		"(SELECT a.id, b.g, a.body FROM docs a JOIN docs b ON b.id = a.id + 3) $r",
		"(SELECT a.id, b.g, b.body FROM docs a LEFT JOIN parted b ON b.id = a.id + 30) $r",
		"(SELECT id, g, body FROM docs UNION ALL SELECT id + 1000, 1, body FROM parted) $r",
		"(SELECT id, g, body FROM docs UNION ALL SELECT 7, 7, 'constant' UNION ALL SELECT id, g, body FROM parents) $r",
		"(SELECT id, g, body FROM docs EXCEPT SELECT id, g, body FROM few) $r",
		"(SELECT DISTINCT id, g, body FROM docs) $r",
		"(SELECT max(id) AS id, g, min(body) AS body FROM docs GROUP BY g) $r",
		"(SELECT id, g, lag(body) OVER (ORDER BY id) AS body FROM docs) $r",
		"(SELECT unnest(ARRAY[id, id + 100]) AS id, g, body FROM docs) $r",
		"(VALUES (1, 1, 'text a'), (2, 2, NULL), (3, 3, ' '), (4, 4, 'text b')) $r (id, g, body)",
		"(SELECT i AS id, i % 5 AS g, 'text ' || i AS body FROM generate_series(1, 30) i) $r",
		"json_to_recordset('[{\"id\": 1, \"g\": 2, \"body\": \"text j\"}, {\"id\": 2}]') $r (id int, g int, body text)",
		sub { "(SELECT id, g, " . $self->call('i') . " AS body FROM docs i) $r" },
		sub { "(SELECT id, g, " . $self->call('i') . " AS body FROM parted i OFFSET 0) $r" },
		sub { "(SELECT a.id, a.g, x.body FROM docs a LEFT JOIN (SELECT id, " . $self->call('b') . " AS body FROM parted b) x ON x.id = a.id + 20) $r" },
		sub { "(SELECT a.id, a.g, x.body FROM docs a, LATERAL (SELECT " . $self->call('a') . " || b.g AS body FROM docs b WHERE b.id = a.id OFFSET 0) x) $r" },
		sub { "(SELECT tick() AS id, g, body FROM docs) $r" },
		sub { $depth > 1 ? "docs $r" : '(' . $self->simple($depth + 1) . ") $r (id, body, g)" });
}

# A query of three columns: a number, a text, a number.
sub simple
{
	my ($self, $depth) = @_;
	my $source = $self->source('s', $depth);

	return "SELECT s.id, " . $self->call('s') . ", s.g FROM $source" . $self->where('s');
}

#
# Statements
#

sub order
{
	my ($self, $r) = @_;
	my $order = $self->pick(
		("$r.id") x 2, "$r.g, $r.id", 'tick()', "random() * 0, $r.id",
		sub { $self->call($r) . ", $r.id" }, sub { $self->call($r) . " DESC NULLS FIRST, $r.id" }, sub { $self->vector($r) . ", $r.id" },
		sub { "($r.g || " . $self->call($r) . "), $r.id" },
		sub { '2, ' . "$r.id" });

	return " ORDER BY $order" . $self->maybe(2, ' LIMIT 7', ' LIMIT 3 OFFSET 2', ' LIMIT (SELECT 5)', ' OFFSET 4', ' FETCH FIRST 3 ROWS WITH TIES');
}

sub plain
{
	my ($self) = @_;
	my $list = join(', ', $self->list('d'));
	my $order = $self->pick('', sub { $self->order('d') }, sub { $self->order('d') });

	$order = $self->maybe(4, ' LIMIT 5') if $order eq '';
	return "SELECT $list FROM " . $self->source('d', 0) . $self->where('d') . $order;
}

sub distinct
{
	my ($self) = @_;
	my $call = $self->call('d');

	return $self->pick(
		"SELECT DISTINCT $call AS c FROM " . $self->source('d', 0) . $self->pick('', ' ORDER BY 1', ' LIMIT 3'),
		'SELECT DISTINCT ON (d.g) d.g, ' . join(', ', $self->list('d')) . ' FROM ' . $self->source('d', 0) . ' ORDER BY d.g, d.id',
		"SELECT DISTINCT ON ($call) d.id, $call AS c FROM " . $self->source('d', 0) . " ORDER BY $call, d.id");
}

sub aggregate
{
	my ($self) = @_;
	my $call = $self->call('d');

	return $self->pick(
		"count($call)", "max($call)", "string_agg($call, ',' ORDER BY d.id)", "count(DISTINCT $call)",
		"count($call) FILTER (WHERE d.g > 2)", "count(*) FILTER (WHERE $call IS NULL)", 'count(*)', 'sum(tick())',
		"string_agg(d.body, ',' ORDER BY $call, d.id)", "md5(string_agg($call, ',' ORDER BY d.id))",
		"percentile_disc(0.5) WITHIN GROUP (ORDER BY $call)", "(array_agg($call ORDER BY d.id DESC))[1]",
		"max(inference_embed('words', $call)::text)", "bool_or($call IS NULL)");
}

sub grouped
{
	my ($self) = @_;
	my $call = $self->call('d');
	my ($groups, $key) = @{
		$self->pick(
			sub { [ '', '1' ] }, sub { [ 'd.g', 'd.g' ] }, sub { [ 'd.g', 'd.g' ] }, sub { [ $call, $call ] }, sub { [ "$call, d.g", "$call || d.g" ] },
			sub { [ 'ROLLUP (d.g)', 'd.g' ] }, sub { [ 'GROUPING SETS ((d.g), (d.body), ())', "concat(d.g, '/', d.body)" ] },
			sub { [ "CUBE (d.g, $call)", "concat(d.g, '/', $call)" ] }, sub { [ "upper(d.body), d.g", 'upper(d.body) || d.g' ] },
			sub { [ "ROLLUP (d.g, upper(d.body))", "inference_embed('words', upper(d.body))::text || d.g" ] }) };
	my $over = $key eq '1' ? "'total'" : "($key)::text";
	my $list = join(', ', "$over AS k", map { $self->aggregate . " AS a$_" } 1 .. 1 + $self->number(2));

	$list .= ", inference_embed('words', $over || count(*))::text AS e" if $self->number(3) == 0;
	$list .= ", CASE WHEN count(*) > 2 THEN inference_embed('words', max($over)) END AS f" if $self->number(4) == 0;
	$list .= ', tick() AS t' if $self->number(4) == 0;
	$list .= ", rank() OVER (ORDER BY count(*), $over) AS w" if $self->number(6) == 0;
	$list .= ', grouping(d.g) AS u' if $groups =~ /d\.g.*\)/ && $groups =~ /ROLLUP|SETS|CUBE/;
	return "SELECT $list FROM " . $self->source('d', 0) . $self->where('d')
	  . ($groups eq '' ? '' : " GROUP BY $groups")
	  . $self->maybe(4, ' HAVING count(*) > 1', ' HAVING tick() > 0', ' HAVING max(' . $self->call('d') . ') IS NOT NULL')
	  . $self->pick('', ' ORDER BY 1, 2', ' ORDER BY 2, 1 LIMIT 3', ' LIMIT 2');
}

sub window
{
	my ($self) = @_;
	my $call = $self->call('d');
	my $window = $self->pick(
		"rank() OVER (ORDER BY $call)", "lag($call) OVER (ORDER BY d.id)", "count(*) OVER (PARTITION BY $call ORDER BY d.id)",
		"max($call) OVER (PARTITION BY d.g ORDER BY d.id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
		'row_number() OVER (ORDER BY d.id)', "first_value($call) OVER w", 'sum(d.g) OVER (ORDER BY d.id)',
		"count($call) FILTER (WHERE d.g > 2) OVER (PARTITION BY d.g)",
		"inference_embed('words', lag(d.body) OVER (ORDER BY d.id))::text");
	my $sql = "SELECT " . join(', ', $self->list('d')) . ", $window AS w FROM " . $self->source('d', 0) . $self->where('d')
	  . ($window =~ /OVER w/ ? ' WINDOW w AS (PARTITION BY d.g ORDER BY d.id)' : '') . $self->pick('', ' ORDER BY d.id', ' ORDER BY d.id LIMIT 4');

	# The server may compute a row of a window that it then leaves out.
	return $window =~ /^row_number/ && $sql !~ /tick|seen/ && $self->number(2) ? "SELECT * FROM ($sql) x WHERE w < 4" : $sql;
}

sub sets
{
	my ($self) = @_;
	my $set = $self->pick(
		sub { 'unnest(' . $self->vector('d') . ')' }, sub { 'unnest((' . $self->vector('d') . ')[1:2])' },
		'generate_series(1, d.g)', 'generate_series(1, 2)', "unnest(ARRAY[d.body, d.body || '!'])", "twice(d.body)",
		"inference_embed('words', unnest(ARRAY[d.body, 'x']))::text", "inference_embed('words', twice(d.body))::text || tick()",
		sub { 'jsonb_object_keys(inference_sparse(\'terms\', ' . $self->text('d') . '))' });

	return "SELECT " . join(', ', $self->list('d')) . ", $set AS u FROM " . $self->source('d', 0) . $self->where('d')
	  . $self->pick('', ' ORDER BY d.id', ' ORDER BY d.id LIMIT 5', ' LIMIT 5');
}

sub united
{
	my ($self) = @_;
	my $operation = $self->pick('UNION', 'UNION ALL', 'UNION ALL', 'EXCEPT', 'INTERSECT ALL');

	return $self->simple(1) . " $operation " . $self->simple(1) . $self->pick('', ' ORDER BY 1, 2, 3', ' ORDER BY 2, 1, 3 LIMIT 5', ' LIMIT 3');
}

sub with
{
	my ($self) = @_;
	my $how = $self->pick('', 'MATERIALIZED ', 'NOT MATERIALIZED ');
	my $query = $self->pick(sub { $self->simple(1) }, sub { 'SELECT d.id, d.body || tick(), d.g FROM ' . $self->source('d', 1) });

	return $self->pick(
		"WITH w (id, body, g) AS $how($query) SELECT " . join(', ', $self->list('w')) . ' FROM w' . $self->where('w') . $self->pick('', ' ORDER BY 1, 2 LIMIT 6'),
		"WITH w (id, body, g) AS $how($query) SELECT w.id, x.body, " . $self->call('x') . ' FROM w LEFT JOIN docs x ON x.id = w.id ORDER BY 1, 2, 3',
		"WITH w (id, body, g) AS $how($query) SELECT " . join(', ', $self->list('d')) . ', (SELECT count(body) FROM w WHERE w.id = d.id) AS n FROM docs d',
		"WITH w (id, body, g) AS $how($query) SELECT * FROM (SELECT w.id, " . $self->call('w') . ' FROM w OFFSET 0) x',
		"WITH RECURSIVE r (id, g, body) AS (SELECT 1, 1, 'text start' UNION ALL SELECT r.id + 1, d.g, left(" . $self->call('d')
		  . ", 20) FROM r JOIN docs d ON d.id = r.id + 1 WHERE r.id < 8) SELECT r.*, " . $self->call('r') . ' FROM r');
}

sub subselects
{
	my ($self) = @_;
	my $inner = $self->source('i', 1);
	my $call = $self->call($self->pick('i', 'i', 'd'));

	return "SELECT d.id, " . $self->pick(
		"(SELECT $call FROM $inner WHERE i.id >= d.id ORDER BY i.id LIMIT 1)", "ARRAY(SELECT $call FROM $inner WHERE i.g = d.g ORDER BY i.id)",
		"EXISTS (SELECT $call FROM $inner WHERE i.id = d.id OFFSET 0)", "(d.body IN (SELECT $call FROM $inner))",
		"(SELECT count(*) FROM (SELECT $call FROM $inner WHERE i.id <> d.id LIMIT 3) x)", "(SELECT max(x.c) FROM (SELECT $call AS c FROM $inner WHERE i.id < d.g) x)",
		"inference_embed('words', (SELECT $call FROM $inner ORDER BY i.id LIMIT 1) || d.id)::text")
	  . ' AS s, ' . join(', ', ($self->list('d'))[1]) . ' FROM ' . $self->source('d', 1) . $self->where('d');
}

sub joined
{
	my ($self) = @_;
	my ($left, $right) = ($self->source('d', 1), $self->source('x', 1));
	my $how = $self->pick('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN');

	return "SELECT coalesce(d.id, x.id) AS id, " . $self->call('d') . ' AS c1, ' . $self->call('x') . ' AS c2, ' . $self->other('x')
	  . " AS c3, inference_embed('words', concat(d.body, x.body))::text AS c4 FROM $left $how $right ON d.id = x.id + 1"
	  . $self->pick('', '', " WHERE d.g IS DISTINCT FROM 3") . $self->pick('', ' ORDER BY 1, 2, 3', ' ORDER BY 1, 2, 3 LIMIT 5');
}

sub locking
{
	my ($self) = @_;
	return 'SELECT ' . join(', ', $self->list('d')) . ' FROM ' . $self->pick('docs d', 'parted d', 'parents d') . $self->where('d')
	  . $self->pick('', ' ORDER BY d.id', ' ORDER BY d.id LIMIT 4') . $self->pick(' FOR UPDATE', ' FOR SHARE', ' FOR NO KEY UPDATE SKIP LOCKED');
}

#
# Statements that write
#

sub value
{
	my ($self, $type) = @_;
	my $input = $self->pick("'text a'", "'text b'", "'text ' || 'c'", 'NULL', "' '", '(SELECT body FROM docs WHERE id = 5)');
	my $call = "inference_embed('" . $self->pick('words', 'words', 'other') . "', $input)";

	return $self->pick($call, $call, "coalesce($call, '{7}')", 'NULL', 'DEFAULT', "'{5,6}'", "nullif($call, '{1}')",
		"CASE WHEN $input = 'text a' THEN $call END", '(SELECT v FROM docs WHERE id = 3)') if $type eq 'vector';
	return $self->pick("$call IS NULL", "$call = inference_embed('words', 'text a')", 'true', 'NULL', 'DEFAULT') if $type eq 'bool';
	return $self->pick(
		"$call\::text", "concat($call, '!')", "inference_sparse('terms', $input)::text", 'NULL', 'DEFAULT', "'plain'", "coalesce($call\::text, 'none')",
		"coalesce(NULL, $call\::text, 'x')", "inference_infer('words', jsonb_build_object('input', 'a'))::text", "upper($call\::text)");
}

sub values
{
	my ($self) = @_;
	my @types = (map { $self->pick('vector', 'text', 'bool') } 1 .. 1 + $self->number(2));
	my %column = (vector => 'v', text => 't', bool => 'b');
	my %seen;
	@types = grep { !$seen{$_}++ } @types;
	my $tick = $self->number(4) == 0 ? 'tick()' : '';
	my $volatile = $self->number(3) == 0;
	my @rows = map {
		my $row = $_;
		'(' . join(', ', ($volatile && $self->maybe(3, 'DEFAULT')) || $row + 50, ($tick ? $self->pick($tick, '1') : ()), map { $self->value($_) } @types) . ')'
	} 1 .. 1 + $self->number(7);

	return 'INSERT INTO target (' . join(', ', 'id', ($tick ? 'n' : ()), map { $column{$_} } @types) . ') VALUES ' . join(', ', @rows)
	  . $self->maybe(4, ' ON CONFLICT DO NOTHING', ' ON CONFLICT (id) DO UPDATE SET t = excluded.t') . $self->pick('', ' RETURNING *', " RETURNING id, inference_embed('words', t), tick()");
}

sub filled
{
	my ($self) = @_;

	return $self->pick(
		sub { 'INSERT INTO target (id, v, t) SELECT d.id, ' . $self->vector('d') . ', ' . $self->call('d') . ' FROM ' . $self->source('d', 0) . $self->where('d') . $self->pick('', ' ORDER BY d.id LIMIT 9') . ' ON CONFLICT DO NOTHING RETURNING *' },
		sub { 'INSERT INTO target (t) SELECT ' . $self->call('d') . ' FROM ' . $self->source('d', 0) . $self->where('d') . ' RETURNING *' },
		sub {
			my @values = map { $self->value('text') =~ s/DEFAULT/NULL/r } 1 .. 2;
			"INSERT INTO target (id, t) SELECT i, e || '!' FROM (VALUES (1, $values[0]), (2, $values[1]), (3, 'c')) x (i, e)" . $self->maybe(2, ' WHERE e IS NOT NULL', ' ORDER BY e', ' ORDER BY i LIMIT 2');
		},
		sub { 'WITH i AS (INSERT INTO target (v) SELECT ' . $self->vector('d') . ' FROM docs d RETURNING id, v) SELECT i.id, inference_embed(\'words\', i.v::text) FROM i' },
		sub { 'CREATE TABLE made AS ' . $self->plain });
}

sub update
{
	my ($self) = @_;
	my $set = $self->pick(
		sub { 'v = ' . $self->vector('d') }, sub { 'v = ' . $self->vector('d') . ', g = d.g + 1' }, sub { 'body = ' . $self->call('d') . ', g = tick()' },
		sub { '(g, body) = (SELECT i.id, ' . $self->call('i') . ' FROM docs i WHERE i.id = d.id), v = ' . $self->vector('d') },
		sub { '(body, g) = (SELECT i.body, i.g FROM parted i WHERE i.id = d.id + 1), v = ' . $self->vector('d') },
		sub { '(g, v) = (d.id, ' . $self->vector('d') . ')' }, sub { 'v[2] = (' . $self->vector('d') . ')[1]' },
		sub { 'id = d.id + 12, v = ' . $self->vector('d') });

	return 'UPDATE ' . $self->pick('docs d', 'parted d', 'parted d', 'parents d') . " SET $set"
	  . $self->pick('', '', sub { ' FROM docs x WHERE x.id = d.id + 1' }, sub { $self->where('d') })
	  . $self->pick('', ' RETURNING d.*', sub { ' RETURNING d.id, ' . $self->call('d') });
}

sub delete
{
	my ($self) = @_;
	return 'DELETE FROM ' . $self->pick('docs d', 'parted d', 'parents d') . $self->where('d') . ' RETURNING d.id, ' . $self->call('d');
}

sub merge
{
	my ($self) = @_;
	my $matched = $self->pick(
		sub { 'UPDATE SET v = ' . $self->vector('s') }, sub { 'UPDATE SET v = ' . $self->vector('d') . ', body = s.body' }, 'DO NOTHING', 'DELETE');
	my $condition = $self->pick('', '', ' AND s.g > 2', ' AND d.g < 3', sub { ' AND ' . $self->call('s') . ' IS NOT NULL' });

	return 'MERGE INTO ' . $self->pick('docs d', 'parted d') . ' USING ' . $self->pick('few s', "(SELECT id + 30 AS id, g, body FROM docs) s", sub { '(SELECT id + 30 AS id, g, ' . $self->call('i') . ' AS body FROM docs i) s' })
	  . " ON s.id = d.id WHEN MATCHED$condition THEN $matched"
	  . ($condition eq '' ? '' : $self->pick('', ' WHEN MATCHED THEN DO NOTHING'))
	  . $self->pick('', sub { ' WHEN NOT MATCHED AND s.g < 5 THEN INSERT (id, g, body, v) VALUES (s.id, s.g, s.body, ' . $self->vector('s') . ')' }, sub { ' WHEN NOT MATCHED THEN INSERT (id, body) VALUES (s.id, ' . $self->call('s') . ')' });
}

sub next
{
	my ($self) = @_;
	my $settings = join('; ', map { "SET LOCAL $_" } grep { $self->number(8) == 0 }
		  ('inference.max_batch_inputs = 3', 'inference.max_concurrent_requests = 1', "work_mem = '64kB'", 'enable_hashagg = off', 'enable_sort = off',
			'enable_hashjoin = off', 'enable_nestloop = off', 'enable_seqscan = off', 'enable_partitionwise_join = on', 'enable_partitionwise_aggregate = on',
			'enable_material = off', 'cursor_tuple_fraction = 1', 'max_parallel_workers_per_gather = 1'));
	my $writes = $self->number(4) == 0;
	my $method = $writes ? $self->pick('values', 'values', 'filled', 'update', 'update', 'delete', 'merge')
	  : $self->pick('plain', 'plain', 'plain', 'distinct', 'grouped', 'grouped', 'window', 'sets', 'united', 'with', 'subselects', 'joined', 'locking');
	my $sql = $self->$method;
	my $mode = $sql =~ /^CREATE/ ? 'write' : $writes ? $self->pick('write', 'write', 'generic')
	  : $self->pick('wrapped', 'loop', 'cursor', 'cursor', 'scroll', 'create', 'generic', 'exists');

	$mode = 'cursor' if $mode eq 'scroll' && $method eq 'locking';
	return { mode => $mode, settings => $settings, sql => $sql, method => $method };
}

#
# What the statements need
#

sub schema
{
	return q{
SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 8}}'),
	inference_put('text_embedding', 'other', '{"service": "hashing", "service_settings": {"dimensions": 4}}'),
	inference_put('sparse_embedding', 'terms', '{"service": "hashing"}');

CREATE SEQUENCE ticks;
CREATE FUNCTION tick() RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT nextval('ticks')::int $$;
CREATE TABLE taken (n int);
CREATE FUNCTION seen() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT count(*) FROM taken $$;
CREATE FUNCTION twice(text) RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT $1 UNION ALL SELECT $1 || '2' $$;
CREATE FUNCTION embed_inlined(text) RETURNS real[] LANGUAGE sql STABLE AS $$ SELECT inference_embed('words', $1) $$;
CREATE FUNCTION embed_slowly(t text) RETURNS real[] LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN inference_embed('words', t); END $$;

CREATE TABLE docs (id int PRIMARY KEY, g int, body text, v real[]);
INSERT INTO docs SELECT i, i % 5,
	CASE WHEN i % 11 = 0 THEN NULL WHEN i % 13 = 0 THEN ' ' ELSE 'text ' || i % 17 END,
	inference_embed('words', 'text ' || i)
	FROM generate_series(1, 40) i;
CREATE TABLE parted (id int, g int, body text, v real[]) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (20);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (20) TO (1000) PARTITION BY LIST (g);
CREATE TABLE parted_2a PARTITION OF parted_2 FOR VALUES IN (0, 1, 2);
CREATE TABLE parted_2b PARTITION OF parted_2 DEFAULT;
INSERT INTO parted SELECT * FROM docs;
CREATE TABLE parents (id int, g int, body text, v real[]);
CREATE TABLE children (more text) INHERITS (parents);
INSERT INTO parents SELECT * FROM docs WHERE id < 10;
INSERT INTO children SELECT *, 'more' FROM docs WHERE id BETWEEN 10 AND 20;
CREATE VIEW few AS SELECT id, g, body FROM docs WHERE g IN (1, 2);
CREATE TABLE none (id int, g int, body text);
CREATE TABLE target (id serial PRIMARY KEY, n int DEFAULT nextval('ticks'), v real[] DEFAULT '{9}', t text DEFAULT 'none', b bool);
CREATE INDEX ON parted (id);
ANALYZE;

-- What a statement gives and leaves behind, in the end rolled back.
CREATE FUNCTION outcome(batching text, mode text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	r record;
	seen text := '';
	rest text;
	backward int := 0;
BEGIN
	PERFORM set_config('inference.batching', batching, true),
		setval('ticks', 1, false), setval('target_id_seq', 1, false);
	IF mode = 'generic' THEN
		PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
	END IF;
	BEGIN
		CASE mode
			WHEN 'wrapped' THEN
				EXECUTE format('SELECT string_agg(r::text, chr(10)) FROM (%s) r', statement) INTO seen;
			WHEN 'exists' THEN
				EXECUTE format('SELECT count(*) || (SELECT r::text FROM (%s) r OFFSET 2 LIMIT 1) FROM docs WHERE EXISTS (SELECT FROM (%1$s) r WHERE r IS NOT NULL)', statement) INTO seen;
			WHEN 'loop' THEN
				FOR r IN EXECUTE statement LOOP
					seen := seen || r::text || chr(10);
					INSERT INTO taken VALUES (1);
				END LOOP;
			WHEN 'cursor', 'scroll' THEN
				IF mode = 'scroll' THEN
					OPEN c SCROLL FOR EXECUTE statement;
				ELSE
					OPEN c FOR EXECUTE statement;
				END IF;
				LOOP
					FETCH c INTO r;
					EXIT WHEN NOT FOUND;
					seen := seen || r::text || chr(10);
					INSERT INTO taken VALUES (1);
					IF mode = 'scroll' AND statement !~ 'tick|seen|FOR (UPDATE|SHARE|NO KEY)' AND length(seen) % 3 = 0 AND backward < 5 THEN
						backward := backward + 1;
						FETCH RELATIVE -2 FROM c INTO r;
					END IF;
				END LOOP;
				CLOSE c;
			WHEN 'create' THEN
				EXECUTE 'CREATE TEMP TABLE created AS ' || statement;
				SELECT string_agg(x::text, chr(10)) INTO seen FROM created x;
			WHEN 'generic' THEN
				EXECUTE 'PREPARE generic (text) AS ' || regexp_replace(statement, '''words''', '$1', 'g');
				IF statement ~ '^(SELECT|WITH)' THEN
					EXECUTE 'CREATE TEMP TABLE created AS EXECUTE generic (''words'')';
					SELECT string_agg(x::text, chr(10)) INTO seen FROM created x;
				ELSE
					EXECUTE 'EXECUTE generic (''words'')';
				END IF;
				DEALLOCATE generic;
			ELSE
				IF statement ~ 'RETURNING' AND statement !~ '^WITH' THEN
					FOR r IN EXECUTE statement LOOP
						seen := seen || r::text || chr(10);
					END LOOP;
				ELSE
					EXECUTE statement;
				END IF;
		END CASE;
		SELECT string_agg(x, chr(10) ORDER BY x) INTO rest FROM (
			SELECT d::text AS x FROM docs d UNION ALL SELECT p::text FROM parted p UNION ALL
			SELECT p::text FROM parents p UNION ALL SELECT t::text FROM target t UNION ALL
			SELECT last_value::text FROM ticks UNION ALL SELECT last_value::text FROM target_id_seq) x;
		RAISE EXCEPTION USING ERRCODE = 'ROLLB', MESSAGE = concat(seen, '-- ', md5(rest));
	EXCEPTION
		WHEN SQLSTATE 'ROLLB' THEN seen := SQLERRM;
		WHEN OTHERS THEN seen := 'ERROR ' || SQLSTATE || ' ' || SQLERRM;
	END;
	IF mode = 'generic' THEN
		BEGIN
			DEALLOCATE generic;
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END IF;
	PERFORM set_config('plan_cache_mode', 'auto', true);
	RETURN seen;
END $$;

-- 'same', or both outcomes; before that, how many nodes make calls in batches.
CREATE FUNCTION compare(mode text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	nodes int := 0;
	batched text;
	plain text;
BEGIN
	BEGIN
		PERFORM set_config('inference.batching', 'on', true);
		FOR line IN EXECUTE 'EXPLAIN (VERBOSE) ' || statement LOOP
			nodes := nodes + (line ~ 'Inference Batch')::int;
		END LOOP;
	EXCEPTION WHEN OTHERS THEN
		nodes := CASE WHEN SQLSTATE = 'XX000' THEN -1 ELSE 0 END;
		IF nodes < 0 THEN RETURN '-1 differs' || chr(10) || SQLERRM; END IF;
	END;
	batched := outcome('on', mode, statement);
	plain := outcome('off', mode, statement);
	RETURN nodes || CASE WHEN nodes < 0 OR batched <> plain THEN E' differs\n--- on\n' || left(batched, 3000) || E'\n--- off\n' || left(plain, 3000)
		WHEN plain ~ '^ERROR' THEN ' same ' || left(plain, 200) ELSE ' same' END;
END $$;
};
}

1;
