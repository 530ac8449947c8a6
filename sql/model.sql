--
-- Models: put, get, update, delete.
--

-- Whatever the configuration of the server says.
SET inference.elser_url = '';

-- The specification's examples, as they are written.
SELECT inference_put('sparse_embedding', 'my-elser-model', '{
"service": "elser",
"service_settings": {
"num_allocations": 1,
"num_threads": 1
},
"task_settings": {}
}') = '{
"model_id": "my-elser-model",
"task_type": "sparse_embedding",
"service": "elser",
"service_settings": {
"num_allocations": 1,
"num_threads": 1
},
"task_settings": {}
}' AS as_specified;

SELECT inference_put('text_embedding', 'openai_embeddings', '{
"service": "openai",
"service_settings": {
"api_key": "<api_key>"
},
"task_settings": {
"model": "text-embedding-ada-002"
}
}');

SELECT inference_put('text_embedding', 'hugging-face-embeddings', '{
"service": "hugging_face",
"service_settings": {
"api_key": "<access_token>",
"url": "https://x2kp4lcdg5a1m.example.org/embed"
}
}');

-- Task types: blanks and case do not matter, and the body may hold it.
SELECT inference_put(' Text_Embedding ', 'words', '{"service": "hashing"}');
SELECT inference_put('words-sparse', '{"service": "hashing", "task_type": "sparse_embedding"}');
SELECT inference_put('text_embedding', 'both', '{"service": "hashing", "task_type": "TEXT_EMBEDDING"}');
SELECT inference_put(model_id => 'named', config => '{"service": "hashing"}', task_type => 'text_embedding', validate => true);
SELECT inference_put('text_embedding', 'no', '{"service": "hashing", "task_type": "sparse_embedding"}');
SELECT inference_put('no', '{"service": "hashing"}');
SELECT inference_put('rerank', 'no', '{"service": "hashing"}');
SELECT inference_put('sparse_embedding', 'no', '{"service": "openai", "service_settings": {"api_key": "k"}}');

-- An id is taken once, whatever its task type.
SELECT inference_put('sparse_embedding', 'words', '{"service": "hashing"}');

-- Ids.
SELECT inference_put('text_embedding', id, '{"service": "hashing"}') -> 'model_id' FROM unnest(ARRAY['a', '0', 'a.b_c-d', repeat('x', 63)]) id;
\set VERBOSITY terse
SELECT inference_put('text_embedding', '', '{"service": "hashing"}');
SELECT inference_put('text_embedding', 'Upper', '{"service": "hashing"}');
SELECT inference_put('text_embedding', '-a', '{"service": "hashing"}');
SELECT inference_put('text_embedding', 'a.', '{"service": "hashing"}');
SELECT inference_put('text_embedding', 'a b', '{"service": "hashing"}');
SELECT inference_put('text_embedding', '_all', '{"service": "hashing"}');
SELECT inference_put('text_embedding', 'a"; DROP TABLE x; --', '{"service": "hashing"}');
SELECT inference_put('text_embedding', U&'caf\00E9', '{"service": "hashing"}');
SELECT inference_put('text_embedding', repeat('x', 64), '{"service": "hashing"}');
\set VERBOSITY default

-- Get.
SELECT jsonb_pretty(inference_get('words'));
SELECT m -> 'model_id' AS id FROM jsonb_array_elements(inference_get() -> 'models') m;
SELECT inference_get() = inference_get('_all') AND inference_get() = inference_get('*') AS same;
SELECT m -> 'model_id' AS id FROM jsonb_array_elements(inference_get('sparse_embedding', '_all') -> 'models') m;
SELECT inference_get('text_embedding', 'words') = inference_get('words') AS same;
SELECT inference_get('nope');
SELECT inference_get('text_embedding', 'nope');
SELECT inference_get('sparse_embedding', 'words');
SELECT inference_get('nonsense', 'words');
SELECT inference_get(repeat('x', 200));
SELECT inference_get(NULL) IS NULL AS strict;
SELECT model_id, task_type, service, service_settings, task_settings, dimensions, similarity, owner = current_user AS mine
FROM inference_models WHERE length(model_id) > 1 AND length(model_id) < 60 ORDER BY model_id;

-- Update: settings are merged, some are fixed, a key is replaced unseen.
SELECT inference_update('openai_embeddings', '{"task_settings": {"user": "me"}}');
SELECT inference_update('text_embedding', 'openai_embeddings', '{"service_settings": {"organization_id": "org-1", "api_key": "another-key"}}');
SELECT inference_update('openai_embeddings', '{"task_type": "text_embedding", "task_settings": {"user": null}}');
SELECT inference_update('openai_embeddings', '{}');
SELECT inference_update('openai_embeddings', '{"task_settings": {"model": "text-embedding-ada-002"}}') -> 'task_settings' AS unchanged;
SELECT inference_update('openai_embeddings', '{"task_settings": {"model": "another"}}');
SELECT inference_update('openai_embeddings', '{"service_settings": {"dimensions": 3}}');
SELECT inference_update('openai_embeddings', '{"service": "hashing"}');
SELECT inference_update('openai_embeddings', '{"service_settings": {"rate_limit": {"requests_per_minute": 0}, "foo": 1}}');
SELECT inference_update('sparse_embedding', 'openai_embeddings', '{}');
SELECT inference_update('openai_embeddings', '{"task_type": "sparse_embedding"}');
SELECT inference_update('openai_embeddings', '"text"');
SELECT inference_update('nope', '{}');
SELECT inference_update('my-elser-model', '{"service_settings": {"num_allocations": 4}}');
SELECT inference_update('my-elser-model', '{"service_settings": {"num_threads": 4}}');
SELECT inference_update('words', '{"service_settings": {"dimensions": 7}}');

