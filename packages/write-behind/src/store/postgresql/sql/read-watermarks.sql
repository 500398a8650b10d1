SELECT partition_no AS "partitionNo", partitions, store_id AS "storeId", epoch, seq, dead_letters AS "deadLetters",
  moved_at AT TIME ZONE 'UTC' AS "movedAt"
FROM afterwrite_watermarks
WHERE namespace = $1 AND entity = $2 AND partition_no < partitions
ORDER BY partition_no
