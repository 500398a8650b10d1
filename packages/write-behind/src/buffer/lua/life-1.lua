#!lua flags=no-writes,allow-oom
-- Which life a partition's queue is in, and whether its end was noticed.
-- KEYS  1 seq
-- Returns epoch ('' for none), acked, begun ('' once it was noticed), epoch and seq before, and 1 if the server that
--   answers wrote it, else 0; numbers as texts
--- @include "epoch"
local known = redis.call('HMGET', KEYS[1], 'e', 'a', 'b', 'pe', 'ps', 'r')
local isSame = known[6] == serverName() and 1 or 0
return { known[1] or '', known[2] or '0', known[3] or '', known[4] or '', known[5] or '0', isSame }
