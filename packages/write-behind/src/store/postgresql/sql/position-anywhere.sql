-- An update that was accepted before the number of partitions changed was dealt with in another partition. Names of
-- epochs are never given twice.
SELECT w.epoch, w.seq, r.final_seq AS "finalSeq", d.letter_id AS "letterId", d.reason
FROM afterwrite_watermarks AS w
LEFT JOIN afterwrite_retired_epochs AS r
  ON r.namespace = w.namespace AND r.entity = w.entity AND r.partition_no = w.partition_no AND r.epoch = $3
LEFT JOIN afterwrite_dead_letters AS d
  ON d.namespace = w.namespace AND d.entity = w.entity AND d.partition_no = w.partition_no
  AND d.epoch = $3 AND d.seq = $4 AND d.redriven_at IS NULL
WHERE w.namespace = $1 AND w.entity = $2 AND (w.epoch = $3 OR r.epoch IS NOT NULL OR d.letter_id IS NOT NULL)
ORDER BY d.letter_id IS NULL
