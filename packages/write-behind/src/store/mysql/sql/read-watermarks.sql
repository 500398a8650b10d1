SELECT partition_no AS partitionNo, partitions, store_id AS storeId, epoch, seq, dead_letters AS deadLetters, moved_at AS movedAt
FROM afterwrite_watermarks
WHERE namespace = ? AND entity = ? AND partition_no < partitions
ORDER BY partition_no
