--
-- Limits: what is larger than anybody needs is refused, before memory is asked
-- for.  Longer lists than are held at once are answered piece by piece.
--

-- Whatever the configuration of the server says.
SET inference.batching = on;

-- A row with larger settings than can be put, as a restored one can be: all others
-- are listed, this one can be deleted.
CREATE SERVER huge FOREIGN DATA WRAPPER inference;
INSERT INTO inference_model (model_id, task_type, service, task_settings)
VALUES ('huge', 'text_embedding', 'hashing', jsonb_build_object('user', repeat('x', 100000)));
CREATE SERVER named FOREIGN DATA WRAPPER inference;
INSERT INTO inference_model (model_id, task_type, service) VALUES ('named', 'text_embedding', repeat('service ', 100000));
SELECT inference_put('text_embedding', 'small', '{"service": "hashing", "service_settings": {"dimensions": 2}}') IS NOT NULL AS put;
SELECT m ->> 'model_id' AS model_id, m -> 'service_settings' AS service_settings, m -> 'task_settings' AS task_settings
FROM jsonb_array_elements(inference_get() -> 'models') m;
SELECT inference_get('huge');
SELECT inference_embed('huge', 'text');
SELECT inference_update('huge', '{"task_settings": {"user": "x"}}');
\set VERBOSITY sqlstate
SELECT inference_embed('named', 'text');
\set VERBOSITY default
SELECT inference_delete('huge'), inference_delete('named');

-- A text has a limit, wherever it comes from.
SELECT inference_embed('small', repeat('x', 16777217));
SELECT inference_infer('small', jsonb_build_object('input', repeat('x', 16777217)));
SELECT inference_infer('small', jsonb_build_object('input', jsonb_build_array('a', repeat('x', 16777217))));
SELECT * FROM inference_embed_batch('small', ARRAY['a', repeat('x', 16777217)]);
SELECT inference_embed('small', repeat(t, 16777217)) FROM unnest(ARRAY['a']) t;
SELECT inference_put('sparse_embedding', 'words2', '{"service": "hashing"}') IS NOT NULL AS put;
SELECT inference_sparse('words2', (SELECT string_agg('w' || i, ' ') FROM generate_series(1, 100001) i));

-- An answer that cannot fit into a value is refused before anything is embedded.
SELECT inference_put('text_embedding', 'wide', '{"service": "hashing", "service_settings": {"dimensions": 65536}}') IS NOT NULL AS put;
SELECT inference_infer('wide', jsonb_build_object('input', (SELECT jsonb_agg('w' || i) FROM generate_series(1, 400) i)));

-- Long lists are answered piece by piece, in order, nulls and all.
SELECT count(*), count(embedding), count(DISTINCT embedding),
	bool_and(embedding IS NOT DISTINCT FROM inference_embed('small', input)) AS same
FROM (SELECT (ARRAY['a', NULL, 'b', ' ', 'c'])[1 + i % 5] AS input, i AS ordinality FROM generate_series(1, 10000) i) t
	JOIN inference_embed_batch('small', ARRAY(SELECT (ARRAY['a', NULL, 'b', ' ', 'c'])[1 + i % 5] FROM generate_series(1, 10000) i)) USING (ordinality);
SELECT count(*), count(DISTINCT token) FROM inference_sparse_batch('words2', ARRAY(SELECT 'w' || i FROM generate_series(1, 9000) i));
SELECT count(*), min(ordinality), max(ordinality) FROM inference_embed_batch('small', array_fill(NULL::text, ARRAY[100000]));
WITH answer AS (
	SELECT inference_infer('small', jsonb_build_object('input', (SELECT jsonb_agg('w' || i) FROM generate_series(1, 9000) i))) AS a)
SELECT a = a::text::jsonb AS same, pg_column_size(a) = pg_column_size(a::text::jsonb) AS same_size,
	a #> '{text_embedding,8999,embedding,0}' = to_jsonb((inference_embed('small', 'w9000'))[1]) AS last,
	(SELECT count(*) FROM jsonb_path_query(a, '$.text_embedding[*].embedding[*]')) AS numbers
FROM answer;
WITH answer AS (
	SELECT inference_infer('words2', jsonb_build_object('input', (SELECT jsonb_agg(t) FROM
		(SELECT repeat('x', i % 7) || CASE WHEN i % 3 = 0 THEN ' a b a' ELSE '' END AS t FROM generate_series(1, 500) i) x))) AS a)
SELECT a = a::text::jsonb AS same, pg_column_size(a) = pg_column_size(a::text::jsonb) AS same_size,
	a #> '{sparse_embedding,2}' AS third, a #> '{sparse_embedding,6}' AS seventh, jsonb_array_length(a -> 'sparse_embedding') AS n
FROM answer;

-- Over rows, too: bodies with many texts, and some with few.
SELECT n, jsonb_array_length(a -> 'text_embedding') = n AS all,
	a #> ARRAY['text_embedding', (n - 1)::text, 'embedding'] = to_jsonb(inference_embed('small', 'w' || n)) AS last
FROM (SELECT n, inference_infer('small', jsonb_build_object('input', (SELECT jsonb_agg('w' || i) FROM generate_series(1, n) i))) AS a
	FROM unnest(ARRAY[1, 5000, 3, 2]) n OFFSET 0) x;

-- What looks inside has the limits of what is sent and received.
SELECT inference_put('text_embedding', 'o', '{"service": "openai", "service_settings": {"api_key": "k"}}') IS NOT NULL AS put;
SELECT _inference_show_request('o', array_fill('a'::text, ARRAY[100001]));
SET inference.max_response_size = '1kB';
SELECT _inference_read_response('o', '{a}', convert_to(repeat(' ', 1025), 'UTF8'));
RESET inference.max_response_size;
SELECT right(_inference_show_request('o', ARRAY[E'a\x01\x1f"\\\n' || repeat('ä', 600000) || E'\x02']), 20);
SELECT count(inference_delete(id)) FROM unnest(ARRAY['small', 'wide', 'words2', 'o']) id;
