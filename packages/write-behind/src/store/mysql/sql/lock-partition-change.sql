SELECT state, closed_until > UTC_TIMESTAMP(6) AS isInTime
FROM afterwrite_partition_changes
WHERE namespace = ? AND entity = ? AND run = ?
FOR UPDATE
