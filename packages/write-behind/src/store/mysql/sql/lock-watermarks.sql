-- In their order, as everybody who locks more than one does.
SELECT partition_no AS partitionNo, partitions, store_id AS storeId
FROM afterwrite_watermarks
WHERE namespace = ? AND entity = ?
ORDER BY partition_no
FOR UPDATE
