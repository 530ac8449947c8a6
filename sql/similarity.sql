--
-- Search without pgvector.
--
SELECT inference_cosine_similarity('{1,0}', '{1,0}') AS same, inference_cosine_similarity('{1,0}', '{0,2}') AS right_angle, inference_cosine_similarity('{1,2}', '{-1,-2}') AS opposite;
SELECT inference_dot_product('{1,2,3}', '{4,5,6}'), inference_l2_distance('{1,1}', '{4,5}');
SELECT inference_dot_product(array_agg(i), array_agg(i)) FROM generate_series(1, 19) i;
SELECT inference_l2_distance(array_agg(i), array_agg(i + 2)) FROM generate_series(1, 25) i;
SELECT inference_cosine_similarity('{0,0}', '{1,0}') IS NULL AS zero_has_no_direction;
SELECT inference_cosine_similarity(NULL, '{1}') IS NULL AS strict;
SELECT inference_cosine_similarity('{1,2}', '{1,2,3}');
SELECT inference_dot_product('{}', '{}');
SELECT inference_dot_product('{1,NULL}', '{1,2}');
SELECT inference_dot_product('{{1,2}}', '{{1,2}}');
SELECT inference_l2_distance('{1}', '{NaN}'), inference_l2_distance('{3e38}', '{-3e38}');
SELECT inference_dot_product('[3:4]={1,2}', '{3,4}') AS bounds_do_not_matter;

SELECT inference_sparse_dot('{"a": 1, "bb": 2, "c": 3}', '{"c": 4, "bb": 0.5, "d": 9}') AS dot;
SELECT inference_sparse_dot('{}', '{"a": 1}') AS dot;
SELECT inference_sparse_dot('{"a": "1"}', '{"a": 1}');
SELECT inference_sparse_dot('[]', '{"a": 1}');
SELECT inference_sparse_dot('{"a": 1}', '3');
SELECT inference_sparse_dot('{"a": 1}', '{"a": {"b": 1}}');
SELECT inference_sparse_dot('{"a": 1}', NULL) IS NULL AS strict;
