--
-- Service elser, over HTTP in two formats.
--

-- Whatever the configuration of the server says.
SET inference.elser_url = '';

SELECT inference_put('sparse_embedding', 'el', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 2}}');
SELECT inference_put('sparse_embedding', 'el-es', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 1, "api_key": "secret", "url": "https://es.example.org:9200/_inference/sparse_embedding/.elser-2-elasticsearch"}}');
SELECT inference_put('sparse_embedding', 'el-hf', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 1, "api_key": "secret", "url": "https://example.org/embed_sparse?x=/_inference/"}}');
SELECT inference_put('sparse_embedding', 'el-says', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 32, "model_id": ".elser_model_2", "protocol": "elasticsearch", "url": "https://example.org/gateway"}}');
SELECT inference_put('text_embedding', 'el-no', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 1}}');

-- Without a URL nobody is there to ask.
SELECT inference_sparse('el', 'a text');
SELECT _inference_show_request('el', '{a}');
SET inference.elser_url = 'https://elser.example.org/_inference/elser';
SELECT _inference_show_request('el', '{a}');
SET inference.elser_url = 'nonsense';
SELECT _inference_show_request('el', '{a}');
SET inference.elser_url = '';
SELECT _inference_show_request('el-es', '{a,b}');
SELECT _inference_show_request('el-hf', '{a,b}');
SELECT _inference_show_request('el-says', '{a,b}');

-- A key without a url goes where the superuser says, and nowhere else.
SELECT inference_update('el', '{"service_settings": {"api_key": "secret"}}') -> 'service_settings';
SELECT bound_to IS NULL AS bound_to_superusers_choice FROM inference_secret WHERE model_id = 'el';
SELECT inference_update('el', '{"service_settings": {"url": "https://example.org/"}}');

SELECT _inference_read_response('el-es', '{a,b}', '{"sparse_embedding": [{"is_truncated": true, "embedding": {"a": 1, "b": 2}}, {"embedding": {}}]}');
SELECT _inference_read_response('el-hf', '{a}', '[{"a": 1}]');
SELECT _inference_read_response('el-says', '{a}', '[{"a": 1}]');
SELECT _inference_read_response('el-es', '{a}', '{"sparse_embedding": [{"is_truncated": false}]}');
SELECT _inference_read_response('el-es', '{a}', '{"error": {"type": "x", "reason": "no such model"}, "status": 404}');
SELECT count(inference_delete(id)) FROM unnest(ARRAY['el', 'el-es', 'el-hf', 'el-says']) id;
