#!lua flags=allow-oom
-- Deletes keys of a partition while nothing waits in its queue, so that no acknowledged update is among them
-- (invariant 3): also none that was accepted since the queue was last looked at.
-- KEYS  1 queue
-- ARGV  keys of the same partition, fewer than 8,000 (unpack's limit)
-- Returns how many were there, or -1 if updates wait
if redis.call('LLEN', KEYS[1]) > 0 then return -1 end
return redis.call('UNLINK', unpack(ARGV))
