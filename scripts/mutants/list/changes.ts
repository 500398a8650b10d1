/** What holds while partitions, slots or formats change, and while what is cached is compared. */
import type { Mutation } from '../mutation.ts';
import { commit, confirmer, contract, repartition, repartitionEdges, repartitionLosses } from './tests.ts';
import { observing, slots, synced } from './tests.ts';

const SRC = 'packages/write-behind/src';
const LUA = `${SRC}/buffer/lua`;
const ACK = `${LUA}/ack-4.lua`;
const FENCE = `${LUA}/includes/fence.lua`;
const COMMIT = `${SRC}/flusher/commit-batch.ts`;
const DROP = `${LUA}/drop-3.lua`;
const SYNCED = `${SRC}/buffer/valkey-synced.ts`;

const fenceMutations: readonly Mutation[] = [
  {
    name: 'fence-not-asked-by-update',
    guard: 'Partition fence',
    file: `${LUA}/update-n.lua`,
    edits: [{ find: "if not isOpen then return 'UNFENCED' end", replace: '' }],
    caughtBy: [contract('another number is refused by name, for updates and for loads')],
  },
  {
    name: 'fence-not-asked-by-seize',
    guard: 'Partition fence',
    file: `${LUA}/seize-3.lua`,
    edits: [{ find: 'local fenced = isFenced(fence, ARGV[3], server)', replace: 'local fenced = true' }],
    caughtBy: [contract('6 nobody is given a lease by seizing, but what is cached goes')],
  },
  {
    name: 'fence-not-asked-by-lease',
    guard: 'Partition fence',
    file: `${LUA}/lease-4.lua`,
    edits: [
      {
        find: "if not isFenced(redis.call('HGET', KEYS[4], 'p'), ARGV[4], server) then return { 'UNFENCED' } end",
        replace: '',
      },
    ],
    caughtBy: [contract('another number is refused by name, for updates and for loads')],
  },
  {
    name: 'fence-open-on-any-server',
    guard: 'Partition fence',
    file: FENCE,
    edits: [
      {
        find: "return fence == partitions .. ' ' .. server",
        replace: "return string.match(fence or '', '^%d+') == partitions",
      },
    ],
    caughtBy: [contract('the store is asked again')],
  },
  {
    name: 'fence-open-for-any-number',
    guard: 'Partition fence',
    file: FENCE,
    edits: [
      {
        find: "return fence == partitions .. ' ' .. server",
        replace: "return string.match(fence or '', '%x+$') == server",
      },
    ],
    caughtBy: [contract('the store is asked again')],
  },
  {
    name: 'fill-while-the-partitions-are-shut',
    guard: 'Partition fence',
    file: `${LUA}/fill-4.lua`,
    edits: [{ find: "if not known[4] then return { 'RETRY' } end", replace: '' }],
    caughtBy: [repartitionLosses('6 a loader whose lease is of before')],
  },
  {
    name: 'change-hides-what-valkey-lost',
    guard: 'Losses are noticed',
    file: `${LUA}/seal-2.lua`,
    edits: [
      {
        find: "if known[3] == server then\n  redis.call('HSET', KEYS[1], 'e', ARGV[1],",
        replace: "if server then\n  redis.call('HSET', KEYS[1], 'e', ARGV[1], 'r', server,",
      },
    ],
    caughtBy: [repartitionLosses(' is named')],
  },
  {
    name: 'change-hides-what-mysql-lost',
    guard: 'Losses are noticed',
    file: `${SRC}/repartition/repartition.ts`,
    edits: [{ find: 'await ports.noticeLosses();', replace: '' }],
    caughtBy: [repartitionLosses('3 what MySQL lost before it is named')],
  },
  {
    name: 'overtaken-answer-opens-the-fence',
    guard: 'Partition fence',
    file: `${LUA}/fence-1.lua`,
    edits: [
      {
        find: "if asked and asked == ARGV[3] and string.match(asked, '%x+$') == server then",
        replace: "if ARGV[3] ~= '' then",
      },
    ],
    caughtBy: [contract('an answer of the store that a change has overtaken opens nothing')],
  },
  {
    name: 'watermark-locked-by-an-old-number',
    guard: 'Partition fence',
    file: `${SRC}/store/mysql/mysql-transaction.ts`,
    edits: [{ find: 'if (row.partitions !== this.#partitions) {', replace: 'if (row.partitions === 0) {' }],
    caughtBy: [repartitionEdges('a flusher with an old batch stores nothing of it')],
  },
  {
    name: 'change-begins-no-epoch',
    guard: 'Partition fence',
    file: `${LUA}/seal-2.lua`,
    edits: [
      {
        find: "redis.call('HSET', KEYS[1], 'e', ARGV[1], 's',",
        replace: "redis.call('HSET', KEYS[1], 'e', redis.call('HGET', KEYS[1], 'e') or ARGV[1], 's',",
      },
    ],
    caughtBy: [repartition('each acknowledged update is stored once and in order')],
  },
];

