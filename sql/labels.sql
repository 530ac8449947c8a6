--
-- What the extension says of its own objects.
--
SELECT p.oid::regprocedure AS function, p.provolatile AS volatile, p.proisstrict AS strict, p.proparallel AS parallel, p.procost AS cost, nullif(p.prosupport, 0) IS NOT NULL AS supported
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'inference'
ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C";

-- Nothing goes without a comment.
SELECT pg_describe_object(d.classid, d.objid, 0) AS uncommented
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'inference'
WHERE d.deptype = 'e' AND obj_description(d.objid, d.classid::regclass::text) IS NULL
	AND d.classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_foreign_data_wrapper'::regclass)
	AND NOT EXISTS (SELECT FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind IN ('i', 't'))
ORDER BY 1;
SELECT pg_describe_object(d.classid, d.objid, 0) AS member
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'inference'
WHERE d.deptype = 'e' AND d.classid NOT IN ('pg_proc'::regclass, 'pg_type'::regclass) ORDER BY pg_describe_object(d.classid, d.objid, 0) COLLATE "C";

-- Every overload can be called with plain literals.
SELECT inference_put('text_embedding', 'm', '{"service": "hashing", "service_settings": {"dimensions": 2}}');
SELECT inference_put('text_embedding', 'm2', '{"service": "hashing"}', 'false') IS NOT NULL AS called;
SELECT inference_put('m3', '{"service": "hashing", "task_type": "sparse_embedding"}') IS NOT NULL AS called;
SELECT inference_get() IS NOT NULL AS called, inference_get('m') IS NOT NULL AS called, inference_get('text_embedding', 'm') IS NOT NULL AS called;
SELECT inference_update('m', '{}') IS NOT NULL AS called, inference_update('text_embedding', 'm', '{}') IS NOT NULL AS called;
SELECT inference_update('text_embedding', 'm', '{}', 'true') IS NOT NULL AS called, inference_update('m', true, '{}') IS NOT NULL AS called;
SELECT inference_update('m', validate => true, config => '{}') IS NOT NULL AS called, inference_update('text_embedding', 'm', '{}', validate => true) IS NOT NULL AS called;
SELECT inference_infer('m', '{"input": "x"}') IS NOT NULL AS called, inference_infer('text_embedding', 'm', '{"input": "x"}') IS NOT NULL AS called;
SELECT inference_embed('m', 'x') IS NOT NULL AS called, inference_embed('m', 'x', '{}') IS NOT NULL AS called;
SELECT inference_sparse('m3', 'x') IS NOT NULL AS called, inference_sparse('m3', 'x', '{}') IS NOT NULL AS called;
SELECT count(*) FROM inference_embed_batch('m', '{x}');
SELECT count(*) FROM inference_embed_batch('m', '{x}', '{}');
SELECT count(*) FROM inference_sparse_batch('m3', '{x}');
SELECT count(*) FROM inference_sparse_batch('m3', '{x}', '{}');
SELECT inference_cosine_similarity('{1}', '{1}') AS called, inference_dot_product('{1}', '{1}') AS called, inference_l2_distance('{1}', '{1}') AS called, inference_sparse_dot('{}', '{}') AS called;
SELECT inference_delete('m', dry_run => 'true') IS NOT NULL AS called;
SELECT inference_delete('m', 'true') IS NOT NULL AS second_is_an_id;
SELECT inference_delete('m', true), inference_delete('text_embedding', 'm2', 'true'), inference_delete('sparse_embedding', 'm3');
