-- Waits for a commit of the change that is under way, and does nothing then.
UPDATE afterwrite_partition_changes SET state = 'LAPSED'
WHERE namespace = $1 AND entity = $2 AND run = $3 AND state = 'CLOSED' AND closed_until <= clock_timestamp()
