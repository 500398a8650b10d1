/** What each pattern leaves when a process dies at a line, and when a server is away: docs/PATTERNS.md, line by line. */
import {
  BufferFullError,
  BufferUnavailableError,
  parseSettings,
  StoreUnavailableError,
} from '@afterwrite/write-behind';
import type { StorePort } from '@afterwrite/write-behind/internal';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { replacing } from '../../../tests/support/decorate.ts';
import { startTcpProxy } from '../../../tests/support/tcp-proxy.ts';
import {
  makePatternWorld,
  type Pattern,
  PATTERNS,
  type PatternWorld,
  timesOf,
} from '../testing/pattern-world.ts';
import { Actor } from '../testing/turns.ts';
import type { CommitReply } from './commit-update.ts';

const BY = { user: 'test' };
const OLD = timesOf(1);
const NEW = timesOf(2);
const CACHE_TTL_MS = 60_000;
const WRITER = {
  'cache-aside': ['begin', 'commit', 'invalidate'],
  'write-through': ['begin', 'seize', 'commit', 'load', 'fill'],
};

let place: PatternWorld;
let nextFlight = 1;
beforeAll(async () => {
  place = await makePatternWorld({ environment: { CACHE_TTL: String(CACHE_TTL_MS / 1000) } });
});
afterAll(() => place.dispose());

/** A flight of its own, stored and cached at OLD. */
async function cachedFlight(pattern: Pattern): Promise<number> {
  const flight = nextFlight++;
  const cache = place.over(pattern);
  await cache.update(flight, OLD, BY);
  await cache.get(flight);
  return flight;
}

/** A writer that has taken all its steps before this one, and then died. */
async function dyingBefore(step: string, pattern: Pattern, flight: number, meanwhile?: () => Promise<void>) {
  const actor = new Actor({ locked: false }, place.ports[pattern]);
  await actor.start(() => place.over(pattern, actor.ports).update(flight, NEW, BY));
  await actor.stepUntil(step);
  await meanwhile?.();
  actor.die();
  await actor.finish();
}

const read = async (pattern: Pattern, flight: number) =>
  (await place.over(pattern).get(flight)).value.departure;

async function expectOldUntilItExpires(pattern: Pattern, flight: number, old = OLD): Promise<void> {
  expect(await place.departureOf(flight)).toBe(NEW.departure);
  const ttlMs = await place.ttlMs(pattern, flight);
  expect(ttlMs).toBeGreaterThan(0);
  expect(ttlMs).toBeLessThanOrEqual(CACHE_TTL_MS);
  expect(await place.ports[pattern].buffer.read(String(flight))).toMatchObject({ value: old });
  await place.expire(pattern, flight);
  expect(await read(pattern, flight)).toBe(NEW.departure);
}

describe.each(PATTERNS)('6 %s, a writer that dies', (pattern) => {
  test.each(WRITER[pattern])('before %s', async (step) => {
    const flight = await cachedFlight(pattern);
    await dyingBefore(step, pattern, flight);
    const steps = WRITER[pattern];
    const isCommitted = steps.indexOf(step) > steps.indexOf('commit');
    const stored = isCommitted ? NEW : OLD;
    expect(await place.departureOf(flight)).toBe(stored.departure);
    expect(await place.trailOf(flight)).toHaveLength(isCommitted ? 2 : 1);
    if (pattern === 'cache-aside' && isCommitted) {
      await expectOldUntilItExpires(pattern, flight);
      return;
    }
    // At once, or when the lease of the dead has ended; never the old value.
    await place.endLease(pattern, flight);
    expect(await read(pattern, flight)).toBe(stored.departure);
  });

  test('after its commit, while a reader holds the old row', async () => {
    const flight = await cachedFlight(pattern);
    await place.ports[pattern].buffer.invalidate(String(flight));
    const reader = new Actor({ locked: false }, place.ports[pattern]);
    await reader.start(() => place.over(pattern, reader.ports).get(flight));
    await reader.stepUntil('fill');
    await dyingBefore(pattern === 'cache-aside' ? 'invalidate' : 'load', pattern, flight);
    await reader.step();
    await place.endLease(pattern, flight);
    await reader.finish();
    if (pattern === 'cache-aside') {
      await expectOldUntilItExpires(pattern, flight);
      return;
    }
    expect(await read(pattern, flight)).toBe(NEW.departure);
  });
});

