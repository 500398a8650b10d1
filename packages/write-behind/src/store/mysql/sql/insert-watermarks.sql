-- A row that is there stays as it is. Not INSERT IGNORE: that takes a shared lock on the row it finds, and two processes
-- that then lock it for themselves wait for each other in a circle.
INSERT INTO afterwrite_watermarks (namespace, entity, partition_no, partitions, store_id) VALUES ?
ON DUPLICATE KEY UPDATE partitions = partitions
