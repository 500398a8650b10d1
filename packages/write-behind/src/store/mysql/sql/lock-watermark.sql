-- Always the first statement of a transaction: a plain read before it would see stale rows.
SELECT epoch, seq, dead_letters AS deadLetters, partitions
FROM afterwrite_watermarks
WHERE namespace = ? AND entity = ? AND partition_no = ?
FOR UPDATE
