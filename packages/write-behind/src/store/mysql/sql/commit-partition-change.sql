UPDATE afterwrite_partition_changes SET state = 'COMMITTED' WHERE namespace = ? AND entity = ? AND run = ?
