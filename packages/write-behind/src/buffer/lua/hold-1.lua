#!lua flags=allow-oom
-- Keeps or gives back a flusher's lease, if it is still its own. Saves work only; nothing depends on it.
-- KEYS  1 flusher lease
-- ARGV  1 token, 2 ms to go on holding it, or 0 to give it back
-- Returns 1 if it was the caller's, else 0
-- pcall: a key of a foreign type is nobody's lease, and must not keep the queue from draining.
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
