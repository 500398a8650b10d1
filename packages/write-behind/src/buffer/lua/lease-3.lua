#!lua
-- Gives one of many readers that miss together the right to load the entity (invariant 6).
-- KEYS  1 entity hash, 2 pending, 3 fill lease
-- ARGV  1 entity id, 2 token never used before, 3 lease in ms
-- Returns LEASED | PRESENT (cached meanwhile: read again) | PENDING (updates wait: drain first) | BUSY ms
--- @include "entity"
--- @include "epoch"
if readEntity(KEYS[1]) then return { 'PRESENT' } end
if redis.call('HGET', KEYS[2], ARGV[1]) then return { 'PENDING' } end
if redis.call('GET', KEYS[3]) then return { 'BUSY', redis.call('PTTL', KEYS[3]) } end
redis.call('SET', KEYS[3], leaseOf(ARGV[2], serverName()), 'PX', ARGV[3])
return { 'LEASED' }
