#!lua
-- Caches what a loader read, only under an unbroken lease and with nothing pending (invariants 5, 6).
-- KEYS  1 entity hash, 2 pending, 3 fill lease, 4 seq
-- ARGV  1 entity id, 2 lease token, 3 TTL in ms, 4 name never used before: for the stamp, and for a new epoch,
--       then field, value, ... (or ~x alone: the value lies elsewhere, under this stamp)
-- Returns OK version | RETRY (lease gone) | PRESENT | PENDING
--- @include "entity"
--- @include "epoch"
local version, dirty = readEntity(KEYS[1])
local waiting = redis.call('HGET', KEYS[2], ARGV[1])
local lease = redis.call('GET', KEYS[3])
local known = redis.call('HMGET', KEYS[4], 'e', 's', 'r', 'p')
local epoch, last, server, isNewEpoch = currentEpoch(known, ARGV[4])
if lease ~= leaseOf(ARGV[2], server) then return { 'RETRY' } end
-- Shut while the number of partitions changes: what were cached now would stay behind.
if not known[4] then return { 'RETRY' } end
if waiting then return { 'PENDING' } end
-- A clean value of another epoch is no value to an update (see there): it came here to have it replaced.
if version and (dirty or string.match(version, '^%w+') == epoch) then return { 'PRESENT' } end
local stamp = epoch .. '.' .. ARGV[4]
replaceContent(KEYS[1], 5, staleFields(KEYS[1], 5))
redis.call('HSET', KEYS[1], '~v', stamp)
redis.call('DEL', KEYS[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
-- The partition's first fill names the epoch, so that the update that follows finds a value of its own epoch.
if isNewEpoch then beginEpoch(KEYS[4], epoch, string.format('%.0f', last), server) end
return { 'OK', stamp }
