#!lua flags=allow-oom
-- Keeps or gives back a flusher's lease, if it is still its own. Saves work only; nothing depends on it.
-- KEYS  1 flusher lease, 2 pace
-- ARGV  1 token, 2 ms to go on holding it, or 0 to give it back, 3 updates a second that its holder dealt with, or '',
--       4 ms to keep that
-- Returns 1 if it was the caller's, else 0
-- pcall: a key of a foreign type is nobody's lease, and must not keep the queue from draining.
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4]) end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
