/** What is done while a server is away, or a queue is full, and what is said once a server came back with less. */
import type { Mutation } from '../mutation.ts';
import { contract, degradedApi, losses, storeAway } from './tests.ts';

const SRC = 'packages/write-behind/src';
const LUA = `${SRC}/buffer/lua`;
const EPOCH = `${LUA}/includes/epoch.lua`;
const ACK = `${LUA}/ack-4.lua`;
const LOSSES = `${SRC}/cache/losses.ts`;
const TRIP = `${LUA}/trip-1.lua`;
const UPDATER = `${SRC}/cache/updater.ts`;

const lossMutations: readonly Mutation[] = [
  {
    name: 'epoch-begins-unnoticed',
    guard: 'Losses are named',
    file: EPOCH,
    edits: [{ find: ", 'b', begun)", replace: ')' }],
    caughtBy: [contract('an epoch that began, until that was settled')],
  },
  {
    name: 'epoch-before-forgotten',
    guard: 'Losses are named',
    file: EPOCH,
    edits: [{ find: 'if not known[3] then redis.call', replace: 'if false then redis.call' }],
    caughtBy: [contract('with what was known of the one before')],
  },
  {
    name: 'of-several-ended-epochs-the-newest',
    guard: 'Losses are named',
    file: EPOCH,
    edits: [{ find: 'if not known[3] then redis.call', replace: 'if true then redis.call' }],
    caughtBy: [contract('of several epochs that ended unnoticed the oldest is told')],
  },
  {
    name: 'acked-not-remembered',
    guard: 'Losses are named',
    file: ACK,
    edits: [{ find: 'if dropped > 0 and vouched and vouched', replace: 'if false and vouched' }],
    caughtBy: [contract('how far it was acked, only forward')],
  },
  {
    name: 'acked-goes-back',
    guard: 'Losses are named',
    file: ACK,
    edits: [
      { find: 'if dropped > 0 and vouched and vouched > tonumber(acked) then', replace: 'if vouched then' },
    ],
    caughtBy: [contract('how far it was acked, only forward')],
  },
  {
    name: 'settled-whatever-it-is-by-now',
    guard: 'Losses are named once',
    file: `${LUA}/settle-1.lua`,
    edits: [
      {
        find: 'if known[1] ~= ARGV[1] or not known[2] or tonumber(known[2]) ~= tonumber(ARGV[3]) then',
        replace: 'if not known[2] then',
      },
    ],
    caughtBy: [contract('an epoch that began, until that was settled, by whoever saw it')],
  },
  {
    name: 'loss-named-by-each-who-notices',
    guard: 'Losses are named once',
    file: LOSSES,
    edits: [
      { find: 'if (!(await store.recordLoss(loss))) return;', replace: 'await store.recordLoss(loss);' },
    ],
    caughtBy: [losses('emptied: what was accepted since the last flush, once')],
  },
  {
    name: 'losses-of-the-store-not-noticed',
    guard: 'Losses are named',
    file: LOSSES,
    edits: [{ find: 'await noticeStore(buffer, store, loss, name);', replace: '' }],
    caughtBy: [losses('than it had committed: what was stored since, once')],
  },
  {
    name: 'later-epoch-taken-for-a-loss',
    guard: 'Losses are named',
    file: LOSSES,
    edits: [{ find: "if (state !== 'UNKNOWN') return;", replace: 'void state;' }],
    caughtBy: [losses('nor of one that went on while both were asked')],
  },
];

const breakerMutations: readonly Mutation[] = [
  {
    name: 'each-failure-counts',
    guard: 'Breaker',
    file: TRIP,
    edits: [{ find: 'if known ~= ARGV[1] then return', replace: 'if false then return' }],
    caughtBy: [contract('of many that fail together one counts')],
  },
  {
    name: 'all-try-at-once',
    guard: 'Breaker',
    file: `${LUA}/gate-1.lua`,
    edits: [
      {
        find: "redis.call('HSET', KEYS[1], 'trial', string.format('%.0f', now + tonumber(ARGV[1])))",
        replace: '',
      },
    ],
    caughtBy: [contract('after the wait one of many may try')],
  },
  {
    name: 'failed-trial-keeps-its-place',
    guard: 'Breaker',
    file: TRIP,
    edits: [{ find: "redis.call('HDEL', KEYS[1], 'trial')", replace: '' }],
    caughtBy: [contract('a trial that fails lets the next one try only after its own wait')],
  },
  {
    name: 'breaker-never-forgotten',
    guard: 'Breaker',
    file: TRIP,
    edits: [{ find: "redis.call('PEXPIRE', KEYS[1], ARGV[3])", replace: '' }],
    caughtBy: [contract('one that nobody tries is forgotten')],
  },
  {
    name: 'open-breaker-keeps-nobody-back',
    guard: 'Breaker',
    file: `${SRC}/flusher/flusher.ts`,
    edits: [
      {
        find: "if (pass.kind === 'OPEN') result.storeAway = pass.away;",
        replace: "if (pass.kind === 'OPEN') await work(result, limits);",
      },
    ],
    caughtBy: [storeAway('is tried by one flusher at a time')],
  },
  {
    name: 'lock-wait-opens-the-breaker',
    guard: 'Breaker',
    file: `${SRC}/flusher/breaker.ts`,
    edits: [
      {
        find: 'if (await this.#storeAnswers()) return null;',
        replace: '',
      },
    ],
    caughtBy: [storeAway('does not keep others from it because one transaction waits for a lock')],
  },
  {
    name: 'waits-for-the-word-of-one-that-is-cut-off',
    guard: 'Breaker',
    file: `${SRC}/flusher/breaker.ts`,
    edits: [
      { find: ' && (await this.#storeAnswers())) {', replace: ' && (await Promise.resolve(false))) {' },
    ],
    caughtBy: [storeAway('that one process alone cannot reach')],
  },
];

const fullQueueMutations: readonly Mutation[] = [
  {
    name: 'nobody-helps',
    guard: 'A full queue is drained by who finds it so',
    file: UPDATER,
    edits: [{ find: "if (this.#settings.whenFull === 'reject' ||", replace: 'if (true ||' }],
    caughtBy: [degradedApi('with QUEUE_WHEN_FULL=help the caller stores a batch first')],
  },
  {
    name: 'room-at-no-known-time',
    guard: 'A full queue says when there is room',
    file: UPDATER,
    edits: [{ find: 'pace && Math.ceil((1000 * ROOM * limit) / pace)', replace: 'pace && undefined' }],
    caughtBy: [degradedApi('says when there is room again, from how fast it was drained')],
  },
];

export const outageMutations: readonly Mutation[] = [
  ...lossMutations,
  ...breakerMutations,
  ...fullQueueMutations,
];
