SELECT epoch, final_seq AS seq
FROM afterwrite_retired_epochs
WHERE namespace = ? AND entity = ? AND partition_no = ?
ORDER BY final_seq DESC
LIMIT 1
