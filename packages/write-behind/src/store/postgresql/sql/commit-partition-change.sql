UPDATE afterwrite_partition_changes SET state = 'COMMITTED' WHERE namespace = $1 AND entity = $2 AND run = $3
