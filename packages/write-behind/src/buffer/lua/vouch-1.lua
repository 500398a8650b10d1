#!lua flags=allow-oom
-- Is what was accepted in this epoch still on the server that answers now? Writes the seq as it is, so that a WAIT or
-- WAITAOF after it on this connection waits for all that was accepted before. Adds no byte.
-- KEYS  1 seq
-- ARGV  1 epoch
-- Returns 1, or 0 if the epoch has ended, or another server answers: something may be lost
--- @include "epoch"
local known = redis.call('HMGET', KEYS[1], 'e', 's', 'r')
if known[1] ~= ARGV[1] or known[3] ~= serverName() then return 0 end
redis.call('HSET', KEYS[1], 's', known[2])
return 1
