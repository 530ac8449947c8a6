--
-- Service hashing: no network, and the same vector everywhere.
--
SELECT inference_put('text_embedding', 'words', '{"service": "hashing", "service_settings": {"dimensions": 8}}');
SELECT inference_put('sparse_embedding', 'tokens', '{"service": "hashing"}');
SELECT inference_put('text_embedding', 'plain', '{"service": "hashing"}');
SELECT inference_put('sparse_embedding', 'no', '{"service": "hashing", "service_settings": {"dimensions": 8}}');
SELECT inference_put('text_embedding', 'no', '{"service": "hashing", "service_settings": {}, "task_settings": {"user": "x"}}');
SELECT setting_group, setting, task_types, minimum, maximum, default_value FROM inference_services WHERE service = 'hashing';

-- Known answers: a change here would not fit the vectors that users have stored.
SET extra_float_digits = 0;
SELECT inference_embed('words', 'The quick brown fox');
SELECT inference_embed('words', U&'\0416\0443\043A');
RESET extra_float_digits;
SELECT inference_embed('words', 'One, two!') = inference_embed('words', 'one  TWO') AS same_words;
SELECT cardinality(inference_embed('plain', 'x')) AS dimensions, round(inference_dot_product(v, v)::numeric, 5) AS norm FROM inference_embed('plain', 'some text') v;
SELECT round(inference_dot_product(v, v)::numeric, 5) AS norm_without_words FROM inference_embed('plain', '?!') v;
SELECT inference_cosine_similarity(inference_embed('plain', 'index table'), inference_embed('plain', 'indexes of tables'))
     > inference_cosine_similarity(inference_embed('plain', 'index table'), inference_embed('plain', 'a walk in the park')) + 0.1 AS related_is_nearer;

-- log(1 + count) of each word.
SELECT inference_sparse('tokens', 'To be or not to be');
SELECT token, weight = ln(1 + 2)::real AS twice FROM inference_sparse_batch('tokens', '{"To be or not to be"}');
SELECT inference_sparse('tokens', '?!');
SELECT _inference_show_request('words', '{a}');
SELECT count(inference_delete(id)) FROM unnest(ARRAY['words', 'tokens', 'plain']) id;
