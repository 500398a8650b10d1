-- A damaged item that is parked again is the same letter.
INSERT INTO afterwrite_dead_letters
  (namespace, entity, partition_no, epoch, seq, digest, entity_id, item, fields, superseded, reason, error_text)
VALUES ?
ON DUPLICATE KEY UPDATE letter_id = letter_id
