SELECT count(*) AS letters
FROM afterwrite_dead_letters
WHERE namespace = $1 AND entity = $2 AND partition_no = $3
