-- Of each epoch the last seq that the database has dealt with. The engine's own tables, read here so that they are of the
-- same moment as the audit trail.
SELECT epoch, seq FROM afterwrite_watermarks WHERE namespace = ? AND entity = ?
UNION ALL
SELECT epoch, final_seq FROM afterwrite_retired_epochs WHERE namespace = ? AND entity = ?
