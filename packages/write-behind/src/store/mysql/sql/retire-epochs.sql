INSERT INTO afterwrite_retired_epochs (namespace, entity, partition_no, epoch, final_seq) VALUES ?
