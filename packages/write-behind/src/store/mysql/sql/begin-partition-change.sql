REPLACE INTO afterwrite_partition_changes
  (namespace, entity, run, from_partitions, to_partitions, state, closed_until)
VALUES (?, ?, ?, ?, ?, 'CLOSED', UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND)
