-- Answers to idempotency keys: a hash key -> '<digest> <position>', and a list '<time in us> <key>' in their order.
-- They have no TTL, so that no eviction takes one; each new answer removes up to two that are old enough.
local TRIM = 2

-- Returns the position of the update that this key was answered with; or nil; or 'REUSED' for another request.
local function findAnswer(once, key, digest)
  local answer = redis.call('HGET', once, key)
  if not answer then return nil end
  local known, position = string.match(answer, '^(%S+) (%w+-%d+)$')
  if known ~= digest then return 'REUSED' end
  return position
end

-- Reads how many are kept, and which of the oldest were given before the time `before` (us).
local function readExpired(order, before)
  local expired = {}
  for _, entry in ipairs(redis.call('LRANGE', order, 0, TRIM - 1)) do
    local at, key = string.match(entry, '^(%d+) (.*)$')
    if tonumber(at) > before then break end
    expired[#expired + 1] = key
  end
  return redis.call('LLEN', order) - #expired, expired
end

local function keepAnswer(once, order, key, answer, time, expired)
  -- Written first: a key that trimming empties is gone, and on a slot that moves it could not be written again.
  redis.call('HSET', once, key, answer)
  redis.call('RPUSH', order, string.format('%.0f', time) .. ' ' .. key)
  if #expired > 0 then
    redis.call('LTRIM', order, #expired, -1)
    redis.call('HDEL', once, unpack(expired))
  end
end
