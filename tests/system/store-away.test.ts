/** MySQL is away for long: flushers wait together and try one at a time, nothing is lost, the order is kept. */
import { crc32 } from 'node:zlib';
import type { FlightCache } from '@afterwrite/flights';
import {
  makeTemporaryDataDir,
  type RunningEngine,
  startEngine,
  type TemporaryDataDir,
} from '@afterwrite/local-engines';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { cleanVerdict, History } from '../support/history.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };
const FLUSHERS = 4;
const UPDATES = 600;
const FLIGHTS = 100;
/** No flusher waits longer. */
const MOST_MS = 400;

let folder: TemporaryDataDir;
let mysql: RunningEngine;
let world: World;

beforeEach(async () => {
  folder = makeTemporaryDataDir();
  mysql = await startEngine('mysql', { dataDir: folder.path });
  world = await makeWorld({
    flights: FLIGHTS,
    mysql: { host: mysql.host, port: mysql.port, user: mysql.user ?? '', password: mysql.password ?? '' },
    environment: {
      QUEUE_PARTITIONS: '4',
      DB_CONNECT_TIMEOUT_MS: '1000',
      QUEUE_RETRY_ATTEMPTS: '1',
      QUEUE_BREAKER_MAX_MS: String(MOST_MS),
    },
  });
});
afterEach(async () => {
  await world.dispose();
  await mysql.stop();
  await folder.remove();
});

async function accept(cache: FlightCache, history: History): Promise<void> {
  for (let index = 0; index < UPDATES; index++) {
    const departure = new Date(Date.UTC(2030, 0, 1) + index * 1000);
    const flightId = 1 + (index % FLIGHTS);
    const uid = `u${index}`;
    const arrival = new Date(departure.getTime() + 3_600_000);
    const result = await cache.updateFlightDeparture(flightId, {
      departure,
      arrival,
      user: 'test',
      comment: uid,
    });
    history.acknowledge(uid, flightId, departure.toISOString().slice(0, 19).replace('T', ' '), result);
  }
}

describe('10 a store that is away for long', () => {
  it('is tried by one flusher at a time, and drained in order at full speed once it is back', async () => {
    const history = new History();
    const caches = await Promise.all(Array.from({ length: FLUSHERS }, () => world.open()));
    const cache = caches[0]!;
    for (let id = 1; id <= FLIGHTS; id++) await cache.get(id);
    await mysql.kill();
    await accept(cache, history);

    // All of them find out; what one knows the others know.
    const first = await Promise.all(caches.map((each) => each.flushQueue()));
    for (const { storeAway, remaining } of first) {
      expect(storeAway?.failures).toBe(1);
      expect(remaining).toBe(UPDATES);
    }
    const { breaker } = await cache.queueStatus();
    expect(breaker).toMatchObject({ failures: 1, since: expect.any(String) as string });

    // While they wait nobody goes there: a call ends at once, having tried nothing.
    const waiting = await Promise.all(caches.map((each) => each.processQueue()));
    const isTrying = waiting.filter(({ stopped }) => stopped.length > 0);
    expect(isTrying.length).toBeLessThanOrEqual(1);
    // Each trial that fails is one failure, whoever made it.
    await vi.waitFor(
      async () => {
        for (const each of caches) await each.flushQueue();
        expect((await cache.queueStatus()).breaker.failures).toBeGreaterThanOrEqual(3);
      },
      { timeout: 20_000, interval: 20 },
    );

    mysql = await startEngine('mysql', { dataDir: folder.path, port: mysql.port });
    await vi.waitFor(
      async () => {
        const { remaining } = await cache.flushQueue();
        expect(remaining).toBe(0);
      },
      { timeout: 10 * MOST_MS, interval: 20 },
    );
    expect((await cache.queueStatus()).breaker.state).toBe('CLOSED');
    await world.reconnect();
    expect(await history.verdict(world)).toEqual(cleanVerdict(UPDATES));
  });

  it('does not keep others from it because one transaction waits for a lock', async () => {
    const cache = await world.open({ DB_LOCK_WAIT_SECONDS: '1', QUEUE_PARTITIONS: '4' });
    await cache.updateFlightDeparture(1, {
      departure: '2030-01-01T10:00:00Z',
      arrival: '2030-01-01T12:00:00Z',
      user: 'test',
    });
    await world.db.beginTransaction();
    await world.db.query('SELECT * FROM flight WHERE flight_id = 1 FOR UPDATE');
    const { stopped, storeAway } = await cache.flushQueue();
    await world.db.rollback();
    expect(stopped).toMatchObject([{ code: 'STORE_UNAVAILABLE', retryable: true }]);
    expect(storeAway).toBeNull();
    expect(await cache.flushQueue()).toMatchObject({ processed: 1, remaining: 0, stopped: [] });
  });

  it('that is away for one statement only keeps nobody from the others', async () => {
    const cache = await world.open({
      DB_LOCK_WAIT_SECONDS: '1',
      DB_STATEMENT_TIMEOUT_MS: '1200',
      QUEUE_FLUSH_CONCURRENCY: '2',
    });
    const ids = Array.from({ length: FLIGHTS }, (_, index) => index + 1);
    const [slow = 0] = ids.filter((id) => crc32(String(id)) % 4 === 0);
    const others = ids.filter((id) => crc32(String(id)) % 4 !== 0);
    await world.db.query(
      `CREATE TRIGGER slow BEFORE UPDATE ON flight FOR EACH ROW
       BEGIN DECLARE rest INT; IF NEW.flight_id = ${slow} THEN SET rest = SLEEP(1.5); END IF; END`,
    );
    await cache.updateFlightDeparture(slow, TIMES);
    expect(await cache.flushQueue()).toMatchObject({ processed: 0, storeAway: null });
    for (const id of others) await cache.updateFlightDeparture(id, TIMES);
    expect(await cache.flushQueue()).toMatchObject({
      processed: others.length,
      remaining: 1,
      storeAway: null,
    });
    await world.db.query('DROP TRIGGER slow');
    await vi.waitFor(async () => expect(await cache.flushQueue()).toMatchObject({ remaining: 0 }), {
      timeout: 10_000,
    });
  });

  it('that one process alone cannot reach does not keep the others from it', async () => {
    const proxy = await startTcpProxy({ host: mysql.host, port: mysql.port });
    onTestFinished(() => proxy.close());
    const good = await world.open();
    const bad = await world.open({ DB_PORT: String(proxy.port) });
    await proxy.set({ newcomers: 'REFUSE' });
    proxy.cutAll();
    await good.updateFlightDeparture(1, TIMES);
    expect((await bad.flushQueue()).storeAway?.failures).toBe(1);
    expect(await good.flushQueue()).toMatchObject({ processed: 1, remaining: 0, storeAway: null });
    // However often it says so.
    for (let round = 0; round < 5; round++) {
      await bad.flushQueue();
      await good.updateFlightDeparture(1, TIMES);
      expect(await good.flushQueue()).toMatchObject({ processed: 1, remaining: 0 });
    }
  });
});
