-- Always the first statement of a transaction.
SELECT epoch, seq, dead_letters AS "deadLetters", partitions
FROM afterwrite_watermarks
WHERE namespace = $1 AND entity = $2 AND partition_no = $3
FOR NO KEY UPDATE
