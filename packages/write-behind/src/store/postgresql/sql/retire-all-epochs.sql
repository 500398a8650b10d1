INSERT INTO afterwrite_retired_epochs (namespace, entity, partition_no, epoch, final_seq)
SELECT namespace, entity, partition_no, epoch, seq
FROM afterwrite_watermarks
WHERE namespace = $1 AND entity = $2 AND epoch <> ''
