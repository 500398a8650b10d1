-- Fields of a cached entity's hash that are ours; the others are the cached value, one JSON text a field.
--   ~v  version: '<epoch>-<seq>' after an update, '<epoch>.<token>' after a fill. Missing: tainted, reads as a miss
--   ~d  position '<epoch>-<seq>' of the last update, only while the store does not have it yet (dirty)
--   ~m  '1' when the row is known not to exist
local function readEntity(key)
  local state = redis.call('HMGET', key, '~v', '~d', '~m')
  return state[1], state[2], state[3]
end
