-- Waits for a commit of the change that is under way, and does nothing then.
UPDATE afterwrite_partition_changes SET state = 'LAPSED'
WHERE namespace = ? AND entity = ? AND run = ? AND state = 'CLOSED' AND closed_until <= UTC_TIMESTAMP(6)
