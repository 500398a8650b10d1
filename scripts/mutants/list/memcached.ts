/** What keeps memcached from ever deciding anything. */
import type { Mutation } from '../mutation.ts';
import { copies, memcachedSteps } from './tests.ts';

const BUFFER = 'packages/write-behind/src/buffer';
const VERSION = 'A copy counts under its version';
const LIMITS = 'memcached is a cache';

export const memcachedMutations: readonly Mutation[] = [
  {
    name: 'any-copy-counts',
    guard: VERSION,
    file: `${BUFFER}/memcached-copy.ts`,
    edits: [
      {
        find: 'if (!copy.startsWith(`${tag} {`)) return undefined;',
        replace: "if (!copy.includes(' {')) return undefined; tag = copy.slice(0, copy.indexOf(' '));",
      },
    ],
    caughtBy: [copies('back with what it had before')],
  },
  {
    name: 'stamp-of-the-token',
    guard: VERSION,
    file: `${BUFFER}/memcached-buffer.ts`,
    edits: [{ find: 'const stamp = this.#options.uniqueName();', replace: 'const stamp = token;' }],
    caughtBy: [copies('what a fill left that was refused')],
  },
  {
    name: 'base-of-any-version',
    guard: VERSION,
    file: `${BUFFER}/lua/update-n.lua`,
    edits: [{ find: 'elsewhere and claimed ~= version and (', replace: 'elsewhere and not claimed and (' }],
    caughtBy: [memcachedSteps('an update of a clean value')],
  },
  {
    name: 'stripped-whatever-it-is-now',
    guard: VERSION,
    file: `${BUFFER}/lua/strip-n.lua`,
    edits: [
      { find: 'state[1] == ARGV[i + 1] and not (state[2] or state[3] or state[4])', replace: 'state[1]' },
    ],
    caughtBy: [memcachedSteps('an ack'), copies('what was loaded anew')],
  },
  {
    name: 'version-without-value-stays',
    guard: VERSION,
    file: `${BUFFER}/valkey-buffer.ts`,
    edits: [{ find: '    await this.drop(id, version);\n', replace: '' }],
    caughtBy: [copies('restarted empty')],
  },
  {
    name: 'named-though-not-taken',
    guard: LIMITS,
    file: `${BUFFER}/memcached-buffer.ts`,
    edits: [{ find: 'const content = isKept\n', replace: 'const content = isKept || true\n' }],
    caughtBy: [copies('a value that is too large')],
  },
  {
    name: 'kept-for-the-whole-ttl',
    guard: LIMITS,
    file: `${BUFFER}/memcached-buffer.ts`,
    edits: [{ find: 'Math.min(options.cacheTtlMs, KEPT_MS)', replace: 'options.cacheTtlMs' }],
    caughtBy: [copies('a value that is too large')],
  },
  {
    name: 'ack-fails-with-its-copies',
    guard: LIMITS,
    file: `${BUFFER}/memcached-buffer.ts`,
    edits: [{ find: '    } catch {\n', replace: '    } catch (error) {\n      throw error;\n' }],
    caughtBy: [copies('one that was carried out is not called failed')],
  },
  {
    name: 'asked-again-at-once',
    guard: LIMITS,
    file: `${BUFFER}/memcached-client.ts`,
    edits: [{ find: 'this.#pausedUntilMs = performance.now() + PAUSE_MS;', replace: '' }],
    caughtBy: [copies('reads, updates and acks go on')],
  },
  {
    name: 'waited-for-as-for-a-server',
    guard: LIMITS,
    file: `${BUFFER}/memcached-client.ts`,
    edits: [{ find: 'const ANSWER_MS = 200;', replace: 'const ANSWER_MS = 5000;' }],
    caughtBy: [copies('reads, updates and acks go on')],
  },
];
