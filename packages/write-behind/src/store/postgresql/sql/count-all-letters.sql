UPDATE afterwrite_watermarks AS w SET dead_letters = (
  SELECT count(*) FROM afterwrite_dead_letters AS d
  WHERE d.namespace = w.namespace AND d.entity = w.entity AND d.partition_no = w.partition_no
)
WHERE w.namespace = $1 AND w.entity = $2
