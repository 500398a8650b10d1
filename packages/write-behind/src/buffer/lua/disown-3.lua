#!lua flags=allow-oom
-- Forgets what the pending index says of an entity while its queue is empty: nothing can be pending then. Only a
-- queue item that was damaged or removed by hand leaves such an entry, and without this it would block the entity.
-- KEYS  1 queue, 2 pending, 3 entity hash
-- ARGV  1 entity id
-- Returns 1 if it was forgotten, 0 if the queue is not empty
if redis.call('LLEN', KEYS[1]) > 0 then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
return 1
