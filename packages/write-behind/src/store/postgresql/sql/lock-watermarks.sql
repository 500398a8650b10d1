-- In their order, as everybody who locks more than one does: rows are sorted before they are locked.
SELECT partition_no AS "partitionNo", partitions, store_id AS "storeId"
FROM afterwrite_watermarks
WHERE namespace = $1 AND entity = $2
ORDER BY partition_no
FOR NO KEY UPDATE
