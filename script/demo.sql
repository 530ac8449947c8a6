-- demo.sql: what script/demo runs.  Variables: provider, openai_settings.
CREATE EXTENSION inference;

-- The provider of the demo runs on this machine, which models may not call
-- unless a superuser allows it.
SET inference.allow_private_addresses = on;

\echo
\echo 'Register the three services of the specification.'
\echo 'The answer is the stored configuration; keys are never shown again.'
\echo

SELECT jsonb_pretty(inference_put('sparse_embedding', 'my-elser-model', '{
  "service": "elser",
  "service_settings": {"num_allocations": 1, "num_threads": 1},
  "task_settings": {}
}')) AS "my-elser-model";

\getenv key OPENAI_API_KEY
SELECT jsonb_pretty(inference_put('text_embedding', 'openai_embeddings',
  jsonb_build_object(
    'service', 'openai',
    'service_settings', :'openai_settings'::jsonb || jsonb_build_object('api_key', :'key'::text),
    'task_settings', jsonb_build_object('model', 'text-embedding-ada-002')),
  validate => true)) AS "openai_embeddings";

SELECT jsonb_pretty(inference_put('text_embedding', 'hugging-face-embeddings',
  jsonb_build_object(
    'service', 'hugging_face',
    'service_settings', jsonb_build_object(
      'api_key', 'hf_a-token-for-the-demo',
      'url', :'provider' || '/hf/embeddings?dims=8')),
  validate => true)) AS "hugging-face-embeddings";

\echo 'And one that needs neither key nor network.'
\echo

SELECT inference_put('text_embedding', 'words', '{"service": "hashing"}') AS words;

SELECT model_id, task_type, service, dimensions, similarity FROM inference_models ORDER BY model_id;

\echo 'Embed a text with each of them.  The ELSER model uses a server that runs it.'
\echo

SELECT m AS model, (inference_embed(m, 'a cat on the mat'))[1:3] AS "first three dimensions"
FROM unnest(ARRAY['openai_embeddings', 'hugging-face-embeddings', 'words']) m;

SELECT format('%s/_inference/sparse_embedding/elser', :'provider') AS elser_url \gset
SET inference.elser_url = :'elser_url';
SELECT inference_sparse('my-elser-model', 'a cat on the mat') AS "sparse embedding";

\echo 'A table whose rows embed themselves.'
\echo
\set ECHO queries

CREATE TABLE docs (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title text NOT NULL,
  body text,
  embedding real[]
);
CREATE TRIGGER docs_embed BEFORE INSERT OR UPDATE OF title, body ON docs
  FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('words', 'embedding', 'title', 'body');

INSERT INTO docs (title, body) VALUES
  ('Autovacuum', 'Removes dead rows and keeps statistics fresh while the server runs.'),
  ('Write-ahead log', 'Changes are written to the log before they reach the table files.'),
  ('Indexes', 'A B-tree index finds rows by equality and by range.'),
  ('Replication', 'A standby replays the write-ahead log of its primary.'),
  ('Backups', 'Take a base backup and archive the log for point-in-time recovery.');

SELECT id, title, cardinality(embedding) AS dimensions FROM docs ORDER BY id;

\set ECHO none
\echo 'Search: the query is embedded once, whatever the plan.'
\echo
\set ECHO queries

SELECT title, round(inference_cosine_similarity(embedding,
         inference_embed('words', 'how does the standby use the log?'))::numeric, 3) AS similarity
FROM docs
ORDER BY 2 DESC LIMIT 3;

EXPLAIN (COSTS OFF)
SELECT title FROM docs
ORDER BY inference_cosine_similarity(embedding,
         inference_embed('words', 'how does the standby use the log?')) DESC LIMIT 3;

\set ECHO none
\echo 'A mistake, and what the extension says about it.'
\echo
\set ECHO queries

\set ON_ERROR_STOP 0
SELECT inference_put('text_embedding', 'mistake',
  '{"service": "openai", "service_settings": {"api_kye": "sk-secret", "dimensions": 5.0}}');
SELECT inference_embed('my-elser-model', 'a cat');
\set ON_ERROR_STOP 1
