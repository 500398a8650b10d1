SELECT partition_no AS partitionNo, kind, after_epoch AS afterEpoch, after_seq AS afterSeq, until_epoch AS untilEpoch,
  until_seq AS untilSeq, noticed_at AS noticedAt
FROM afterwrite_losses
WHERE namespace = ? AND entity = ?
ORDER BY loss_id DESC
LIMIT ?
