#!lua flags=allow-oom
-- Ends the life of a closed, drained partition's queue: what is accepted into it from here on is of another epoch, so
-- that no flusher can store what it read before (placement.ts). Again is another epoch, and as good.
-- KEYS  1 seq, 2 queue
-- ARGV  1 name of the new epoch
-- Returns SEALED | OPEN (somebody may write) | WAITING count
--- @include "epoch"
if redis.call('HGET', KEYS[1], 'p') then return { 'OPEN' } end
local waiting = redis.call('LLEN', KEYS[2])
if waiting > 0 then return { 'WAITING', waiting } end
local last = redis.call('HGET', KEYS[1], 's') or '0'
redis.call('HSET', KEYS[1], 'e', ARGV[1], 's', last, 'r', serverName(), 'a', string.rep('0', 16))
redis.call('HDEL', KEYS[1], 'p', 'c', 'b', 'pe', 'ps')
return { 'SEALED' }