describe('6 write-through, two writers, of which the second dies after its commit', () => {
  const pattern = 'write-through';
  const EARLIER = timesOf(3);

  async function twoWriters(flight: number) {
    const table = { locked: false };
    const earlier = new Actor(table, place.ports[pattern]);
    const dying = new Actor(table, place.ports[pattern]);
    await earlier.start(() => place.over(pattern, earlier.ports).update(flight, EARLIER, BY));
    await dying.start(() => place.over(pattern, dying.ports).update(flight, NEW, BY));
    await earlier.stepUntil('commit');
    return { earlier, dying };
  }

  async function dieAfterCommit(dying: Actor) {
    await dying.stepUntil('load');
    dying.die();
    await dying.finish();
  }

  test('it seizes under the lock, so that nothing old is left of the first, nor of a reader of it', async () => {
    const flight = await cachedFlight(pattern);
    const { earlier, dying } = await twoWriters(flight);
    // Would be its turn now, if it did not wait for the lock.
    await dying.step();
    await earlier.finish();
    expect(await read(pattern, flight)).toBe(EARLIER.departure);
    await dieAfterCommit(dying);
    await place.endLease(pattern, flight);
    expect(await read(pattern, flight)).toBe(NEW.departure);
  });

  test('the gap: the first finds its lease taken and drops the value, and with it the lease of the second', async () => {
    const flight = await cachedFlight(pattern);
    const { earlier, dying } = await twoWriters(flight);
    await earlier.stepUntil('fill');
    await dying.stepUntil('commit');
    await earlier.finish();
    expect(await read(pattern, flight)).toBe(EARLIER.departure);
    await dieAfterCommit(dying);
    await expectOldUntilItExpires(pattern, flight, EARLIER);
  });
});

describe('6 write-through, a lease that ended before the commit', () => {
  const pattern = 'write-through';

  /** A writer just before its commit, while the old row was cached. */
  async function lateWriter(flight: number) {
    const writer = new Actor({ locked: false }, place.ports[pattern]);
    const updated = Promise.withResolvers<unknown>();
    await writer.start(async () => {
      updated.resolve(await place.over(pattern, writer.ports).update(flight, NEW, BY));
    });
    await writer.stepUntil('commit');
    await place.endLease(pattern, flight);
    expect(await read(pattern, flight)).toBe(OLD.departure);
    return { writer, updated: updated.promise };
  }

  test('is noticed: what is cached is dropped', async () => {
    const flight = await cachedFlight(pattern);
    const { writer, updated } = await lateWriter(flight);
    await writer.finish();
    expect(await updated).toMatchObject({ cache: 'DROPPED' });
    expect(await read(pattern, flight)).toBe(NEW.departure);
  });

  test('the gap: the old value stays until it expires if the writer dies', async () => {
    const flight = await cachedFlight(pattern);
    const { writer } = await lateWriter(flight);
    await writer.step();
    writer.die();
    await writer.finish();
    await expectOldUntilItExpires(pattern, flight);
  });
});

/** A store that loses the reply to the first COMMIT of something written, which then waits on its way. */
function commitLost(real: StorePort) {
  const arrives = Promise.withResolvers<undefined>();
  onTestFinished(() => arrives.resolve(undefined));
  let late: Promise<unknown> = Promise.resolve();
  const transaction: StorePort['transaction'] = async (work) => {
    const sent = Promise.withResolvers<boolean>();
    const running = real.transaction(async (open) => {
      const result = await work(open);
      const isWritten = (result as CommitReply).kind === 'COMMITTED';
      sent.resolve(isWritten);
      if (isWritten) await arrives.promise;
      return result;
    });
    late = running;
    if (!(await sent.promise)) return await running;
    throw new StoreUnavailableError('the connection was lost');
  };
  return {
    store: replacing(real, { transaction }),
    late: () => late,
    arrive: () => arrives.resolve(undefined),
  };
}

describe.each(PATTERNS)('%s, a COMMIT whose reply is lost', (pattern) => {
  test.each([
    { where: 'a partition in use', isShut: false },
    { where: 'a partition that was not used since Valkey was started', isShut: true },
  ])('is outcome unknown; nobody caches the row while the commit may arrive: $where', async ({ isShut }) => {
    const flight = await cachedFlight(pattern);
    if (isShut) await place.shut(pattern, flight);
    const { store, late, arrive } = commitLost(place.ports[pattern].store);
    const cache = place.over(pattern, { store });
    const update = cache.update(flight, NEW, BY);
    await expect(update).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', retryable: true });
    await expect(update).rejects.toThrow('Read the row or its audit trail');
    const reader = new Actor({ locked: false }, place.ports[pattern]);
    await reader.start(() => place.over(pattern, reader.ports).get(flight));
    // Read, lease; it is somebody else's, so lease again.
    for (let step = 0; step < 3; step++) await reader.step();
    expect(reader.next).toBe('lease');
    arrive();
    await late();
    await place.endLease(pattern, flight);
    await reader.finish();
    expect(await read(pattern, flight)).toBe(NEW.departure);
  });
});

