#!lua
-- The floor of an update: the writes of update-n.lua with the same bytes and the seq that they need, and not one guard.
-- KEYS  1 entity hash, 2 queue, 3 seq, 4 pending, 5 fill lease
-- ARGV  1 entity id  2 tail of the queue item, then field, value, ...
local now = redis.call('TIME')
local seqText = string.format('%.0f', tonumber(now[1]) * 1000000 + tonumber(now[2]))
local position = '000000000000000000-' .. seqText
redis.call('HSET', KEYS[1], '~v', position, '~d', position, unpack(ARGV, 3))
redis.call('HSET', KEYS[4], ARGV[1], position)
redis.call('RPUSH', KEYS[2], '[1,"000000000000000000",' .. seqText .. ',0,' .. ARGV[2])
redis.call('DEL', KEYS[5])
redis.call('HSET', KEYS[3], 's', seqText)
return { 'OK', seqText }
