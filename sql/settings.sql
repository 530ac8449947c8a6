--
-- Settings: every kind of fault, and that secrets are in none of them.
--

-- Shape of the configuration.
SELECT inference_put('text_embedding', 'm', '[]');
SELECT inference_put('text_embedding', 'm', '"openai"');
SELECT inference_put('text_embedding', 'm', 'null');
SELECT inference_put('text_embedding', 'm', '{}');
SELECT inference_put('text_embedding', 'm', '{"service": null}');
SELECT inference_put('text_embedding', 'm', '{"service": 3}');
SELECT inference_put('text_embedding', 'm', '{"service": "cohere"}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai"}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": null}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": "sk-secret"}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": ["sk-secret"], "task_settings": 1}');
SELECT inference_put('m', '{"service": "hashing", "task_type": 1}');

-- Missing, of another type, empty, out of bounds.
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": null}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": ""}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": 12345}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": {"sk-secret": 1}}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "sk-secret\r\nX-Injected: 1"}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "sk secret"}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "organization_id": " "}}');
SELECT inference_put('text_embedding', 'm', format('{"service": "openai", "service_settings": {"api_key": "k", "dimensions": %s}}', v)::jsonb)
FROM (VALUES ('5.0')) x(v);
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": "5"}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": true}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": [5]}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": 0}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": -1}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": 65537}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": 2147483648}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": 1e100}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "similarity": "euclid"}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "similarity": 1}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "rate_limit": 3}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k", "rate_limit": {"requests_per_minute": 0, "requests_per_hour": 1}}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k"}, "task_settings": {"user": "", "model": 1}}');
SELECT inference_put('sparse_embedding', 'm', '{"service": "elser", "service_settings": {"num_allocations": 0, "num_threads": 3}}');
SELECT inference_put('sparse_embedding', 'm', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 64}}');
SELECT inference_put('sparse_embedding', 'm', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 1, "protocol": "gopher"}}');

-- URLs.
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', 'www.elastic.co')));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', 'ftp://example.org/')));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', 'file:///etc/passwd')));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', 'https://')));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', 'https://www.abc^.com')));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', 'https://user:sk-secret@example.org/')));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', E'https://example.org/\nx')));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', 'https://example.org:99999/')));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', 'https://example.org/#part')));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hugging_face', 'service_settings', jsonb_build_object('api_key', 'k', 'url', 'https://example.org/' || repeat('x', 3000))));

-- Unknown keys: where they stand, and what they may have been meant to be.
SELECT inference_put('text_embedding', 'm', '{"service": "hashing", "service_settings": {"foo": "bar"}}');
SELECT inference_put('text_embedding', 'm', '{"service": "hashing", "service_settings": {"dimension": 3}, "chunking_settings": {"strategy": "none"}}');
SELECT inference_put('text_embedding', 'm', '{"service": "openai", "service_settings": {"api_key": "k"}, "task_settings": {"modell": "x"}, "servise_settings": {}}');
SELECT inference_put('sparse_embedding', 'm', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 1}, "task_settings": {"a": 1}}');
SELECT inference_put('sparse_embedding', 'm', '{"service": "hugging_face", "service_settings": {"api_key": "k", "url": "https://example.org", "similarity": "cosine"}}');
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hashing', repeat('k', 300), 'v'));
SELECT inference_put('text_embedding', 'm', '{"service": "hashing", "service_settings": {"foo": null}, "bar": null}') AS nulls_are_absent;
SELECT inference_delete('m');

-- All faults of a configuration in one error.
SELECT inference_put('nonsense', 'Bad Id', '{"service": "openai", "service_settings": {"dimensions": 5.0, "similarity": "x", "api_kye": "sk-secret"}, "task_settings": {"user": ""}, "extra": 1}');

