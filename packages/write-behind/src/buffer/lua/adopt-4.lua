#!lua flags=allow-oom
-- Puts the answers to idempotency keys that were gathered for a partition in the place of those that it had. Once:
-- where nothing was gathered it was done before. The mark '~' is there also where not one answer was.
-- KEYS  1 once, 2 once:order, 3 gathered once, 4 gathered order
-- Returns 1 if it was done now
if redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('RENAME', KEYS[3], KEYS[1])
redis.call('HDEL', KEYS[1], '~')
if redis.call('EXISTS', KEYS[4]) == 1 then redis.call('RENAME', KEYS[4], KEYS[2]) end
return 1
