#!lua flags=allow-oom
-- Makes the next read of an entity come from the store, after the store's row was changed past the queue.
-- A clean value goes; a dirty one is tainted, because its newer updates still wait; a loader's lease is broken.
-- KEYS  1 entity hash, 2 fill lease
-- Returns OK
--- @include "entity"
local _, dirty = readEntity(KEYS[1])
redis.call('DEL', KEYS[2])
if dirty then redis.call('HDEL', KEYS[1], '~v') else redis.call('DEL', KEYS[1]) end
return { 'OK' }
