INSERT INTO afterwrite_retired_epochs (namespace, entity, partition_no, epoch, final_seq)
SELECT $1, $2, $3, epoch, seq FROM unnest($4::text[], $5::bigint[]) AS ended (epoch, seq)