-- Secrets are in no part of an error.
CREATE FUNCTION leaks(config jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text;
BEGIN
	PERFORM inference_put('text_embedding', 'leak', config);
	PERFORM inference_delete('leak');
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN (m || d || h) LIKE '%sk-secret%';
END $$;
SELECT n, leaks(config) FROM (VALUES
	(1, '{"service": "openai", "service_settings": {"api_key": "sk-secret", "x": 1}}'::jsonb),
	(2, '{"service": "openai", "service_settings": {"apikey": "sk-secret"}}'),
	(3, '{"service": "openai", "api_key": "sk-secret"}'),
	(4, '{"service": "openai", "service_settings": {"api_key": ["sk-secret"]}}'),
	(5, '{"service": "openai", "service_settings": {"api_key": "k"}, "task_settings": {"Authorization": "Bearer sk-secret"}}'),
	(6, '{"service": "openai", "service_settings": {"token": {"value": "sk-secret"}}}'),
	(7, '{"service": "openai", "service_settings": {"url": "https://sk-secret@example.org"}}'),
	(8, '{"service": "openai", "service_settings": {"nested": {"deep": "sk-secret"}}}'),
	(9, '{"service": "openai", "service_settings": {"api_key": "sk-secret\n"}}'),
	(10, '{"service": "openai", "service_settings": {"kye": "sk-secret"}}'),
	(11, '{"service": "openai", "service_settings": {"apk": "sk-secret", "bearer": "sk-secret", "pw": "sk-secret"}}'),
	(12, '{"service": "openai", "pw": "sk-secret", "service_settings": {"api_key": "k"}}'),
	(13, '{"service": "openai", "service_settings": {"api_key": "k"}, "task_settings": {"kye": "sk-secret"}}'),
	(14, '{"service": "openai", "service_settings": {"api_key": "k", "rate_limit": {"kye": "sk-secret"}}}'),
	(15, '{"service": "openai", "service_settings": {"api_key": "k", "rate_limit": "sk-secret"}}'),
	(16, '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": "sk-secret"}}'),
	(17, '{"service": "openai", "service_settings": {"api_key": "k", "dimensions": ["sk-secret"]}}'),
	(18, '{"service": "openai", "service_settings": {"api_key": "k", "similarity": "sk-secret"}}'),
	(19, '{"service": "openai", "service_settings": {"api_key": "k", "organization_id": "sk-secret "}}'),
	(20, '{"service": "openai", "service_settings": {"api_key": "k", "url": "sk-secret"}}'),
	(21, '{"service": "openai", "service_settings": {"api_key": "k", "url": "http://example.org/?api_key=sk-secret#x"}}'),
	(22, '{"service": "openai", "service_settings": {"api_key": "k", "url": "http://user:sk-secret@example.org/"}}'),
	(23, '{"service": "openai", "service_settings": {"api_key": "k", "url": ["sk-secret"]}}'),
	(24, '{"service": {"kye": "sk-secret"}}'),
	(25, '{"service": "openai", "task_type": {"kye": "sk-secret"}}')
) x(n, config) ORDER BY n;
DROP FUNCTION leaks;

-- Nor of one of a change or a call.
SELECT inference_put('text_embedding', 'o', '{"service": "openai", "service_settings": {"api_key": "k"}}') IS NOT NULL AS put;
SELECT inference_update('o', '{"service_settings": {"kye": "sk-secret"}}');
SELECT inference_update('o', '{"service_settings": {"model_id": "sk-secret"}, "pw": "sk-secret"}');
SELECT inference_update('o', '{"service_settings": {"url": "http://example.org/?key=sk-secret"}}');
SELECT inference_embed('o', 'text', '{"apk": "sk-secret"}');
SELECT inference_infer('o', '{"input": "text", "bearer": "sk-secret"}');
SELECT inference_infer('o', '{"input": "text", "task_settings": {"bearer": "sk-secret", "user": ["sk-secret"]}}');
SELECT inference_infer('o', '{"input": "text", "task_settings": "sk-secret"}');
SELECT inference_infer('o', '{"input": {"kye": "sk-secret"}}');
SELECT count(x) FROM (SELECT inference_embed('o', t, '{"apk": "sk-secret"}') x FROM unnest(ARRAY['a', 'b']) t OFFSET 0) y;
SELECT inference_delete('o');

-- Thousands of keys are counted, not gathered; what is larger than any
-- configuration is refused before it is read.
CREATE FUNCTION keys(first int, last int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_object_agg('k' || i, true) FROM generate_series(first, last) i
$$;
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hashing', 'service_settings', keys(1000, 5500)));
SELECT inference_put('text_embedding', 'm', keys(1000, 5500));
SELECT inference_put('text_embedding', 'm', jsonb_build_object('service', 'hashing', 'service_settings', keys(10000, 20000)));
SELECT inference_put('text_embedding', 'm', '{"service": "hashing"}') IS NOT NULL AS put;
SELECT inference_update('m', jsonb_build_object('service_settings', keys(10000, 20000)));
SELECT inference_embed('m', 'text', keys(10000, 20000));
SELECT inference_infer('m', jsonb_build_object('input', 'text', 'task_settings', keys(10000, 20000)));
SELECT count(*) FROM inference_embed_batch('m', '{text}', keys(10000, 20000));
SELECT count(x) FROM (SELECT inference_embed('m', t, keys(10000, 20000)) x FROM unnest(ARRAY['a', 'b']) t OFFSET 0) y;
SELECT inference_delete('m');
DROP FUNCTION keys;
SELECT inference_get();

-- A setting beside its group.
SELECT inference_put('text_embedding', 'misplaced', '{"service": "openai", "api_key": "sk-planted", "service_settings": {}}');
SELECT inference_put('text_embedding', 'misplaced', '{"service": "openai", "user": "me", "service_settings": {"api_key": "k"}}');
