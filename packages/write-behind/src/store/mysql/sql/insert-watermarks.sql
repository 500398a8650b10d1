INSERT IGNORE INTO afterwrite_watermarks (namespace, entity, partition_no, partitions) VALUES ?
