local function serverName()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
end

-- A fill lease is unbroken only on the server that gave it: one that a failover brought back may be of a time before
-- updates that were accepted, stored, and lost from the buffer's memory.
local function leaseOf(token, server)
  return token .. ' ' .. server
end

-- Which epoch is the partition in?
--
-- A restart, a failover or a moved slot may have lost the newest writes. The server that wrote the seq key
-- named itself in it (INFO's master_replid, which changes on each of those); where another one answers now,
-- an unbroken life of the queue has ended and the caller's never-used name starts the next.
-- Takes HMGET(seq key, 'e', 's', 'r') and the candidate; returns epoch, last seq, server, and whether it is new.
local function currentEpoch(known, candidate)
  local server = serverName()
  local last = tonumber(known[2] or '0')
  if known[1] and known[3] == server then
    return known[1], last, server, false
  end
  return candidate, last, server, true
end

-- Writes a new epoch, and beside it until somebody has named what may be missing (see settle): b, when it began (us), and
-- pe, ps, what was known of the epoch before. Of several that ended unnoticed the oldest is kept.
-- a: the last seq of this epoch that was acked, in a fixed width, so that an ack adds no byte by writing it.
local function beginEpoch(key, epoch, seqText, server)
  local time = redis.call('TIME')
  local begun = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]))
  local known = redis.call('HMGET', key, 'e', 's', 'b')
  redis.call('HSET', key, 'e', epoch, 's', seqText, 'r', server, 'a', string.rep('0', 16), 'b', begun)
  if not known[3] then redis.call('HSET', key, 'pe', known[1] or '', 'ps', known[2] or '0') end
end
