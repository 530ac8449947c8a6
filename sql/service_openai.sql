--
-- Service openai: the request that it sends, the answers that it reads.
--
SELECT inference_put('text_embedding', 'oa', '{"service": "openai", "service_settings": {"api_key": "sk-secret"}}');
SELECT inference_put('text_embedding', 'oa-all', '{"service": "openai",
  "service_settings": {"api_key": "sk-secret", "organization_id": "org-1", "url": "https://example.org/v1/embeddings?x=1",
    "model_id": "text-embedding-3-small", "dimensions": 2, "similarity": "cosine", "max_input_tokens": 2, "rate_limit": {"requests_per_minute": 60}},
  "task_settings": {"user": "me"}}');
SELECT inference_put('text_embedding', 'oa-both', '{"service": "openai", "service_settings": {"api_key": "sk-secret", "model_id": "b"}, "task_settings": {"model": "a"}}') -> 'task_settings';
SELECT setting_group, setting, type, minimum, maximum, choices, required, secret, updatable FROM inference_services WHERE service = 'openai' ORDER BY 1, 2;

-- Requests: the key is never shown.
SELECT _inference_show_request('oa', '{"a text"}');
SELECT _inference_show_request('oa-all', ARRAY['a "quoted" text', E'line\nbreak\ttab \\ slash', U&'\00E9\20AC\+01F600']);
SELECT _inference_show_request('oa-all', '{x}', '{"user": "you"}');
SELECT _inference_show_request('oa-both', '{x}');
SELECT _inference_show_request('oa', '{x}', '{"model": "m"}');
SELECT _inference_show_request('oa', '{x}', '{"modell": "m"}');
SELECT _inference_show_request('oa', '{x}', '[]');
SELECT _inference_show_request('oa', '{NULL}');

-- The key goes in another header, with another word before it, or none.
SELECT inference_put('text_embedding', 'oa-azure', '{"service": "openai", "service_settings": {"api_key": "sk-secret", "api_key_header": "api-key",
  "url": "https://example.openai.azure.com/openai/deployments/small/embeddings?api-version=2024-10-21"}}');
SELECT _inference_show_request('oa-azure', '{x}');
SELECT inference_update('oa-azure', '{"service_settings": {"api_key_scheme": "Token"}}') -> 'service_settings' ->> 'api_key_scheme' AS scheme;
SELECT _inference_show_request('oa-azure', '{x}') ~ '\napi-key: \[redacted\]\n' AS redacted;
\set VERBOSITY terse
\set ON_ERROR_STOP 0
SELECT inference_put('text_embedding', 'oa-no', jsonb_build_object('service', 'openai', 'service_settings', jsonb_build_object('api_key', 'sk-secret', 'api_key_header', header)))
FROM unnest(ARRAY[E'x\r\ny: z']) header;
SELECT inference_put('text_embedding', 'oa-no', '{"service": "openai", "service_settings": {"api_key": "sk-secret", "api_key_header": "x: y"}}');
SELECT inference_put('text_embedding', 'oa-no', '{"service": "openai", "service_settings": {"api_key": "sk-secret", "api_key_header": "content-LENGTH"}}');
SELECT inference_put('text_embedding', 'oa-no', '{"service": "openai", "service_settings": {"api_key": "sk-secret", "api_key_header": "OpenAI-Organization"}}');
SELECT inference_put('text_embedding', 'oa-no', '{"service": "openai", "service_settings": {"api_key": "sk-secret", "api_key_header": ""}}');
SELECT inference_put('text_embedding', 'oa-no', '{"service": "openai", "service_settings": {"api_key": "sk-secret", "api_key_header": "Cl\u00e9"}}');
SELECT inference_put('text_embedding', 'oa-no', jsonb_build_object('service', 'openai', 'service_settings', jsonb_build_object('api_key', 'sk-secret', 'api_key_header', repeat('x', 65))));
SELECT inference_put('text_embedding', 'oa-no', '{"service": "openai", "service_settings": {"api_key": "sk-secret", "api_key_scheme": "two words"}}');
SELECT inference_update('oa-azure', '{"service_settings": {"api_key_header": "Host"}}');
-- The origin that the key is bound to has nothing to do with its header.
SELECT inference_update('oa-azure', '{"service_settings": {"api_key_header": "x-key", "url": "https://elsewhere.example.org/embeddings"}}');
\set VERBOSITY default
\set ON_ERROR_STOP 1

