SELECT letter_id AS "letterId", entity_id AS "entityId", fields, superseded
FROM afterwrite_dead_letters
WHERE namespace = $1 AND entity = $2 AND partition_no = $3 AND entity_id = ANY ($4) AND redriven_at IS NULL
ORDER BY letter_id
FOR UPDATE
