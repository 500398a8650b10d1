/** What one script of Valkey does at once. */
import type { Mutation } from '../mutation.ts';
import { contract, counterexample, failover } from './tests.ts';

const LUA = 'packages/write-behind/src/buffer/lua';
const UPDATE = `${LUA}/update-n.lua`;
const ACK = `${LUA}/ack-4.lua`;
const FILL = `${LUA}/fill-4.lua`;
const LEASE = `${LUA}/lease-4.lua`;
const EPOCH = `${LUA}/includes/epoch.lua`;

export const bufferMutations: readonly Mutation[] = [
  {
    name: 'ack-by-count',
    guard: 'An ack names (epoch, seq)',
    file: ACK,
    edits: [{ find: '  if isCovered(epoch, seq) then', replace: '  if next(covered) then' }],
    caughtBy: [
      counterexample('ack by count'),
      contract('drops what is covered and keeps what came after it'),
    ],
  },
  {
    name: 'ack-by-seq-alone',
    guard: 'An ack names (epoch, seq)',
    file: ACK,
    edits: [
      {
        find: '  return epoch ~= nil and covered[epoch] ~= nil and tonumber(seq) <= covered[epoch]',
        replace:
          '  for _, last in pairs(covered) do if epoch ~= nil and tonumber(seq) <= last then return true end end\n' +
          '  return false',
      },
    ],
    caughtBy: [
      counterexample('ack by seq alone, after a failover'),
      contract('a late ack of an older epoch keeps a newer item with a smaller seq'),
    ],
  },
  {
    name: 'no-epoch-at-birth',
    guard: 'Epochs',
    file: EPOCH,
    edits: [
      {
        find: 'return candidate, last, server, true',
        replace: "return known[1] and candidate or 'e0', last, server, true",
      },
    ],
    caughtBy: [
      counterexample('ack by seq alone, Valkey emptied'),
      contract('where the seq is gone a new epoch begins'),
    ],
  },
  {
    name: 'no-epoch-on-another-server',
    guard: 'Epochs',
    file: EPOCH,
    edits: [{ find: 'if known[1] and known[3] == server then', replace: 'if known[1] then' }],
    caughtBy: [
      counterexample('epoch only where the seq is missing'),
      contract('where another server wrote the seq a new epoch begins'),
    ],
  },
  {
    name: 'value-of-another-epoch-is-a-base',
    guard: 'Epochs',
    file: UPDATE,
    edits: [{ find: "(dirty or string.match(version, '^%w+') == epoch)", replace: '(dirty or version)' }],
    caughtBy: [contract('a clean value of another epoch is no base for an update: the row is')],
  },
  {
    name: 'seq-is-the-clock',
    guard: 'Seq only goes up',
    file: UPDATE,
    edits: [{ find: 'math.max(time, last + 1)', replace: 'time' }],
    caughtBy: [contract('with the clock behind the last seq by an hour')],
  },
  {
    name: 'no-persist',
    guard: 'Dirty has no TTL',
    file: UPDATE,
    edits: [{ find: "if one.isClean then call('PERSIST', one.key) end", replace: '' }],
    caughtBy: [counterexample('no PERSIST'), contract('an update takes the TTL away')],
  },
  {
    name: 'clean-at-any-ack',
    guard: 'Clean only when the last update is covered',
    file: ACK,
    edits: [{ find: 'if positionCovered(dirty or version) then', replace: 'if true then' }],
    caughtBy: [
      counterexample('all of a batch cleaned at its ack'),
      contract('only when the last update is covered'),
    ],
  },
  {
    name: 'pending-not-written',
    guard: 'Pending index',
    file: UPDATE,
    edits: [{ find: "if #accepted > 0 then call('HSET', KEYS[3], unpack(marks)) end", replace: '' }],
    caughtBy: [counterexample('no index of pending ids')],
  },
  {
    name: 'pending-not-asked-by-update',
    guard: 'Pending index',
    file: UPDATE,
    edits: [{ find: "if waiting then return 'PENDING' end", replace: '' }],
    caughtBy: [contract('a value deleted by hand while its updates wait is no miss')],
  },
  {
    name: 'pending-not-asked-by-lease',
    guard: 'Pending index',
    file: LEASE,
    edits: [{ find: "if redis.call('HGET', KEYS[2], ARGV[1]) then return { 'PENDING' } end", replace: '' }],
    caughtBy: [contract('while updates wait there is no lease and no fill')],
  },
  {
    name: 'pending-not-asked-by-fill',
    guard: 'Pending index',
    file: FILL,
    edits: [{ find: "if waiting then return { 'PENDING' } end", replace: '' }],
    caughtBy: [contract('while updates wait there is no lease and no fill')],
  },
  {
    name: 'pending-forgotten-early',
    guard: 'Pending index',
    file: ACK,
    edits: [{ find: 'if positionCovered(mark) then', replace: 'if true then' }],
    caughtBy: [contract('the pending mark leaves with the last update that it stands for')],
  },
  {
    name: 'fill-without-lease',
    guard: 'Fill lease',
    file: FILL,
    edits: [{ find: "if lease ~= leaseOf(ARGV[2], server) then return { 'RETRY' } end", replace: '' }],
    caughtBy: [counterexample('fill without a lease'), contract('without a lease, or under another one')],
  },
  {
    name: 'seize-leaves-others-their-lease',
    guard: 'Fill lease',
    file: `${LUA}/seize-3.lua`,
    edits: [{ find: "'PX', ARGV[2])", replace: "'PX', ARGV[2], 'NX')" }],
    caughtBy: [contract("a loader's lease and an earlier writer's are broken")],
  },
  {
    name: 'base-without-lease',
    guard: 'Fill lease',
    file: UPDATE,
    edits: [{ find: "if hasBase and lease ~= own then return 'RETRY' end", replace: '' }],
    caughtBy: [
      counterexample('base without a lease'),
      contract('a base without a lease, or under another one, is not taken'),
    ],
  },
  {
    name: 'fill-lease-good-on-any-server',
    guard: 'Fill lease',
    file: FILL,
    edits: [
      {
        find: 'if lease ~= leaseOf(ARGV[2], server) then',
        replace: "if not lease or string.match(lease, '^%w+') ~= ARGV[2] then",
      },
    ],
    caughtBy: [failover('6 a lease that came along lets no fill in')],
  },
  {
    name: 'base-lease-good-on-any-server',
    guard: 'Fill lease',
    file: UPDATE,
    edits: [
      {
        find: 'if hasBase and lease ~= own then',
        replace: "if hasBase and (not lease or string.match(lease, '^%w+') ~= ARGV[at + 2]) then",
      },
    ],
    caughtBy: [failover('6 nor is it good for a base')],
  },
  {
    name: 'lease-outlives-an-update',
    guard: 'Fill lease',
    file: UPDATE,
    edits: [{ find: "if one.leaseKey then call('DEL', one.leaseKey) end", replace: '' }],
    caughtBy: [
      contract('an update destroys the lease'),
      contract('an update of a cached entity destroys a lease'),
    ],
  },
  {
    name: 'lease-for-every-reader',
    guard: 'Fill lease',
    file: LEASE,
    edits: [
      {
        find: "if redis.call('GET', KEYS[3]) then return { 'BUSY', redis.call('PTTL', KEYS[3]) } end",
        replace: '',
      },
    ],
    caughtBy: [contract('of many readers that miss together one is given the lease')],
  },
  {
    name: 'fill-over-a-value',
    guard: 'A fill replaces no value',
    file: FILL,
    edits: [{ find: "then return { 'PRESENT' } end", replace: 'then end' }],
    caughtBy: [contract('a fill does not replace a value that is there')],
  },
  {
    name: 'parked-value-not-tainted',
    guard: 'Taint',
    file: ACK,
    edits: [{ find: 'elseif dirty and distrusted[id] then', replace: 'elseif false then' }],
    caughtBy: [contract('newer updates wait: it is a miss that takes no update')],
  },
  {
    name: 'parked-value-not-deleted',
    guard: 'Taint',
    file: ACK,
    edits: [{ find: 'if distrusted[id] or not version then', replace: 'if not version then' }],
    caughtBy: [
      counterexample('value of what was parked kept'),
      contract('nothing waits: the value is deleted'),
    ],
  },
  {
    name: 'tainted-value-becomes-clean',
    guard: 'Taint',
    file: ACK,
    edits: [{ find: 'if distrusted[id] or not version then', replace: 'if distrusted[id] then' }],
    caughtBy: [contract('newer updates wait: it is a miss that takes no update')],
  },
  {
    name: 'redriven-value-not-tainted',
    guard: 'Taint',
    file: `${LUA}/invalidate-2.lua`,
    edits: [{ find: "if dirty then redis.call('HDEL', KEYS[1], '~v')", replace: 'if dirty then' }],
    caughtBy: [contract('a dirty value reads as a miss and takes no update')],
  },
  {
    name: 'clear-with-updates-waiting',
    guard: 'Clear only where nothing waits',
    file: `${LUA}/clear-1.lua`,
    edits: [{ find: "if redis.call('LLEN', KEYS[1]) > 0 then return -1 end", replace: '' }],
    caughtBy: [contract('clear removes what is cached; partitions in which updates wait keep everything')],
  },
  {
    name: 'disown-with-updates-waiting',
    guard: 'Pending index',
    file: `${LUA}/disown-3.lua`,
    edits: [{ find: "if redis.call('LLEN', KEYS[1]) > 0 then return 0 end", replace: '' }],
    caughtBy: [contract('it is forgotten on an empty queue only')],
  },
  {
    name: 'confirmed-by-another-server',
    guard: 'Durability is confirmed by the server that accepted',
    file: `${LUA}/vouch-1.lua`,
    edits: [{ find: 'known[1] ~= ARGV[1] or known[3] ~= serverName()', replace: 'known[1] ~= ARGV[1]' }],
    caughtBy: [contract('an update whose server has ended since is not confirmed')],
  },
  {
    name: 'damaged-item-blocks-the-queue',
    guard: 'A damaged item is told by its bytes alone',
    file: ACK,
    edits: [{ find: 'elseif parkedBytes[item] then', replace: 'elseif false then' }],
    caughtBy: [contract('leaves only if its bytes are those that were parked')],
  },
  {
    name: 'any-damaged-item-leaves',
    guard: 'A damaged item is told by its bytes alone',
    file: ACK,
    edits: [{ find: 'elseif parkedBytes[item] then', replace: 'elseif not epoch then' }],
    caughtBy: [contract('leaves only if its bytes are those that were parked')],
  },
];