-- The form of numbers: base64, unless the model says otherwise.
SELECT inference_put('text_embedding', 'oa-format', '{"service": "openai", "service_settings": {"api_key": "sk-secret", "encoding_format": "float"}}') -> 'service_settings' AS settings;
SELECT _inference_show_request('oa-format', '{x}');
SELECT inference_update('oa-format', '{"service_settings": {"encoding_format": "base64"}}') -> 'service_settings' AS settings;
SELECT _inference_show_request('oa-format', '{x}');
\set ON_ERROR_STOP 0
SELECT inference_update('oa-format', '{"service_settings": {"encoding_format": "int8"}}');
\set ON_ERROR_STOP 1

-- Answers.
CREATE FUNCTION answer(body text, inputs text[] DEFAULT '{a,b}', model text DEFAULT 'oa') RETURNS jsonb LANGUAGE sql
AS $$ SELECT _inference_read_response(model, inputs, convert_to(body, 'UTF8')) $$;
SELECT answer('{"data": [{"embedding": [1, 2.5], "index": 0}, {"embedding": [-3e-2, 0], "index": 1}], "usage": {"total_tokens": 2}}');
SELECT answer('{"data": [{"embedding": [1, 2], "index": 1}, {"embedding": [3, 4], "index": 0}]}') AS reordered;
SELECT answer('{"data": [{"embedding": [1, 2], "index": 0}, {"embedding": [3, 4], "index": 0}]}') AS as_they_come;
SELECT answer('{"data": [{"embedding": [1, 2], "index": null}, {"embedding": [3, 4]}]}') AS as_they_come;
SELECT answer('{"data": [{"embedding": [1, 2], "index": 1.0}, {"embedding": [3, 4], "index": 0.0}]}') AS reordered;
SELECT answer('{"data": [{"embedding": [1, 2], "index": 5}]}', '{a}') AS as_it_comes;
SELECT answer('{"data": [{"embedding": "mpmZmZmZuT8AAAAAAAAEwA=="}]}', '{a}', 'oa-all') AS of_doubles;
SELECT answer('{"data": [{"embedding": "AACAPwAAAEA="}, {"embedding": "AAAAwAAAgD8="}]}') AS base64;
SELECT answer('{"data": [{"embedding": [40294967295, 0.1]}]}', '{a}') AS narrowed;
SELECT answer('{"model": "m", "embeddings": [[1, 2], [3, 4]], "prompt_eval_count": 7}') AS ollama;
SELECT answer('{"embeddings": [[1, 2], [3, 4]], "data": 5}') AS ollama;
\set VERBOSITY terse
\set ON_ERROR_STOP 0
CREATE FUNCTION fault(body text, inputs text[] DEFAULT '{a,b}', model text DEFAULT 'oa') RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
	RETURN 'no fault: ' || answer(body, inputs, model)::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || coalesce(nullif(d, ''), SQLERRM);
END $$;
SELECT fault('{"data": [{"embedding": [1, 2]}]}');
SELECT fault('{"data": [{"embedding": [1]}, {"embedding": [1]}, {"embedding": [1]}]}');
SELECT fault('{"data": [{"embedding": [1, 2]}, {"embedding": [1]}]}');
SELECT fault('{"data": [{"embedding": [1, null]}, {"embedding": [1, 2]}]}');
SELECT fault('{"data": [{"embedding": [1, "2"]}, {"embedding": [1, 2]}]}');
SELECT fault('{"data": [{"embedding": [1, NaN]}, {"embedding": [1, 2]}]}');
SELECT fault('{"data": [{"embedding": [1, -Infinity]}, {"embedding": [1, 2]}]}');
SELECT fault('{"data": [{"embedding": [1, 1e999]}, {"embedding": [1, 2]}]}');
SELECT fault('{"data": [{"embedding": [1, 1e39]}, {"embedding": [1, 2]}]}');
SELECT fault('{"data": [{"embedding": []}, {"embedding": []}]}');
SELECT fault('{"data": [{"embedding": {}}, {"embedding": 1}]}');
SELECT fault('{"data": [{"object": "embedding"}, {}]}');
SELECT fault('{"data": [1, 2]}');
SELECT fault('{"data": {}}');
SELECT fault('{"error": {"message": "over quota"}}');
SELECT fault('[]');
SELECT fault('null');
SELECT fault('');
SELECT fault('<html></html>');
SELECT fault('{"data": [{"embedding": [1, 2');
SELECT fault('{"data": []} {}');
SELECT fault('{"data": [], "data": []}');
SELECT fault('{"embeddings": [[1, 2], null], "prompt_eval_count": 7}');
SELECT fault('{"embeddings": {"float": [[1, 2]]}}');
SELECT fault('{"data": [], "embeddings": []}');
SELECT fault('{"embeddings": [], "embeddings": []}');
SELECT fault('{"embedding": []}');
SELECT fault('{"data": ["\u0000"]}');
SELECT fault('{"data": ["\ud800"]}');
SELECT fault('{"x": ' || repeat('[', 40) || repeat(']', 40) || '}');
SELECT fault('{"data": [{"embedding": "AAC"}]}', '{a}');
SELECT fault('{"data": [{"embedding": "!!!!"}]}', '{a}');
SELECT fault('{"data": [{"embedding": "AACAfw=="}]}', '{a}') AS infinite;
SELECT fault('{"data": [{"embedding": ""}]}', '{a}');
SELECT fault('{"data": [{"embedding": "AACAPwAAAEA="}, {"embedding": [1, 2, 3]}]}', model => 'oa-all') AS other_width;
SELECT fault('{"data": [{"embedding": "zczMPc3MTD6amZk+zczMPg=="}]}', '{a}', 'oa-all') AS twice_the_width;
SELECT fault('{"data": [{"embedding": "mpmZmZmZuT8AAAAAAADQvzMzMzMzM9M/ZmZmZmZm5j97FK5H4XqEv3sUrkfhepQ/H4XrUbge1T8zMzMzMzPjPw=="}]}', '{a}') AS of_doubles;
SELECT fault('{"data": [{"embedding": "PczMzb6AAAA+mZmaPzMzM7wj1wo8o9cKPqj1wz8ZmZo="}]}', '{a}') AS big_endian;