const formatMutations: readonly Mutation[] = [
  {
    name: 'newer-items-are-parked',
    guard: 'Items of a newer format wait',
    file: `${SRC}/item.ts`,
    edits: [{ find: 'if (format > ITEM_FORMAT) {', replace: 'if (format > Infinity) {' }],
    caughtBy: [commit('what newer code wrote stops the partition by name')],
  },
  {
    name: 'newer-items-are-passed',
    guard: 'Items of a newer format wait',
    file: COMMIT,
    edits: [{ find: 'else if (known.length > 0) break;', replace: 'else if (known.length > 0) continue;' }],
    caughtBy: [commit('what newer code wrote stops the partition by name')],
  },
  {
    name: 'newer-items-stop-nothing',
    guard: 'Items of a newer format wait',
    file: COMMIT,
    edits: [
      { find: 'else throw new NewerFormatError(item.format, ITEM_FORMAT, { partition });', replace: '' },
    ],
    caughtBy: [commit('what newer code wrote stops the partition by name')],
  },
  {
    name: 'ack-of-one-format-only',
    guard: 'An ack names (epoch, seq)',
    file: ACK,
    edits: [{ find: "'^%[%d+,", replace: "'^%[1," }],
    caughtBy: [contract('drops items of every format by their position')],
  },
  {
    name: 'trace-is-part-of-the-request',
    guard: 'Idempotency key',
    file: `${SRC}/buffer/update-script.ts`,
    edits: [
      {
        find: 'const { id, tail, idempotencyKey }',
        replace: 'const { id, trace, idempotencyKey }',
      },
      { find: '.update(tail)', replace: ".update(alone.request.tail + (trace ?? ''))" },
    ],
    caughtBy: [contract('the same request in another trace is the same request')],
  },
  {
    name: 'trace-written-in-format-1',
    guard: 'An item says its format',
    file: `${LUA}/update-n.lua`,
    edits: [{ find: 'if string.byte(tail) ~= 34 then', replace: 'if false then' }],
    caughtBy: [contract('each is written in the oldest format that holds all of it')],
  },
];

const observerMutations: readonly Mutation[] = [
  {
    name: 'observer-that-throws',
    guard: 'Who watches harms nothing',
    file: `${SRC}/observer.ts`,
    edits: [{ find: '    failed(error);\n', replace: '    throw error;\n' }],
    caughtBy: [observing('that throws is logged and changes nothing')],
  },
  {
    name: 'observer-that-rejects',
    guard: 'Who watches harms nothing',
    file: `${SRC}/observer.ts`,
    edits: [{ find: 'if (result instanceof Promise) result.catch(failed);', replace: '' }],
    caughtBy: [observing('that rejects is logged and changes nothing')],
  },
];

const dropMutations: readonly Mutation[] = [
  {
    name: 'drop-of-a-newer-value',
    guard: 'Only what was compared is dropped',
    file: DROP,
    edits: [{ find: 'if version ~= ARGV[2] or dirty', replace: 'if dirty' }],
    caughtBy: [contract('is dropped at the version that was compared, and only there')],
  },
  {
    name: 'drop-of-a-dirty-value',
    guard: 'Only what was compared is dropped',
    file: DROP,
    edits: [{ find: ' or dirty or', replace: ' or' }],
    caughtBy: [contract('not while dirty, even if the pending index says nothing of it')],
  },
  {
    name: 'drop-while-updates-wait',
    guard: 'Only what was compared is dropped',
    file: DROP,
    edits: [{ find: " or redis.call('HGET', KEYS[2], ARGV[1]) then", replace: ' then' }],
    caughtBy: [contract('not while the pending index says that updates wait')],
  },
  {
    name: 'drop-leaves-the-lease',
    guard: 'Fill lease',
    file: DROP,
    edits: [{ find: "redis.call('DEL', KEYS[1], KEYS[3])", replace: "redis.call('DEL', KEYS[1])" }],
    caughtBy: [contract('a lease beside the value is broken')],
  },
];

