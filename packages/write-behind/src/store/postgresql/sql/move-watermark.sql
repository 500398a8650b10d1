UPDATE afterwrite_watermarks
SET epoch = $1, seq = $2, dead_letters = $3, moved_at = clock_timestamp()
WHERE namespace = $4 AND entity = $5 AND partition_no = $6
