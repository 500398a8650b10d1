-- Each begins the epoch that the buffer's partition was sealed with.
UPDATE afterwrite_watermarks
SET partitions = $3, epoch = $4 || partition_no::text, seq = 0, moved_at = clock_timestamp()
WHERE namespace = $1 AND entity = $2
