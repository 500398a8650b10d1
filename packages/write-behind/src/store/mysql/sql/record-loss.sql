INSERT IGNORE INTO afterwrite_losses
  (namespace, entity, partition_no, kind, after_epoch, after_seq, until_epoch, until_seq)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
