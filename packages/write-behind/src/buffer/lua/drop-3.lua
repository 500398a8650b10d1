#!lua flags=allow-oom
-- Drops the cached value of an entity that was compared with its row and differs, if it is still the one that was
-- compared. A version never names two contents, so whoever updated or filled it since has won, and what is dirty, tainted
-- or waits for the store is nobody's to drop (invariants 3, 5).
--
-- The lease goes too (invariant 6): beside a cached value it belongs to an update that found the value to be of an
-- ended epoch and reads the row for its base, perhaps as it was before the change past the cache that was found here. A
-- lease without a value is left alone: it was given after the last look, and its loader reads what we read, or newer.
-- KEYS  1 entity hash, 2 pending, 3 fill lease
-- ARGV  1 entity id, 2 version that was compared
-- Returns 1 if it was dropped, else 0
--- @include "entity"
local version, dirty = readEntity(KEYS[1])
if version ~= ARGV[2] or dirty or redis.call('HGET', KEYS[2], ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1], KEYS[3])
return 1
