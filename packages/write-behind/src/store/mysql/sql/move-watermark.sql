UPDATE afterwrite_watermarks
SET epoch = ?, seq = ?, dead_letters = ?, moved_at = UTC_TIMESTAMP(6)
WHERE namespace = ? AND entity = ? AND partition_no = ?
