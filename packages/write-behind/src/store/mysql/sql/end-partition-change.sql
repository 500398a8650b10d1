DELETE FROM afterwrite_partition_changes WHERE namespace = ? AND entity = ? AND run = ? AND (state = 'COMMITTED') = ?
