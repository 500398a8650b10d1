SELECT
  letter_id AS "letterId", partition_no AS "partitionNo", epoch, seq, entity_id AS "entityId", item, fields, superseded,
  reason, error_text AS "errorText", parked_at AT TIME ZONE 'UTC' AS "parkedAt", redriven_at AT TIME ZONE 'UTC' AS "redrivenAt"
FROM afterwrite_dead_letters
WHERE namespace = $1 AND entity = $2 AND letter_id = $3
FOR UPDATE
