-- For the partitions $3. A row that is there stays as it is; one that another transaction is about to add is waited for.
INSERT INTO afterwrite_watermarks (namespace, entity, partition_no, partitions, store_id)
SELECT $1, $2, partition_no, $4, $5 FROM unnest($3::integer[]) AS made (partition_no)
ON CONFLICT DO NOTHING
