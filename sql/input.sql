--
-- Bad input: a clear and short error, and nothing lost.
--
SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 3}}') IS NOT NULL AS put;
CREATE FUNCTION error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text;
BEGIN
	EXECUTE statement;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ' ' || left(m, 90) || CASE WHEN length(m || d || h) > 2000 THEN ' (too long)' ELSE '' END;
END $$;

-- 10 MB where a word was expected.
SELECT error_of($$SELECT inference_get(repeat('x', 10000000))$$);
SELECT error_of($$SELECT inference_get(repeat('x', 10000000), 'words')$$);
SELECT error_of($$SELECT inference_delete(repeat('x', 10000000))$$);
SELECT error_of($$SELECT inference_update(repeat('x', 10000000), '{}')$$);
SELECT error_of($$SELECT inference_put(repeat('x', 10000000), 'm', '{"service": "hashing"}')$$);
SELECT error_of($$SELECT inference_put('text_embedding', repeat('x', 10000000), '{"service": "hashing"}')$$);
SELECT error_of($$SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', repeat('x', 10000000)))$$);
SELECT error_of($$SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hashing', repeat('x', 10000000), 1))$$);
SELECT error_of($$SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hashing', 'service_settings', jsonb_build_object('dimensions', repeat('x', 10000000))))$$);
SELECT error_of($$SELECT inference_put('m', jsonb_build_object('service', 'hashing', 'task_type', repeat('x', 10000000)))$$);
SELECT error_of($$SELECT inference_embed(repeat('x', 10000000), 'text')$$);
SELECT error_of($$SELECT inference_infer(repeat('x', 10000000), 'words', '{"input": "x"}')$$);
SELECT error_of($$SELECT inference_infer('words', jsonb_build_object('input', 'x', repeat('x', 10000000), 1))$$);
SELECT error_of($$SELECT inference_embed('words', 'x', jsonb_build_object(repeat('x', 10000000), 1))$$);

-- 10 MB where a text was expected.
SELECT cardinality(inference_embed('words', repeat('word ', 2000000)));
SELECT cardinality(inference_embed('words', repeat('x', 10000000)));
SELECT count(*) FROM inference_embed_batch('words', array_fill(repeat('x', 1000000), ARRAY[10]));

-- Deep, many, odd.
SELECT error_of($$SELECT inference_put('text_embedding', 'm', ('{"service": "hashing", "service_settings": {"a": ' || repeat('[', 5000) || repeat(']', 5000) || '}}')::jsonb)$$);
SELECT error_of($$SELECT inference_infer('words', ('{"input": ' || repeat('[', 5000) || repeat(']', 5000) || '}')::jsonb)$$);
SELECT error_of($$SELECT inference_put('text_embedding', 'm', (SELECT jsonb_object_agg('key' || i, i) FROM generate_series(1, 10000) i))$$);
SELECT error_of($$SELECT inference_put('text_embedding', 'm', '{"service": "hashing", "service_settings": {"dimensions": 1e1000}}')$$);
SELECT jsonb_array_length(inference_infer('words', (SELECT jsonb_build_object('input', jsonb_agg('text ' || i)) FROM generate_series(1, 3000) i)) -> 'text_embedding') AS many;
SELECT error_of($$SELECT inference_get('it''s "quoted" \ and U&')$$);
SELECT error_of(U&'SELECT inference_get(''\00E4\4E2D\+01F600'')');
SELECT error_of($$SELECT inference_get('')$$);
SELECT error_of($$SELECT * FROM inference_embed_batch('words', array_fill('x'::text, ARRAY[2,2,2]))$$);
SELECT error_of($$SELECT _inference_show_request('words', '{}')$$);
SELECT error_of($$SELECT _inference_read_response('nope', '{x}', '')$$);
SELECT inference_get('words') IS NOT NULL AS still_here;

-- Limits of settings.
SELECT name, boot_val, unit, min_val, max_val, context FROM pg_settings WHERE name LIKE 'inference.%' ORDER BY name;
SET inference.max_batch_inputs = -1;
SET inference.max_retries = 101;
-- PostgreSQL 18 gives bounds their units.
\set VERBOSITY sqlstate
SET inference.request_timeout = 0;
SET inference.max_response_size = '2GB';
\set VERBOSITY default
SET inference.nonsense = 1;
DROP FUNCTION error_of;
SELECT inference_delete('words');
