-- A letter that was redriven is in the audit trail already.
SELECT item FROM afterwrite_dead_letters WHERE namespace = ? AND entity = ? AND redriven_at IS NULL
