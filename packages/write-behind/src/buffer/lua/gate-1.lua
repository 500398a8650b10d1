#!lua flags=allow-oom
-- May a flusher go to the store? While the store is away all flushers wait together, and one at a time tries again.
-- KEYS  1 breaker
-- ARGV  1 ms for which the trial is the caller's
-- Returns CLOSED | OPEN ms failures since (wait that long) | TRIAL failures since; since in ms since 1970
-- pcall: a key of a foreign type is no breaker, and must not keep the queue from draining.
local state = redis.pcall('HMGET', KEYS[1], 'failures', 'since', 'until', 'trial')
if state.err or not state[1] then return { 'CLOSED' } end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local waitMs = math.max(tonumber(state[3]), tonumber(state[4] or '0')) - now
if waitMs > 0 then return { 'OPEN', waitMs, state[1], state[2] } end
redis.call('HSET', KEYS[1], 'trial', string.format('%.0f', now + tonumber(ARGV[1])))
return { 'TRIAL', state[1], state[2] }
