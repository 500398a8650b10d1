-- To where the updates of their entities go now. One that shows no entity stays where it is, if there is such a place. IGNORE:
-- an item that nobody can read may have been parked in two partitions.
UPDATE IGNORE afterwrite_dead_letters
SET partition_no = COALESCE(CRC32(entity_id) % ?, IF(partition_no < ?, partition_no, 0))
WHERE namespace = ? AND entity = ?
