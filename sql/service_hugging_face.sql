--
-- Service hugging_face, dense and sparse.
--
SELECT inference_put('text_embedding', 'hf', '{"service": "hugging_face", "service_settings": {"api_key": "hf_secret", "url": "https://example.org/embed", "dimensions": 2, "similarity": "l2_norm", "max_input_tokens": 512}}');
SELECT inference_put('sparse_embedding', 'hf-sparse', '{"service": "hugging_face", "service_settings": {"api_key": "hf_secret", "url": "http://[::1]:8080/embed_sparse", "rate_limit": {"requests_per_minute": 3000}}}');
SELECT setting_group, setting, task_types, type, required, secret, updatable, default_value FROM inference_services WHERE service = 'hugging_face' ORDER BY 1, 2;
SELECT _inference_show_request('hf', '{"a text",another}');
SELECT _inference_show_request('hf-sparse', '{"a text"}');

CREATE FUNCTION answer(model text, body text, inputs text[] DEFAULT '{a,b}') RETURNS jsonb LANGUAGE sql
AS $$ SELECT _inference_read_response(model, inputs, convert_to(body, 'UTF8')) $$;
SELECT answer('hf', '[[1, 2], [3, 4]]');
SELECT answer('hf', '{"embeddings": [[1, 2], [3, 4]]}');
SELECT answer('hf-sparse', '[{"cat": 1.5, "mat": 2.25}, {}]');
SELECT answer('hf-sparse', '[[{"index": 7, "value": 0.5}, {"index": 30521, "value": 1}], []]');
CREATE FUNCTION fault(model text, body text, inputs text[] DEFAULT '{a,b}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
	RETURN 'no fault: ' || answer(model, body, inputs)::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || coalesce(nullif(d, ''), SQLERRM);
END $$;
SELECT fault('hf', '[[1, 2]]');
SELECT fault('hf', '[[[1, 2]], [[3, 4]]]');
SELECT fault('hf', '{"error": "Model is loading"}');
SELECT fault('hf', '[1, 2]');
SELECT fault('hf', '[{"cat": 1}, {"cat": 1}]');
SELECT fault('hf-sparse', '{"cat": 1}');
SELECT fault('hf-sparse', '[1, 2]');
SELECT fault('hf-sparse', '[{"cat": "heavy"}, {}]');
SELECT fault('hf-sparse', '[{"cat": 1e39}, {}]');
SELECT fault('hf-sparse', '[{"cat": 1, "cat": 2}, {}]');
SELECT fault('hf-sparse', '[[{"index": 1, "value": 1}, {"index": 1, "value": 2}], []]');
SELECT fault('hf-sparse', '[[{"index": -1, "value": 1}], []]');
SELECT fault('hf-sparse', '[[{"index": 1.5, "value": 1}], []]');
SELECT fault('hf-sparse', '[[{"index": 1}], []]');
SELECT fault('hf-sparse', '[[7], []]');

-- What follows a bad vector is read all the same, and tells whose it is.
SELECT fault('hf', '[[1, 2], null]');
SELECT fault('hf', '[[1, 2], {"a": [1, "]"]}]');
SELECT fault('hf', '[[1, [2, 3], {"a": 4}], [1, 2]]');
SELECT fault('hf', '[[1, 2], [NaN, 2]]');
SELECT fault('hf', '[[1, 2], [1, 2]');
SELECT fault('hf-sparse', '[{"cat": 1}, null]');
SELECT fault('hf-sparse', '[{"cat": 1}, {"mat": [1, {"x": 2}], "hat": 1}]');
SELECT fault('hf-sparse', '[[{"index": 1, "value": 1}], [{"index": 1, "value": null}, 8, {"value": 1}]]');
SELECT fault('hf-sparse', '[[[1], [2]], [{"index": 1, "value": 1}]]');
SELECT fault('hf-sparse', format('[{"cat": 1}, {"%s": 1}]', repeat('x', 1025)));
SELECT fault('hf-sparse', '[{"cat": 1}, {"mat": 1, "mat": 2}]');
DROP FUNCTION fault;
DROP FUNCTION answer;
SELECT count(inference_delete(id)) FROM unnest(ARRAY['hf', 'hf-sparse']) id;
