#!lua flags=allow-oom
-- Shuts a partition for all writers, until one of them has asked the store. Adds no byte.
-- KEYS  1 seq
-- Returns 1
redis.call('HDEL', KEYS[1], 'p', 'c')
return 1
