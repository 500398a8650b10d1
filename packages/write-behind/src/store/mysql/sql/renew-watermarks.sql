-- Each begins the epoch that the buffer's partition was sealed with.
UPDATE afterwrite_watermarks SET partitions = ?, epoch = CONCAT(?, partition_no), seq = 0, moved_at = UTC_TIMESTAMP(6)
WHERE namespace = ? AND entity = ?
