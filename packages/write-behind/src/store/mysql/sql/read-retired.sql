SELECT epoch, final_seq AS finalSeq
FROM afterwrite_retired_epochs
WHERE namespace = ? AND entity = ? AND partition_no = ? AND epoch IN (?)
