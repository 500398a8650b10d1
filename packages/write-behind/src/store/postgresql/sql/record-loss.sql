INSERT INTO afterwrite_losses
  (namespace, entity, partition_no, kind, after_epoch, after_seq, until_epoch, until_seq)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (namespace, entity, partition_no, kind, until_epoch, until_seq) DO NOTHING
