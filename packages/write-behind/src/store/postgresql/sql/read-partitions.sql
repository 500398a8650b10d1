SELECT partitions FROM afterwrite_watermarks WHERE namespace = $1 AND entity = $2 AND partition_no = 0
