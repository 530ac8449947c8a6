--
-- Dense embeddings: nulls, blanks, arrays, bodies.
--
SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 3}}') IS NOT NULL AS put;
SELECT inference_put('sparse_embedding', 'tokens', '{"service": "hashing"}') IS NOT NULL AS put;
SET extra_float_digits = 0;

SELECT inference_embed('words', 'a text');
SELECT inference_embed('words', NULL), inference_embed(NULL, 'x'), inference_embed('words', 'x', NULL);
SELECT inference_embed('words', ''), inference_embed('words', E' \t\n'), inference_embed('words', U&'\00A0\3000');
SELECT inference_embed('words', 'x', '{"user": "me"}');
SELECT inference_embed('words', 'x', '[]');
SELECT inference_embed('words', 'x', '3');
SELECT inference_embed('tokens', 'x');
SELECT inference_embed('nope', 'x');
SELECT inference_embed('nope', NULL);
SELECT inference_embed('', 'x');

SELECT * FROM inference_embed_batch('words', ARRAY['b', NULL, 'a', '', ' ', 'b']);
SELECT * FROM inference_embed_batch('words', '{}');
SELECT * FROM inference_embed_batch('words', '{NULL}');
SELECT * FROM inference_embed_batch('words', NULL);
SELECT * FROM inference_embed_batch('words', '[7:8]={a,b}');
SELECT * FROM inference_embed_batch('words', '{{a,b},{c,d}}');
SELECT * FROM inference_embed_batch('nope', '{}');
SELECT * FROM inference_embed_batch('tokens', '{a}');
SELECT count(*), count(DISTINCT embedding) FROM inference_embed_batch('words', ARRAY(SELECT 'text ' || i % 100 FROM generate_series(1, 1000) i));
SELECT bool_and(embedding = inference_embed('words', 'text ' || ordinality % 100)) AS in_order
FROM inference_embed_batch('words', ARRAY(SELECT 'text ' || i % 100 FROM generate_series(1, 300) i));

-- The API's own form.
SELECT inference_infer('text_embedding', 'words', '{"input": "a text"}');
SELECT inference_infer('words', '{"input": ["b", "", "b"]}');
SELECT inference_infer(' TEXT_EMBEDDING', 'words', '{"input": "b", "task_settings": {}}') = inference_infer('words', '{"input": ["b"]}') AS same;
SELECT inference_infer('sparse_embedding', 'words', '{"input": "a text"}');
SELECT inference_infer('completion', 'words', '{"input": "a text"}');
SELECT inference_infer('words', '{}');
SELECT inference_infer('words', '{"input": null}');
SELECT inference_infer('words', '{"input": []}');
SELECT inference_infer('words', '{"input": 3}');
SELECT inference_infer('words', '{"input": {"text": "x"}}');
SELECT inference_infer('words', '{"input": ["a", 3]}');
SELECT inference_infer('words', '{"input": ["a", null]}');
SELECT inference_infer('words', '{"input": [["a"]]}');
SELECT inference_infer('words', '{"input": "a", "task_settings": 3}');
SELECT inference_infer('words', '{"input": "a", "task_settings": {"user": "x"}}');
SELECT inference_infer('words', '{"input": "a", "query": "x"}');
SELECT inference_infer('words', '["a"]');
SELECT inference_infer('words', '"a"');
SELECT inference_infer('nope', '{"input": "a"}');
SELECT inference_infer('words', NULL) IS NULL AS strict;

-- In PL/pgSQL, subtransactions, cursors and read-only transactions.
DO $$
DECLARE v real[];
BEGIN
	FOR i IN 1 .. 3 LOOP
		BEGIN
			v := inference_embed(CASE WHEN i = 2 THEN 'nope' ELSE 'words' END, 'text ' || i);
			RAISE NOTICE 'embedding %', v;
		EXCEPTION WHEN undefined_object THEN
			RAISE NOTICE 'caught: %', SQLERRM;
		END;
	END LOOP;
END $$;
BEGIN READ ONLY;
DECLARE c CURSOR FOR SELECT i, inference_embed('words', 'text ' || i) FROM generate_series(1, 4) i;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
FETCH 2 FROM c;
SAVEPOINT s;
SELECT inference_put('text_embedding', 'no', '{"service": "hashing"}');
ROLLBACK TO s;
SELECT inference_embed('words', 'still here') IS NOT NULL AS works;
SELECT inference_delete('words');
ROLLBACK;

-- The cache of a session gives what the service gave.
SET inference.cache_size = '64kB';
SELECT bool_and(inference_embed('words', 'text ' || i % 7) = inference_embed('words', 'text ' || i % 7 || '!')) AS same FROM generate_series(1, 500) i;
SELECT count(DISTINCT inference_embed('words', 'text ' || i)) FROM generate_series(1, 2000) i;
SELECT inference_sparse('tokens', 'a b a'), inference_sparse('tokens', 'a b a') FROM generate_series(1, 2);
RESET inference.cache_size;
SELECT inference_delete('words'), inference_delete('tokens');