-- An index that says where is believed, one that does not is an error.
SELECT index, fault(format('{"data": [{"embedding": [1], "index": %s}, {"embedding": [2], "index": %s}, {"embedding": [3], "index": %s}]}', index[1], index[2], index[3]), '{a,b,c}')
FROM (VALUES (ARRAY['1', '2', '3']), ('{0,1,3}'), ('{0,2,2}'), ('{0,0,1}'), ('{0,-1,1}'), ('{-1,-1,-1}'), ('{0,1.5,2}'), ('{0,1,2e0}'), (ARRAY['0', '1', '"2"']),
	('{0,1,99999999999}'), ('{0,1,99999999999999999999}'), (ARRAY['0', '1', 'null']), ('{0,1,[2]}'), ('{7,7,7}'), ('{2,0,1}')) i (index);
SELECT fault('{"data": [{"embedding": null, "index": 2}, {"embedding": [2], "index": 0}, {"embedding": [3], "index": 1}]}', '{a,b,c}') AS of_third;
SELECT fault('{"data": [{"embedding": [1], "index": 1}, {"embedding": [2, 3], "index": 0}, {"embedding": [3], "index": 2}]}', '{a,b,c}') AS of_first;
SELECT fault('{"data": [{"embedding": [1]}, {"embedding": [2, 3]}]}') AS of_either;
SELECT fault('{"data": [{"embedding": [1]}, {"embedding": [2, 3]}]}', model => 'oa-all') AS of_first;
SELECT fault('{"data": [{"embedding": [1]}, 5]}') AS of_second;
SELECT fault('{"data": [{"index": 1}, {"embedding": [1], "index": 0}]}') AS of_second;
SELECT fault('{"data": [{"embedding": null, "index": 1}, {"embedding": [1], "index": 2}]}') AS of_none;
SELECT fault('{"data": [{"embedding": null}, {"embedding": [1]}, {"embedding": [1]}]}') AS of_none;
SELECT fault('{"data": [{"embedding": null}, {"embedding": [null]}]}') AS of_none;
SELECT fault('{"data": [{"embedding": [1], "index": 0, "index": 1}, {"embedding": [2], "index": 0}]}');

-- What follows one bad vector is read all the same.
SELECT embedding, fault(format('{"data": [{"embedding": [1, 2], "index": 0}, {"embedding": %s, "index": 1}]%s', embedding, rest))
FROM (VALUES ('null'), ('[1, null]'), ('[1, [2, {"a": [3]}]]'), ('{"float": [1, 2]}'), ('"no base64"'), ('[]'), ('true')) e (embedding),
	(VALUES ('}'), (', "usage": {"prompt_tokens": 5}}'), ('')) r (rest);
DROP FUNCTION fault;
DROP FUNCTION answer;
SELECT count(inference_delete(id)) FROM unnest(ARRAY['oa', 'oa-all', 'oa-azure', 'oa-both', 'oa-format']) id;
