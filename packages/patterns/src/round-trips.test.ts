/** What a write costs in each pattern, in counts that do not depend on the machine: docs/PATTERNS.md has them. */
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { parseSettings } from '@afterwrite/write-behind';
import { commandCounter } from '../../../tests/support/resp-commands.ts';
import { startTcpProxy } from '../../../tests/support/tcp-proxy.ts';
import { silentLogger } from '../../../tests/support/world.ts';
import { makePatternWorld, type PatternWorld, timesOf } from '../testing/pattern-world.ts';
import { openCacheAsideFlights, openWriteThroughFlights } from './index.ts';

const COM_QUERY = 3;

let place: PatternWorld;
beforeAll(async () => {
  place = await makePatternWorld();
});
afterAll(() => place.dispose());

/** The environment by which a cache is reached through proxies that see what it sends. */
async function watched() {
  let sent: string[] = [];
  const valkey = await startTcpProxy(inject('valkey'), {
    watch: () => commandCounter((name) => sent.push(name.toLowerCase())),
  });
  const mysql = await startTcpProxy(inject('mysql'), {
    // Statements of ours are short and sent one at a time: one piece each.
    watch: () => (bytes) =>
      bytes[4] === COM_QUERY && sent.push(/[A-Z]+/i.exec(bytes.toString('latin1', 5))![0]),
  });
  onTestFinished(() => Promise.all([valkey.close(), mysql.close()]).then(() => undefined));
  return {
    ways: { CACHE_PORT: String(valkey.port), DB_PORT: String(mysql.port) },
    /** What was sent during the call. */
    during: async (call: () => Promise<unknown>) => {
      sent = [];
      await call();
      return sent;
    },
  };
}

const BY = { user: 'test' };
const TRANSACTION = ['START', 'SELECT', 'INSERT', 'UPDATE', 'COMMIT'];

test.each([
  { pattern: 'cache-aside', open: openCacheAsideFlights, expected: [...TRANSACTION, 'evalsha'] },
  {
    pattern: 'write-through',
    open: openWriteThroughFlights,
    expected: [...TRANSACTION.toSpliced(2, 0, 'evalsha'), 'SELECT', 'evalsha'],
  },
])('$pattern: one commit an update', async ({ open, expected }) => {
  const { ways, during } = await watched();
  const cache = await open(parseSettings({ ...place.world.environment, ...ways }), { logger: silentLogger });
  onTestFinished(() => cache.close());
  // Connections are set up, and scripts loaded.
  await cache.get(7);
  await cache.update(7, timesOf(1), BY);
  await cache.get(7);
  expect(await during(() => cache.update(7, timesOf(2), BY))).toEqual(expected);
  expect(await during(() => cache.update(7, timesOf(3), BY))).toEqual(expected);
  await cache.get(7);
  expect(await during(() => cache.get(7))).toEqual(['hgetall']);
});

test('write-behind: one round trip an update, and one commit for as many as a batch holds', async () => {
  const { ways, during } = await watched();
  const cache = await place.world.open({ ...ways, QUEUE_PARTITIONS: '1' });
  await cache.update(7, timesOf(1), BY);
  await cache.flushQueue();
  expect(await during(() => cache.update(7, timesOf(2), BY))).toEqual(['evalsha']);
  await cache.flushQueue();
  for (let id = 1; id <= 40; id++) await cache.update(id, timesOf(id), BY);
  const flush = await during(() => cache.flushQueue());
  expect(flush.filter((command) => command === 'COMMIT')).toHaveLength(1);
});
