SELECT
  run, from_partitions AS "fromPartitions", to_partitions AS "toPartitions", state,
  floor(extract(epoch FROM closed_until - clock_timestamp()) * 1000)::bigint AS "remainingMs"
FROM afterwrite_partition_changes
WHERE namespace = $1 AND entity = $2
