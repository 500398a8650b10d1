SELECT
  run, from_partitions AS fromPartitions, to_partitions AS toPartitions, state,
  TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), closed_until) DIV 1000 AS remainingMs
FROM afterwrite_partition_changes
WHERE namespace = ? AND entity = ?
