#!lua
-- Gives one of many readers that miss together the right to load the entity (invariant 6).
-- KEYS  1 entity hash, 2 pending, 3 fill lease, 4 seq
-- ARGV  1 entity id, 2 token never used before, 3 lease in ms, 4 number of partitions that the caller counts
-- Returns LEASED | PRESENT (cached meanwhile: read again) | PENDING (updates wait: drain first) | BUSY ms | UNFENCED
--- @include "entity"
--- @include "epoch"
--- @include "fence"
if readEntity(KEYS[1]) then return { 'PRESENT' } end
if redis.call('HGET', KEYS[2], ARGV[1]) then return { 'PENDING' } end
if redis.call('GET', KEYS[3]) then return { 'BUSY', redis.call('PTTL', KEYS[3]) } end
local server = serverName()
if not isFenced(redis.call('HGET', KEYS[4], 'p'), ARGV[4], server) then return { 'UNFENCED' } end
redis.call('SET', KEYS[3], leaseOf(ARGV[2], server), 'PX', ARGV[3])
return { 'LEASED' }
