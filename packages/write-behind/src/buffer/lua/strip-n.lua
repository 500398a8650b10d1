#!lua flags=allow-oom
-- Takes the values out of clean entities' hashes, because memcached has them under the same versions: the hash stays, with
-- version and TTL, and goes on to decide what the current value is. Whoever was updated since keeps its value. Adds less
-- than it removes.
-- KEYS  entity hashes of one partition
-- ARGV  1 TTL of a clean entity, ms, then of each key the version that memcached has
-- Returns how many were stripped
local stripped = {}
for i, key in ipairs(KEYS) do
  -- pcall: a key of a foreign type is left alone.
  local state = redis.pcall('HMGET', key, '~v', '~d', '~m', '~x')
  if not state.err and state[1] == ARGV[i + 1] and not (state[2] or state[3] or state[4]) then
    local fields = {}
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if string.byte(field) ~= 126 then fields[#fields + 1] = field end
    end
    if #fields > 0 then stripped[#stripped + 1] = { key = key, fields = fields } end
  end
end
for _, one in ipairs(stripped) do
  redis.call('HDEL', one.key, unpack(one.fields))
  redis.call('HSET', one.key, '~x', '1')
  redis.call('PEXPIRE', one.key, ARGV[1])
end
return #stripped
