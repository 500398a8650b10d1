#!lua flags=allow-oom
-- Drops from the queue's head what the watermark covers, and nothing else (invariants 3, 5, 7, 9). Whoever sends it
-- and however late: an item goes only if its own (epoch, seq) is covered. Never adds a byte, so that draining works
-- at the memory limit: LTRIM, HDEL, DEL, PEXPIRE, and one HSET of a value as long as the one before.
--
-- KEYS  1 queue, 2 pending, 3 why the partition had stopped, 4 seq (entity hashes are ARGV[1] .. id: their ids come out of the items, the hash tag is the same)
-- ARGV  1 prefix of entity keys  2 TTL of a clean entity, ms  3 most items to drop
--       4 '1' to be told what became clean
--       5 count of covered, then epoch, seq, ...
--       then a count of distrusted ids (parked, or found already dealt with), then the ids
--       then a count of unreadable items that were parked, then their bytes
-- Returns dropped, remaining, then ids of entities that became clean, if asked for
local MAX_ORPHANS = 500 -- bounds the script's time; the next ack takes the rest
local SLICE = 1000 -- ids of one command: unpack takes a few thousand values
local at = 5
local function readList(width)
  local count, list = tonumber(ARGV[at]), {}
  for i = at + 1, at + count * width do list[#list + 1] = ARGV[i] end
  at = at + count * width + 1
  return list
end
local function asSet(list)
  local set = {}
  for _, value in ipairs(list) do set[value] = true end
  return set
end
local pairsOfCovered = readList(2)
local distrustedList = readList(1)
local parkedBytes, distrusted, covered = asSet(readList(1)), asSet(distrustedList), {}
for i = 1, #pairsOfCovered, 2 do covered[pairsOfCovered[i]] = tonumber(pairsOfCovered[i + 1]) end

local function isCovered(epoch, seq)
  return epoch ~= nil and covered[epoch] ~= nil and tonumber(seq) <= covered[epoch]
end
local function positionCovered(position)
  if type(position) ~= 'string' then return false end
  return isCovered(string.match(position, '^(%w+)-(%d+)$'))
end

local ids, seen, dropped = {}, {}, 0
local function touch(id)
  if not seen[id] then
    seen[id] = true
    ids[#ids + 1] = id
  end
end
for _, item in ipairs(redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[3]) - 1)) do
  -- Whatever its format is: all of them begin like this (item.ts).
  local epoch, seq, id = string.match(item, '^%[%d+,"(%w+)",(%d+),%d+,"([^"\\]+)",')
  if isCovered(epoch, seq) then
    dropped = dropped + 1
    touch(id)
  elseif parkedBytes[item] then
    dropped = dropped + 1
  else
    break
  end
end
for _, id in ipairs(distrustedList) do touch(id) end
local remaining = redis.call('LLEN', KEYS[1]) - dropped

-- All is read before anything is written. pcall: a key of a foreign type must not keep the queue from draining. One that
-- is on another node by now, because the slot moves, must: half of this would leave entities dirty for ever.
local states, forgotten = {}, {}
for _, id in ipairs(ids) do
  local state = redis.pcall('HMGET', ARGV[1] .. id, '~v', '~d')
  if state.err and not string.match(state.err, 'WRONGTYPE') then return state end
  states[id] = state
end
for first = 1, #ids, SLICE do
  local marks = redis.pcall('HMGET', KEYS[2], unpack(ids, first, math.min(first + SLICE - 1, #ids)))
  for i, mark in ipairs(marks) do
    if positionCovered(mark) then forgotten[#forgotten + 1] = ids[first + i - 1] end
  end
end
local epoch, acked = unpack(redis.pcall('HMGET', KEYS[4], 'e', 'a'))
local orphans = {}
if remaining == 0 then
  -- Nothing waits: what is still marked belongs to damaged items, which went by their bytes.
  local isForgotten, marked = asSet(forgotten), redis.pcall('HRANDFIELD', KEYS[2], #forgotten + MAX_ORPHANS)
  for _, id in ipairs(marked.err and {} or marked) do
    if not isForgotten[id] then orphans[#orphans + 1] = id end
  end
end

local reply = { dropped, remaining }
if dropped > 0 then redis.call('LTRIM', KEYS[1], dropped, -1) end
for _, id in ipairs(ids) do
  local key, version, dirty = ARGV[1] .. id, states[id][1], states[id][2]
  if not states[id].err and (dirty or version) then
    if positionCovered(dirty or version) then
      if distrusted[id] or not version then
        redis.call('DEL', key)
      elseif dirty then
        redis.call('HDEL', key, '~d')
        redis.call('PEXPIRE', key, ARGV[2])
        if ARGV[4] == '1' then reply[#reply + 1] = id end
      end
    elseif dirty and distrusted[id] then
      redis.call('HDEL', key, '~v')
    end
  end
end
for _, id in ipairs(orphans) do
  redis.pcall('DEL', ARGV[1] .. id)
  forgotten[#forgotten + 1] = id
end
for first = 1, #forgotten, SLICE do
  redis.call('HDEL', KEYS[2], unpack(forgotten, first, math.min(first + SLICE - 1, #forgotten)))
end
redis.call('DEL', KEYS[3])
-- What the store has vouched for: if it knows less later, it has lost that.
local vouched = epoch and acked and covered[epoch]
if dropped > 0 and vouched and vouched > tonumber(acked) then
  redis.call('HSET', KEYS[4], 'a', string.format('%016.0f', vouched))
end
return reply
