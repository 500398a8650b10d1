#!lua
-- Begins an epoch where the server that answers is not the one that wrote the last, as the next update would.
-- KEYS  1 seq
-- ARGV  1 name of a new epoch
-- Returns 1 if it began, 0 if the one that is goes on
--- @include "epoch"
local known = redis.call('HMGET', KEYS[1], 'e', 's', 'r')
local epoch, last, server, isNewEpoch = currentEpoch(known, ARGV[1])
if not isNewEpoch then return 0 end
beginEpoch(KEYS[1], epoch, string.format('%.0f', last), server)
return 1