-- A null that can only stand for a value is one that somebody did not find.
SELECT inference_update('openai_embeddings', '{"service_settings": {"api_key": null}}');
SELECT inference_update('openai_embeddings', jsonb_build_object('service_settings', jsonb_build_object('api_key', (SELECT 'k' WHERE false), 'organization_id', 'org-2')));
SELECT inference_update('hugging-face-embeddings', '{"service_settings": {"url": null}}');
SELECT inference_update('my-elser-model', '{"service_settings": {"api_key": null, "num_allocations": null, "num_threads": 1}}');
SELECT inference_update('openai_embeddings', '{"service_settings": {"api_kye": null}, "task_settings": {"model": null, "modle": null}}');
SELECT inference_update('openai_embeddings', '{"service_settings": {"rate_limit": {"requests_per_minute": null}}}');
SELECT inference_update('openai_embeddings', '{"service_settings": {"rate_limit": null, "organization_id": null}, "task_settings": null}') IS NOT NULL AS as_it_was;
SELECT inference_update('openai_embeddings', '{"service_settings": {"api_key": ""}}');
SELECT inference_update('openai_embeddings', jsonb_build_object('service_settings', jsonb_build_object('api_key', E'\n')));
SELECT inference_update('openai_embeddings', '{"service_settings": {"api_key": "  "}}');
SELECT inference_put('sparse_embedding', 'no', '{"service": "elser", "service_settings": {"num_allocations": 1, "num_threads": 1, "api_key": null}}');
SELECT inference_put('text_embedding', 'no', NULL);
SELECT inference_put('no', NULL);
SELECT inference_put('text_embedding', 'no', '{"service": "hashing"}', NULL);
SELECT inference_update('openai_embeddings', NULL);
SELECT inference_update(NULL, '{}');
SELECT inference_update(NULL, 'openai_embeddings', '{}');
SELECT inference_update('openai_embeddings', validate => NULL, config => '{}');
SELECT inference_delete(NULL);
SELECT inference_delete('openai_embeddings', force => NULL);
SELECT service_settings, task_settings FROM inference_models WHERE model_id = 'openai_embeddings';

-- Validated.
SELECT inference_update('words', validate => true, config => '{}') IS NOT NULL AS as_it_was;
SELECT inference_update('text_embedding', 'words', '{}', validate => true) IS NOT NULL AS as_it_was;
SELECT srvversion FROM pg_foreign_server WHERE srvname = 'words';

-- A key belongs to the origin that it was given for.
SELECT inference_update('hugging-face-embeddings', '{"service_settings": {"url": "https://x2kp4lcdg5a1m.example.org/another/path"}}') -> 'service_settings' AS same_origin;
SELECT inference_update('hugging-face-embeddings', '{"service_settings": {"url": "https://elsewhere.example.org/"}}');
SELECT inference_update('hugging-face-embeddings', '{"service_settings": {"url": "http://x2kp4lcdg5a1m.example.org/embed"}}');
SELECT inference_update('openai_embeddings', '{"service_settings": {"url": "https://elsewhere.example.org/"}}');
SELECT inference_update('hugging-face-embeddings', '{"service_settings": {"url": "https://elsewhere.example.org/", "api_key": "new"}}') -> 'service_settings' AS key_given_again;
SELECT bound_to FROM inference_secret WHERE model_id = 'hugging-face-embeddings';

-- Every change is a new version of the foreign server.
SELECT srvname, srvversion FROM pg_foreign_server WHERE srvname IN ('openai_embeddings', 'words') ORDER BY 1;

-- Delete.
CREATE TABLE docs (body text, v real[]);
CREATE TRIGGER docs_embed BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'v', 'body');
SELECT inference_delete('words');
SELECT inference_delete('words', dry_run => true);
SELECT inference_delete('both', dry_run => true);
SELECT inference_delete('sparse_embedding', 'words');
SELECT inference_delete('words', force => true);
SELECT inference_delete('words');
INSERT INTO docs VALUES ('a text');
SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 4}}') IS NOT NULL AS put_again;
INSERT INTO docs VALUES ('a text') RETURNING cardinality(v);
DROP TABLE docs;
SELECT inference_delete('text_embedding', 'words', false, true);
SELECT inference_delete(task_type => 'text_embedding', model_id => 'words');

SELECT count(inference_delete(m ->> 'model_id')) FROM jsonb_array_elements(inference_get() -> 'models') m;
SELECT inference_get();
SELECT count(*) FROM inference_secret;
