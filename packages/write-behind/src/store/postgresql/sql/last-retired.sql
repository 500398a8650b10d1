SELECT epoch, final_seq AS seq
FROM afterwrite_retired_epochs
WHERE namespace = $1 AND entity = $2 AND partition_no = $3
ORDER BY final_seq DESC
LIMIT 1
