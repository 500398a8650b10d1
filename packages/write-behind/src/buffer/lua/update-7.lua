#!lua
-- Accepts one update whole or not at all: value, version, pending index and queue item (invariants 1, 2, 5).
-- No script flags, so that the server refuses it whole at its memory limit. Every key is read before the first
-- write, so that a key of a foreign type fails it before anything is written.
--
-- KEYS  1 entity hash, 2 queue, 3 seq, 4 pending, 5 fill lease, 6 once (answers), 7 once:order
-- ARGV  1 entity id              2 name of a new epoch        3 fill lease token     4 lease, ms
--       5 queue limit, items     6 tail of the queue item     7 version wanted or ''
--       8 idempotency key or ''  9 digest of the request     10 keep answers, us    11 answers limit
--      12 number of partitions that the caller counts
--      13 count n of the arguments that follow: changed field, value, ...
--      then, if the caller brings a base: field, value, ... of the row it loaded under its lease
-- Returns
--   OK epoch seq queueLength replayed(0/1)    accepted, now or by an earlier call with the same idempotency key
--   MISS                                      not cached: the lease is the caller's, load the row and come again
--   BUSY ms                                   not cached, and somebody else is loading it
--   RETRY                                     the base came without an unbroken lease
--   PENDING                                   not cached while updates wait: drain them first
--   UNFENCED                                  whether the caller may write here, the store must say: see fence.lua
--   MISSING | CONFLICT version | FULL limit | REUSED | ANSWERS_FULL limit
--- @include "entity"
--- @include "epoch"
--- @include "fence"
--- @include "answers"
local id, onceKey = ARGV[1], ARGV[8]
local changesEnd = 13 + tonumber(ARGV[13])
local hasBase = #ARGV > changesEnd

local length = redis.call('LLEN', KEYS[2])
local now = redis.call('TIME')
local time = tonumber(now[1]) * 1000000 + tonumber(now[2])
local answers, expired = 0, nil
if onceKey ~= '' then
  local answeredEpoch, answeredSeq = findAnswer(KEYS[6], onceKey, ARGV[9])
  if answeredEpoch == 'REUSED' and not answeredSeq then return { 'REUSED' } end
  if answeredEpoch then return { 'OK', answeredEpoch, answeredSeq, length, 1 } end
  answers, expired = readExpired(KEYS[7], time - tonumber(ARGV[10]))
  if answers >= tonumber(ARGV[11]) then return { 'ANSWERS_FULL', ARGV[11] } end
end
if length >= tonumber(ARGV[5]) then return { 'FULL', ARGV[5] } end

local version, dirty, missing = readEntity(KEYS[1])
local waiting = redis.call('HGET', KEYS[4], id)
local lease = redis.call('GET', KEYS[5])
local known = redis.call('HMGET', KEYS[3], 'e', 's', 'r', 'p')
local epoch, last, server, isNewEpoch = currentEpoch(known, ARGV[2])
if not isFenced(known[4], ARGV[12], server) then return { 'UNFENCED' } end

-- A clean value of another epoch may be older than what the store has: the store's row is the base then.
local isCached = version and (dirty or string.match(version, '^%w+') == epoch)
if not isCached then
  if waiting then return { 'PENDING' } end
  local own = leaseOf(ARGV[3], server)
  if hasBase and lease ~= own then return { 'RETRY' } end
  if not hasBase and lease and lease ~= own then return { 'BUSY', redis.call('PTTL', KEYS[5]) } end
  if not hasBase then
    redis.call('SET', KEYS[5], own, 'PX', ARGV[4])
    return { 'MISS' }
  end
elseif missing then
  return { 'MISSING' }
end
local stale = isCached and {} or staleFields(KEYS[1], changesEnd + 1)
if ARGV[7] ~= '' and not (isCached and ARGV[7] == version) then return { 'CONFLICT', version or '' } end

local seq = math.max(time, last + 1)
-- %.0f, never tostring or '..' on a number: those lose the digits of a seq.
local seqText = string.format('%.0f', seq)
local position = epoch .. '-' .. seqText
local head = '[1,"' .. epoch .. '",' .. seqText .. ',' .. string.format('%.0f', seq - time) .. ','

if not isCached then replaceContent(KEYS[1], changesEnd + 1, stale) end
redis.call('HSET', KEYS[1], '~v', position, '~d', position, unpack(ARGV, 14, changesEnd))
if not dirty then redis.call('PERSIST', KEYS[1]) end
redis.call('HSET', KEYS[4], id, position)
redis.call('RPUSH', KEYS[2], head .. ARGV[6])
redis.call('DEL', KEYS[5])
if isNewEpoch then
  beginEpoch(KEYS[3], epoch, seqText, server)
else
  redis.call('HSET', KEYS[3], 's', seqText)
end
if onceKey ~= '' then keepAnswer(KEYS[6], KEYS[7], onceKey, ARGV[9] .. ' ' .. position, time, expired) end
return { 'OK', epoch, seqText, length + 1, 0 }
