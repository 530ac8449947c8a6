--
-- Sparse embeddings.
--
SELECT inference_put('sparse_embedding', 'tokens', '{"service": "hashing"}') IS NOT NULL AS put;
SELECT inference_put('text_embedding', 'words', '{"service": "hashing"}') IS NOT NULL AS put;

SELECT inference_sparse('tokens', 'a b a c');
SELECT inference_sparse('tokens', NULL), inference_sparse('tokens', ''), inference_sparse('tokens', ' ');
SELECT inference_sparse('tokens', U&'Caf\00C9 \4E2D\6587 "quoted" \005C');
SELECT inference_sparse('words', 'x');
SELECT * FROM inference_sparse_batch('tokens', ARRAY['a b a', NULL, '', 'c']);
SELECT * FROM inference_sparse_batch('tokens', '{}');
SELECT * FROM inference_sparse_batch('words', '{a}');
SELECT * FROM inference_sparse_batch('tokens', '{{a},{b}}');
SELECT inference_infer('tokens', '{"input": ["a b a", "?"]}');
SELECT inference_delete('words'), inference_delete('tokens');
