#!lua flags=allow-oom
-- Drops an entity's value as invalidate does, and takes the fill lease from whoever has it: for a writer that changes the
-- store's row past the queue and holds that row's lock. Until it fills, or its lease ends, nobody else can cache what was
-- read before its commit (invariant 6).
-- KEYS  1 entity hash, 2 fill lease, 3 seq
-- ARGV  1 token never used before, 2 lease in ms, 3 number of partitions that the caller counts
-- Returns OK | UNFENCED (dropped, but nobody has the lease)
--- @include "entity"
--- @include "epoch"
--- @include "fence"
local _, dirty = readEntity(KEYS[1])
local fence = redis.call('HGET', KEYS[3], 'p')
local server = serverName()
local fenced = isFenced(fence, ARGV[3], server)
if fenced then
  redis.call('SET', KEYS[2], leaseOf(ARGV[1], server), 'PX', ARGV[2])
else
  redis.call('DEL', KEYS[2])
end
if dirty then redis.call('HDEL', KEYS[1], '~v') else redis.call('DEL', KEYS[1]) end
return { fenced and 'OK' or 'UNFENCED' }
