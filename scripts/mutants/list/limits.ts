/** What is refused and what never is, and that nothing is sent twice. */
import type { Mutation } from '../mutation.ts';
import { cacheBehaviour, connection, contract, memoryLimit } from './tests.ts';

const LUA = 'packages/write-behind/src/buffer/lua';
const UPDATE = `${LUA}/update-n.lua`;
const CLIENT = 'packages/write-behind/src/buffer/valkey-client.ts';

export const limitMutations: readonly Mutation[] = [
  {
    name: 'no-queue-limit',
    guard: 'Queue limit',
    file: UPDATE,
    edits: [{ find: 'if length >= most then', replace: 'if false then' }],
    caughtBy: [
      contract('the queue takes exactly its limit'),
      contract('the limit of the queue is not passed by those that come together'),
    ],
  },
  {
    name: 'answer-not-kept',
    guard: 'Idempotency key',
    file: UPDATE,
    edits: [{ find: 'if onceKey then keepAnswer(', replace: 'if false then keepAnswer(' }],
    caughtBy: [contract('the same request is answered again and queued once')],
  },
  {
    name: 'answer-not-looked-up',
    guard: 'Idempotency key',
    file: UPDATE,
    edits: [{ find: 'if answered then', replace: 'if false then' }],
    caughtBy: [contract('the same request is answered again and queued once')],
  },
  {
    name: 'answer-for-another-request',
    guard: 'Idempotency key',
    file: `${LUA}/includes/answers.lua`,
    edits: [{ find: "if known ~= digest then return 'REUSED' end", replace: '' }],
    caughtBy: [contract('another request under the same key is refused')],
  },
  {
    name: 'a-key-is-read-after-the-first-write',
    guard: 'Update reads every key before it writes',
    file: UPDATE,
    edits: [
      {
        find: "local lease = call('GET', leaseKey)",
        replace:
          "local lease = redis.pcall('GET', leaseKey)\nif type(lease) == 'table' then lease = false end",
      },
    ],
    caughtBy: [contract('refused by name, and nothing is written')],
  },
  {
    name: 'ack-refused-at-the-memory-limit',
    guard: 'Draining works at the memory limit',
    file: `${LUA}/ack-4.lua`,
    edits: [{ find: '#!lua flags=allow-oom', replace: '#!lua' }],
    caughtBy: [memoryLimit('9 nothing that draining needs is refused')],
  },
  {
    name: 'peek-refused-at-the-memory-limit',
    guard: 'Draining works at the memory limit',
    file: `${LUA}/peek-1.lua`,
    edits: [{ find: '#!lua flags=no-writes,allow-oom', replace: '#!lua' }],
    caughtBy: [memoryLimit('9 nothing that draining needs is refused')],
  },
  {
    name: 'invalidate-refused-at-the-memory-limit',
    guard: 'Draining works at the memory limit',
    file: `${LUA}/invalidate-2.lua`,
    edits: [{ find: '#!lua flags=allow-oom', replace: '#!lua' }],
    caughtBy: [memoryLimit('9 nothing that draining needs is refused')],
  },
  {
    name: 'an-entity-twice-in-one-script',
    guard: 'Update reads every key before it writes',
    file: 'packages/write-behind/src/buffer/update-script.ts',
    edits: [{ find: '!gathered.some((each) => each.request.id === request.id)', replace: 'true' }],
    caughtBy: [contract('of two with the same condition one holds')],
  },
  {
    name: 'a-foreign-key-fails-all-that-come-together',
    guard: 'Update reads every key before it writes',
    file: 'packages/write-behind/src/buffer/update-script.ts',
    edits: [{ find: 'error instanceof ForeignKeyTypeError && together.length > 1', replace: 'false' }],
    caughtBy: [contract('of updates of one moment only the one that meets it is refused')],
  },
  {
    name: 'update-passes-the-memory-limit',
    guard: 'Update is refused whole at the memory limit',
    file: UPDATE,
    edits: [{ find: '#!lua\n', replace: '#!lua flags=allow-oom\n' }],
    caughtBy: [memoryLimit('1 what adds data is refused whole')],
  },
  {
    name: 'update-without-a-shebang-line',
    guard: 'Update is refused whole at the memory limit',
    file: UPDATE,
    edits: [{ find: '#!lua\n', replace: '' }],
    caughtBy: [memoryLimit('1 what adds data is refused whole')],
  },
  {
    name: 'client-sends-again',
    guard: 'Nothing is sent twice',
    file: CLIENT,
    // Both: with either of them alone a command is still sent once.
    edits: [
      { find: 'autoResendUnfulfilledCommands: false', replace: 'autoResendUnfulfilledCommands: true' },
      { find: 'maxRetriesPerRequest: 0', replace: 'maxRetriesPerRequest: 20' },
    ],
    caughtBy: [connection('many updates in flight: each of them once')],
  },
  {
    name: 'cluster-client-sends-again',
    guard: 'Nothing is sent twice',
    file: CLIENT,
    edits: [{ find: 'retryDelayOnFailover: 0', replace: 'retryDelayOnFailover: 100' }],
    caughtBy: [connection('many updates in flight: each of them once')],
  },
  {
    name: 'lost-reply-sent-again-without-a-key',
    guard: 'Nothing is sent twice',
    file: 'packages/write-behind/src/cache/updater.ts',
    edits: [
      { find: 'if (request.idempotencyKey === undefined) return await buffer.update(request);', replace: '' },
    ],
    caughtBy: [cacheBehaviour('is outcome unknown without an idempotency key')],
  },
];