const slotMutations: readonly Mutation[] = [
  {
    name: 'content-deleted-before-it-is-written',
    guard: 'Scripts on a moving slot are carried out whole',
    file: `${LUA}/includes/entity.lua`,
    edits: [
      {
        find: "redis.call('HSET', key, unpack(ARGV, first, #ARGV))",
        replace: "redis.call('DEL', key)\n  redis.call('HSET', key, unpack(ARGV, first, #ARGV))",
      },
    ],
    caughtBy: [slots('6 a fill over a value of before')],
  },
  {
    name: 'answers-trimmed-before-one-is-kept',
    guard: 'Scripts on a moving slot are carried out whole',
    file: `${LUA}/includes/answers.lua`,
    edits: [
      {
        find: "  redis.call('HSET', once, key, answer)\n",
        replace:
          '  if #expired > 0 then\n' +
          "    redis.call('LTRIM', order, #expired, -1)\n" +
          "    redis.call('HDEL', once, unpack(expired))\n" +
          '    expired = {}\n' +
          '  end\n' +
          "  redis.call('HSET', once, key, answer)\n",
      },
    ],
    caughtBy: [slots('1 an update of a value that is replaced is accepted whole')],
  },
  {
    name: 'ack-writes-before-it-has-read-all',
    guard: 'Scripts on a moving slot are carried out whole',
    file: ACK,
    edits: [
      {
        find: 'local states, forgotten = {}, {}\n',
        replace:
          "if dropped > 0 then redis.call('LTRIM', KEYS[1], dropped, -1); dropped = 0 end\n" +
          'local states, forgotten = {}, {}\n',
      },
    ],
    caughtBy: [slots('5 and 7 an ack of which one entity has gone ahead changes nothing')],
  },
  {
    name: 'ack-passes-what-has-gone-ahead',
    guard: 'Scripts on a moving slot are carried out whole',
    file: ACK,
    edits: [
      {
        find: "if state.err and not string.match(state.err, 'WRONGTYPE') then return state end",
        replace: '',
      },
    ],
    caughtBy: [slots('5 and 7 an ack of which one entity has gone ahead changes nothing')],
  },
];

const durabilityMutations: readonly Mutation[] = [
  {
    name: 'aof-before-the-next-sync',
    guard: 'Durability waits for the second copy',
    file: SYNCED,
    edits: [{ find: 'this.#writtenMs + NEXT_SYNC_MS - nowMs', replace: 'this.#writtenMs - nowMs' }],
    caughtBy: [synced('3 the next sync is waited for')],
  },
  {
    name: 'aof-after-one-quiet-look',
    guard: 'Durability waits for the second copy',
    file: SYNCED,
    edits: [{ find: 'wasQuiet && this.#isQuiet', replace: '(wasQuiet || this.#isQuiet)' }],
    caughtBy: [synced('3 the next sync is waited for')],
  },
  {
    name: 'aof-after-a-sync-that-failed',
    guard: 'Durability waits for the second copy',
    file: SYNCED,
    edits: [{ find: "fieldOf(info, 'aof_last_write_status') === 'ok' &&", replace: '' }],
    caughtBy: [synced('3 a sync under way, or one that failed')],
  },
  {
    name: 'aof-after-a-sync-put-off',
    guard: 'Durability waits for the second copy',
    file: SYNCED,
    edits: [{ find: 'if (delayed !== this.#delayed) {', replace: 'if (this.#delayed === undefined) {' }],
    caughtBy: [synced('3 a write that was forced past a slow sync')],
  },
  {
    name: 'aof-as-soon-as-it-is-written',
    guard: 'Durability waits for the second copy',
    file: `${SRC}/buffer/valkey-confirmer.ts`,
    edits: [{ find: "level === 'aof' ? asked.then(", replace: 'level === null ? asked.then(' }],
    caughtBy: [confirmer('3 a file that is synced each second counts only after its next sync')],
  },
];

export const changeMutations: readonly Mutation[] = [
  ...fenceMutations,
  ...formatMutations,
  ...observerMutations,
  ...dropMutations,
  ...slotMutations,
  ...durabilityMutations,
];
