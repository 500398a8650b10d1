SELECT COUNT(*) AS letters
FROM afterwrite_dead_letters
WHERE namespace = ? AND entity = ? AND partition_no = ?
