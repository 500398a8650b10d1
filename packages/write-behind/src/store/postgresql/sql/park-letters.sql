-- A damaged item that is parked again is the same letter, also within one statement. Nothing else that is there already may
-- keep a letter out: a sequence that lies behind its table (logical replication leaves it so) is an error, not a duplicate.
INSERT INTO afterwrite_dead_letters
  (namespace, entity, partition_no, epoch, seq, digest, entity_id, item, fields, superseded, reason, error_text)
SELECT $1, $2, $3, epoch, seq, digest, entity_id, item, fields, superseded, reason, error_text
FROM unnest($4::text[], $5::bigint[], $6::text[], $7::text[], $8::bytea[], $9::json[], $10::json[], $11::text[], $12::text[])
  WITH ORDINALITY AS parked (epoch, seq, digest, entity_id, item, fields, superseded, reason, error_text, place)
ORDER BY place
ON CONFLICT (namespace, entity, partition_no, epoch, seq, digest) DO NOTHING
