SELECT partition_no AS "partitionNo", kind, after_epoch AS "afterEpoch", after_seq AS "afterSeq",
  until_epoch AS "untilEpoch", until_seq AS "untilSeq", noticed_at AT TIME ZONE 'UTC' AS "noticedAt"
FROM afterwrite_losses
WHERE namespace = $1 AND entity = $2
ORDER BY loss_id DESC
LIMIT $3
