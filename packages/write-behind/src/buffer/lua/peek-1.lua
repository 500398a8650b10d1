#!lua flags=no-writes,allow-oom
-- Reads a batch from the head of the queue and leaves it there (invariant 3); bounded in rows and bytes.
-- KEYS  1 queue
-- ARGV  1 most rows, 2 most bytes (the first item always comes)
-- Returns queueLength, item, item, ...
local CHUNK = 200 -- items a read: keeps what is read past the byte limit small
local rows, bytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local reply, size = { redis.call('LLEN', KEYS[1]) }, 0
for start = 0, rows - 1, CHUNK do
  local items = redis.call('LRANGE', KEYS[1], start, math.min(start + CHUNK, rows) - 1)
  for _, item in ipairs(items) do
    size = size + #item
    if size > bytes and #reply > 1 then return reply end
    reply[#reply + 1] = item
  end
  if #items < CHUNK then return reply end
end
return reply
