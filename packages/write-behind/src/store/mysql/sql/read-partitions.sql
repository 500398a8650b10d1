SELECT partitions FROM afterwrite_watermarks WHERE namespace = ? AND entity = ? AND partition_no = 0
