-- A damaged item that is parked again is the same letter. (`letter_id = letter_id` would be refused with error 1869
-- where the same item comes twice in one statement.)
INSERT INTO afterwrite_dead_letters
  (namespace, entity, partition_no, epoch, seq, digest, entity_id, item, fields, superseded, reason, error_text)
VALUES ?
ON DUPLICATE KEY UPDATE reason = reason
