#!lua
-- The store is away: no flusher goes there for a while. Of many that find out together one counts.
-- No script flags: at the memory limit it is refused, and each flusher backs off by itself.
-- KEYS  1 breaker
-- ARGV  1 failures that the caller knew of, 2 ms to wait, 3 ms after which a breaker that nobody tries is forgotten
-- Returns ms failures since; since in ms since 1970
local state = redis.call('HMGET', KEYS[1], 'failures', 'since', 'until')
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
-- Forgotten during the caller's trial: it counts on from what the caller knew.
local known = state[1] or ARGV[1]
if known ~= ARGV[1] then return { math.max(0, tonumber(state[3] or '0') - now), known, state[2] or '0' } end
local failures = string.format('%.0f', tonumber(known) + 1)
local since = state[2] or string.format('%.0f', now)
local untilMs = string.format('%.0f', now + tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'failures', failures, 'since', since, 'until', untilMs)
redis.call('HDEL', KEYS[1], 'trial')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { tonumber(ARGV[2]), failures, since }
