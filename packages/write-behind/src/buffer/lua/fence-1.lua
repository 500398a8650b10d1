#!lua
-- Lets callers of one partition count into a partition, once the store has said that it is theirs. In two calls with the
-- store's answer between them: the first leaves a token, which a change of the number of partitions takes away, and
-- so does whatever else loses this key. So an answer that is no longer true opens nothing.
-- KEYS  1 seq
-- ARGV  1 partitions, 2 token never used before, 3 token that the first call gave, or ''
-- Returns OPEN | ASK token (ask the store, then come again with it)
--- @include "epoch"
local server = serverName()
local known = redis.call('HMGET', KEYS[1], 'p', 'c')
local fence, asked = ARGV[1] .. ' ' .. server, known[2]
if known[1] == fence then return { 'OPEN' } end
if asked and asked == ARGV[3] and string.match(asked, '%x+$') == server then
  redis.call('HSET', KEYS[1], 'p', fence)
  redis.call('HDEL', KEYS[1], 'c')
  return { 'OPEN' }
end
if not asked or string.match(asked, '%x+$') ~= server then
  asked = leaseOf(ARGV[2], server)
  redis.call('HSET', KEYS[1], 'c', asked)
end
return { 'ASK', asked }
