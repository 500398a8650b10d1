#!lua
-- Accepts updates of one partition, each whole or not at all: value, version, pending index and queue item (invariants
-- 1, 2, 5). What a process asks for at the same moment comes together, so that what they share is looked up once; each is
-- decided by itself. One with an idempotency key or a base comes alone, and an entity only once.
--
-- No script flags, so that the server refuses it whole at its memory limit. Everything is read before the first write, so
-- that a key of a foreign type fails it before anything is written; but the pending index, which is written first.
--
-- KEYS  1 queue, 2 seq, 3 pending; then of each update its entity hash and its fill lease;
--       with an idempotency key also once (answers) and once:order
-- ARGV  1 name of a new epoch
--       2 '<partitions that the caller counts> <queue limit, items> <lease, ms> <keep answers, us> <answers limit>'
--       3 count of updates; then of each
--         entity id, tail of the queue item (its format's digit before it where that is not 1), fill lease token, version
--         wanted or '', count of what follows, changed field, value, ...
--       then of one that comes alone: '<digest of the request> <idempotency key>' or '', and, if the caller brings a base,
--       field, value, ... of the row it loaded under its lease; or, after '~v' and a version, of the value of that version
-- Returns of each update, in their order, a text:
--   OK epoch-seq queueLength replayed(0/1)    accepted, now or by an earlier call with the same idempotency key
--   MISS                                      not cached: the lease is the caller's, load the row and come again
--   BUSY ms                                   not cached, and somebody else is loading it
--   RETRY                                     the base came without an unbroken lease
--   PENDING                                   not cached while updates wait: drain them first
--   ELSEWHERE version                         clean, but its value is not here: come again with the value of that version
--   UNFENCED                                  whether the caller may write here, the store must say: see fence.lua
--   MISSING | CONFLICT version | FULL limit | REUSED | ANSWERS_FULL limit
--- @include "entity"
--- @include "epoch"
--- @include "fence"
--- @include "answers"
local call, format = redis.call, string.format
local settings = '^(%d+) (%d+) (%d+) (%d+) (%d+)$'
local partitions, queueLimit, leaseMs, keepUs, answersLimit = string.match(ARGV[2], settings)
local count, most = tonumber(ARGV[3]), tonumber(queueLimit)
local length = call('LLEN', KEYS[1])
local now = call('TIME')
local time = tonumber(now[1]) * 1000000 + tonumber(now[2])
local known = call('HMGET', KEYS[2], 'e', 's', 'r', 'p')
local epoch, last, server, isNewEpoch = currentEpoch(known, ARGV[1])
local isOpen = isFenced(known[4], partitions, server)
local rest = ',"' .. epoch .. '",'
local head = '[1' .. rest

-- What is written at the end.
local accepted, marks, items, leases = {}, {}, {}, {}
local seqText, answers, expired, digest, onceKey

-- Decides about the update whose arguments begin at `at`, and returns its reply.
local function decide(key, leaseKey, at)
  local wanted, changesEnd = ARGV[at + 3], at + 4 + tonumber(ARGV[at + 4])
  local base = count == 1 and changesEnd + 2 or #ARGV + 1
  local claimed = ARGV[base] == '~v' and ARGV[base + 1]
  if claimed then base = base + 2 end
  local hasBase = not claimed and #ARGV >= base
  if count == 1 and (ARGV[changesEnd + 1] or '') ~= '' then
    digest, onceKey = string.match(ARGV[changesEnd + 1], '^(%S+) (.*)$')
    local answered = findAnswer(KEYS[6], onceKey, digest)
    if answered == 'REUSED' then return answered end
    if answered then return 'OK ' .. answered .. ' ' .. length .. ' 1' end
    answers, expired = readExpired(KEYS[7], time - tonumber(keepUs))
    if answers >= tonumber(answersLimit) then return 'ANSWERS_FULL ' .. answersLimit end
  end
  if length >= most then return 'FULL ' .. queueLimit end

  local version, dirty, missing, elsewhere = readEntity(key)
  local lease = call('GET', leaseKey)
  -- A clean value of another epoch may be older than what the store has: the store's row is the base then.
  local isCached = version and (dirty or string.match(version, '^%w+') == epoch)
  local waiting = not isCached and call('HGET', KEYS[3], ARGV[at])
  if not isOpen then return 'UNFENCED' end
  if not isCached then
    if waiting then return 'PENDING' end
    local own = leaseOf(ARGV[at + 2], server)
    if hasBase and lease ~= own then return 'RETRY' end
    if not hasBase and lease and lease ~= own then return 'BUSY ' .. call('PTTL', leaseKey) end
    if not hasBase then
      leases[leaseKey] = own
      return 'MISS'
    end
  elseif missing then
    return 'MISSING'
  -- A version never names two contents: a base of this one is the value, whoever kept it and for how long.
  elseif elsewhere and claimed ~= version and (wanted == '' or wanted == version) then
    return 'ELSEWHERE ' .. version
  end
  if wanted ~= '' and not (isCached and wanted == version) then return 'CONFLICT ' .. (version or '') end

  last = math.max(time, last + 1)
  -- %.0f, never tostring or '..' on a number: those lose the digits of a seq.
  seqText = format('%.0f', last)
  local position = epoch .. '-' .. seqText
  length = length + 1
  local isReplaced = not isCached or elsewhere
  accepted[#accepted + 1] = {
    key = key, position = position, first = at + 5, last = changesEnd,
    isClean = not dirty, leaseKey = lease and leaseKey,
    base = isReplaced and base, stale = isReplaced and staleFields(key, base),
  }
  marks[#marks + 1], marks[#marks + 2] = ARGV[at], position
  local start, tail = head, ARGV[at + 1]
  -- A tail begins with the quote of the id.
  if string.byte(tail) ~= 34 then start, tail = '[' .. string.sub(tail, 1, 1) .. rest, string.sub(tail, 2) end
  items[#items + 1] = start .. seqText .. ',' .. format('%.0f,', last - time) .. tail
  return 'OK ' .. position .. ' ' .. length .. ' 0'
end

local replies, at = {}, 4
for i = 1, count do
  replies[i] = decide(KEYS[2 + 2 * i], KEYS[3 + 2 * i], at)
  at = at + 5 + tonumber(ARGV[at + 4])
end

if #accepted > 0 then call('HSET', KEYS[3], unpack(marks)) end
for leaseKey, own in pairs(leases) do call('SET', leaseKey, own, 'PX', leaseMs) end
if #accepted == 0 then return replies end
for _, one in ipairs(accepted) do
  local position = one.position
  if one.base then replaceContent(one.key, one.base, one.stale) end
  call('HSET', one.key, '~v', position, '~d', position, unpack(ARGV, one.first, one.last))
  if one.isClean then call('PERSIST', one.key) end
  if one.leaseKey then call('DEL', one.leaseKey) end
end
call('RPUSH', KEYS[1], unpack(items))
if isNewEpoch then
  beginEpoch(KEYS[2], epoch, seqText, server)
else
  call('HSET', KEYS[2], 's', seqText)
end
if onceKey then keepAnswer(KEYS[6], KEYS[7], onceKey, digest .. ' ' .. accepted[1].position, time, expired) end
return replies
