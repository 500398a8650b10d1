-- The fence: may a caller that counts so many partitions write into this one? Field `p` of the seq hash says which count
-- may, and on which server that was found out: '<count> <server>'. Where it says anything else, or nothing (first use,
-- a restart, a failover, a number of partitions that changes), the store knows and must be asked: see fence-1.lua.
local function isFenced(fence, partitions, server)
  return fence == partitions .. ' ' .. server
end
