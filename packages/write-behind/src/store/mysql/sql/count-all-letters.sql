UPDATE afterwrite_watermarks AS w SET w.dead_letters = (
  SELECT COUNT(*) FROM afterwrite_dead_letters AS d
  WHERE d.namespace = w.namespace AND d.entity = w.entity AND d.partition_no = w.partition_no
)
WHERE w.namespace = ? AND w.entity = ?