describe.each(PATTERNS)('%s, a server that is away', (pattern) => {
  /** A cache whose two servers can be cut off. */
  async function behindProxies() {
    const valkey = await startTcpProxy(inject('valkey'));
    const mysql = await startTcpProxy(inject('mysql'));
    onTestFinished(() => Promise.all([valkey.close(), mysql.close()]).then(() => undefined));
    const limits = {
      CACHE_CONNECT_TIMEOUT_MS: '200',
      CACHE_COMMAND_TIMEOUT_MS: '300',
      DB_CONNECT_TIMEOUT_MS: '300',
    };
    const ways = { CACHE_PORT: String(valkey.port), DB_PORT: String(mysql.port) };
    const { cache } = await place.connect(
      pattern,
      parseSettings({ ...place.world.environment, ...limits, ...ways }),
    );
    return { cache, valkey, mysql };
  }

  test('Valkey, before the update', async () => {
    const flight = await cachedFlight(pattern);
    const { cache, valkey } = await behindProxies();
    await valkey.set({ newcomers: 'REFUSE' });
    valkey.cutAll();
    const update = cache.update(flight, NEW, BY);
    if (pattern === 'write-through') {
      await expect(update).rejects.toMatchObject({ code: 'BUFFER_UNAVAILABLE', retryable: true });
      expect(await place.departureOf(flight)).toBe(OLD.departure);
      expect(await place.trailOf(flight)).toHaveLength(1);
      return;
    }
    expect(await update).toMatchObject({ cache: 'NOT_TOLD', durability: 'stored' });
    expect(await cache.get(flight)).toMatchObject({ source: 'CACHE_BYPASS', value: NEW });
    await expectOldUntilItExpires(pattern, flight);
  });

  test('Valkey, from the commit on', async () => {
    const flight = await cachedFlight(pattern);
    const away = () => Promise.reject(new BufferUnavailableError('away'));
    const buffer = replacing(place.ports[pattern].buffer, { fill: away, invalidate: away });
    const updated = await place.over(pattern, { buffer }).update(flight, NEW, BY);
    expect(updated).toMatchObject({ cache: 'NOT_TOLD', durability: 'stored' });
    if (pattern === 'cache-aside') {
      await expectOldUntilItExpires(pattern, flight);
      return;
    }
    await place.endLease(pattern, flight);
    expect(await read(pattern, flight)).toBe(NEW.departure);
  });

  test('Valkey at its memory limit: the write is stored, and nothing is cached', async () => {
    const flight = await cachedFlight(pattern);
    const full = () => Promise.reject(new BufferFullError(undefined));
    const buffer = replacing(place.ports[pattern].buffer, { fill: full, lease: full });
    const updated = await place.over(pattern, { buffer }).update(flight, NEW, BY);
    expect(updated).toMatchObject({ cache: 'DROPPED', durability: 'stored' });
    expect(await read(pattern, flight)).toBe(NEW.departure);
  });

  test('Valkey, for the reply to its first step only: nothing is written', async () => {
    if (pattern === 'cache-aside') return;
    const flight = await cachedFlight(pattern);
    const { cache, valkey } = await behindProxies();
    await cache.get(flight);
    await valkey.set({ replies: 'CUT' });
    const update = cache.update(flight, NEW, BY);
    await expect(update).rejects.toMatchObject({ code: 'BUFFER_UNAVAILABLE' });
    expect(await place.trailOf(flight)).toHaveLength(1);
    await place.endLease(pattern, flight);
    expect(await read(pattern, flight)).toBe(OLD.departure);
  });

  test('MySQL: updates and misses fail, hits are served, and nothing is cached or written', async () => {
    const flight = await cachedFlight(pattern);
    const { cache, mysql } = await behindProxies();
    await mysql.set({ newcomers: 'REFUSE' });
    mysql.cutAll();
    const failure = { code: 'STORE_UNAVAILABLE', retryable: true };
    await place.over(pattern).get(flight);
    await expect(cache.update(flight, NEW, BY)).rejects.toMatchObject(failure);
    expect(await cache.get(flight)).toMatchObject({ source: 'CACHE_HIT', value: OLD });
    await expect(cache.get(49)).rejects.toMatchObject(failure);
    expect(await place.ports[pattern].buffer.read('49')).toBeUndefined();
    expect(await place.trailOf(flight)).toHaveLength(1);
  });
});
