SELECT
  letter_id AS letterId, partition_no AS partitionNo, epoch, seq, entity_id AS entityId, item, fields, superseded,
  reason, error_text AS errorText, parked_at AS parkedAt, redriven_at AS redrivenAt
FROM afterwrite_dead_letters
WHERE namespace = ? AND entity = ? AND letter_id > ?
ORDER BY letter_id
LIMIT ?
