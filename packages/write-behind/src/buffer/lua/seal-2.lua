#!lua flags=allow-oom
-- Ends the life of a closed, drained partition's queue: what is accepted into it from here on is of another epoch, so
-- that no flusher can store what it read before (placement.ts). Again is another epoch, and as good.
-- KEYS  1 seq, 2 queue
-- ARGV  1 name of the new epoch
-- Returns SEALED | OPEN (somebody may write) | WAITING count
--- @include "epoch"
local known = redis.call('HMGET', KEYS[1], 'p', 's', 'r')
if known[1] then return { 'OPEN' } end
local waiting = redis.call('LLEN', KEYS[2])
if waiting > 0 then return { 'WAITING', waiting } end
local last, server = known[2] or '0', serverName()
if known[3] == server then
  redis.call('HSET', KEYS[1], 'e', ARGV[1], 's', last, 'a', string.rep('0', 16))
else
  -- Another server, or nothing is left of what was here: a loss that is yet to be noticed (losses.ts).
  beginEpoch(KEYS[1], ARGV[1], last, server)
end
redis.call('HDEL', KEYS[1], 'p', 'c')
return { 'SEALED' }
