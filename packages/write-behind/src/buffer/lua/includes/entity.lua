-- Fields of a cached entity's hash that are ours; the others are the cached value, one JSON text a field.
--   ~v  version: '<epoch>-<seq>' after an update, '<epoch>.<token>' after a fill. Missing: tainted, reads as a miss
--   ~d  position '<epoch>-<seq>' of the last update, only while the store does not have it yet (dirty)
--   ~m  '1' when the row is known not to exist
--   ~x  '1' when the value lies elsewhere: memcached has it under this version, or nobody has. Only of a clean entity
local function readEntity(key)
  local state = redis.call('HMGET', key, '~v', '~d', '~m', '~x')
  return state[1], state[2], state[3], state[4]
end

-- Fields of a hash whose content is replaced by that of ARGV from `first` on (field, value, ...), which has them not. For
-- HDEL after the HSET: a script that deletes a key and writes it again breaks off in between while the slot moves to
-- another node, because a key that is not there is the other's.
local function staleFields(key, first)
  local kept, stale = {}, {}
  for i = first, #ARGV, 2 do kept[ARGV[i]] = true end
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if not kept[field] then stale[#stale + 1] = field end
  end
  return stale
end

local function replaceContent(key, first, stale)
  redis.call('HSET', key, unpack(ARGV, first, #ARGV))
  for _, field in ipairs(stale) do redis.call('HDEL', key, field) end
end
