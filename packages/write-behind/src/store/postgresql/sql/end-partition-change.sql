DELETE FROM afterwrite_partition_changes
WHERE namespace = $1 AND entity = $2 AND run = $3 AND (state = 'COMMITTED') = $4
