SELECT letter_id AS letterId, entity_id AS entityId, fields, superseded
FROM afterwrite_dead_letters
WHERE namespace = ? AND entity = ? AND partition_no = ? AND entity_id IN (?) AND redriven_at IS NULL
ORDER BY letter_id
FOR UPDATE
