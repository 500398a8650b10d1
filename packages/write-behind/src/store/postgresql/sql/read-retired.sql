SELECT epoch, final_seq AS "finalSeq"
FROM afterwrite_retired_epochs
WHERE namespace = $1 AND entity = $2 AND partition_no = $3 AND epoch = ANY ($4)
