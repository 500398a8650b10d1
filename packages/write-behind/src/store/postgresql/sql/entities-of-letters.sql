SELECT DISTINCT entity_id AS "entityId"
FROM afterwrite_dead_letters
WHERE namespace = $1 AND entity = $2 AND entity_id IS NOT NULL
