#!lua flags=allow-oom
-- What may be missing was named: it is not named again. Only if it is still what the caller saw. Adds no byte.
-- KEYS  1 seq
-- ARGV  1 epoch, 2 field: b (that it began) or a (what was acked), 3 its value as it was seen, 4 for a: what the store has
-- Returns 1, or 0 if it is another by now
local known = redis.call('HMGET', KEYS[1], 'e', ARGV[2])
if known[1] ~= ARGV[1] or not known[2] or tonumber(known[2]) ~= tonumber(ARGV[3]) then return 0 end
if ARGV[2] == 'b' then
  redis.call('HDEL', KEYS[1], 'b', 'pe', 'ps')
else
  redis.call('HSET', KEYS[1], 'a', string.format('%016.0f', tonumber(ARGV[4])))
end
return 1
