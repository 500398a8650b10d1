SELECT state, closed_until > clock_timestamp() AS "isInTime"
FROM afterwrite_partition_changes
WHERE namespace = $1 AND entity = $2 AND run = $3
FOR UPDATE
