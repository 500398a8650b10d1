-- Along the index by_entity, which ends with the primary key: in order as they are read.
SELECT
  letter_id AS letterId, partition_no AS partitionNo, epoch, seq, entity_id AS entityId, item, fields, superseded,
  reason, error_text AS errorText, parked_at AS parkedAt, redriven_at AS redrivenAt
FROM afterwrite_dead_letters
WHERE namespace = ? AND entity = ? AND partition_no = ? AND entity_id = ? AND letter_id > ?
ORDER BY letter_id
LIMIT ?
