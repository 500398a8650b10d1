INSERT INTO afterwrite_partition_changes AS known
  (namespace, entity, run, from_partitions, to_partitions, state, closed_until)
VALUES ($1, $2, $3, $4, $5, 'CLOSED', clock_timestamp() + $6::double precision * interval '1 millisecond')
ON CONFLICT (namespace, entity) DO UPDATE SET
  run = excluded.run, from_partitions = excluded.from_partitions, to_partitions = excluded.to_partitions,
  state = excluded.state, closed_until = excluded.closed_until
